/* config_secret.h - secrets compared with each other: short, simple, used twice, made from one another. */
#pragma once
#include "config_report.h"

/* Warnings only; no text of them holds a secret. */
void config_secret_check(struct config *c, struct config_report *r);
