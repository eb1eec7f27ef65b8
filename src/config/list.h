/* config/list.h - building and dropping a struct strlist. */
#pragma once
#include "config/config.h"

MUST_CHECK bool config_list_add(struct strlist *l, struct str item); /* a copy; false: no memory */
void config_list_free(struct strlist *l); /* wipes the items; leaves an empty list */
