/* store/key_text.h - a customer's key as one text, for the attribute authorization_code_replaces.
 *
 * Shape  decimal length of the customer_id in bytes, ':', customer_id, email: "2:c1ann@example.com". */
#pragma once
#include "store/store.h"

enum { KEY_TEXT_MAX = 24 + STORE_ID_MAX + STORE_EMAIL_MAX };

void key_text_make(const struct store_key *key, char ret[KEY_TEXT_MAX + 1]);
/* False, and *ret is empty, when the text is no packed key or does not fit. */
bool key_text_read(struct str text, struct store_key *ret);
