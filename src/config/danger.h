/* config/danger.h - warns of settings that are legal but dangerous, each with a remedy.
 *
 * Pre  config_check has interpreted the settings. */
#pragma once
#include "config/report.h"

void config_danger(struct config *c, struct config_report *r);
