/* fill.h - customers with a live code, put into a store before the measurement. */
#pragma once
#include "store/store.h"

struct fill; /* opaque */

/* The store that the settings of the environment name.  NULL: told on stderr. */
struct fill *fill_new(void);
/* Add the customer and make the code, bound to the profile, live for an hour.  False: told on stderr. */
bool fill_code(struct fill *f, const struct store_key *key, const char *psid, struct str code);
bool fill_end(struct fill *f); /* waits for all of it.  False: some of it failed */
