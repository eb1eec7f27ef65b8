/* keypack.h - a customer's key as one text, for the attribute authorization_code_replaces.
 *
 * Shape  decimal length of the customer_id in bytes, ':', customer_id, email: "2:c1ann@example.com". */
#pragma once
#include "store/store.h"

enum { KEYPACK_MAX = 24 + STORE_ID_MAX + STORE_EMAIL_MAX };

void keypack_make(const struct store_key *key, char ret[KEYPACK_MAX + 1]);
/* False, and *ret is empty, when the text is no packed key or does not fit. */
bool keypack_read(struct str text, struct store_key *ret);
