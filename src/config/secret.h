/* config/secret.h - warns of secrets that are short, simple, used twice or derived from one another. */
#pragma once
#include "config/report.h"

/* Adds warnings only; none of them contains a secret. */
void config_secret_check(struct config *c, struct config_report *r);
