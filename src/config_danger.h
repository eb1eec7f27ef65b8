/* config_danger.h - settings that are legal and dangerous: a warning each, with what to do.
 *
 * Pre  config_check found what the settings mean. */
#pragma once
#include "config_report.h"

void config_danger(struct config *c, struct config_report *r);
