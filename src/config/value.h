/* config/value.h - the checks of every value, from each of the sources.  Pure.
 *
 * Values come trimmed.  False: the problem was reported, without the value where it is a secret. */
#pragma once
#include "config/report.h"

MUST_CHECK bool config_value_valid(const struct config_row *row, struct str s, struct config_report *r);
/* The same for an item of a list. */
MUST_CHECK bool config_value_item_valid(const struct config_row *row, struct str item,
                                        struct config_report *r);
