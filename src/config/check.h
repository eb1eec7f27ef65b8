/* config/check.h - what single settings mean and which must go together; fills what is derived.
 *
 * Runs when every setting could be read on its own. */
#pragma once
#include "config/report.h"

void config_check(struct config *c, struct config_report *r);
