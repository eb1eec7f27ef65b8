/* config/ini.h - the settings file: "key = value" lines, sections for the eye only.
 *
 * A key is a setting's name without LINKD_, in lower case.  An indented line after a list continues that list.
 * A ';' after white space begins a comment. */
#pragma once
#include "config/source.h"

void config_ini_read(const char *file, struct config_raw *raw, struct config_report *r);
