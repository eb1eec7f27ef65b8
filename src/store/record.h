/* record.h - values in a customer's record, for the backends. */
#pragma once
#include "store/store.h"

/* --- values that our writes never store: other tools and old systems wrote them.
 *
 * Such a value is read as absent.  In conditions of writes it is still compared, and does not count as
 * absent.  Our next write replaces it.  Such values are logged, at most one a minute.
 * Threads  any. */
enum { RECORD_FAILURES_MAX = 1000000, RECORD_WINDOW_MAX_S = 2 * 60 * 60 };

void record_tell_odd(struct str customer_id, const char *attribute);
/* Log that the record has no room for a write. */
void record_tell_full(struct str customer_id, const char *operation);

int64_t record_latest_ms(void);                 /* the time of a link is not valid when it is later */
void record_link(struct store_link *link);      /* sets its time to -1 when that is not valid */
void record_customer(struct store_customer *c); /* checks its link and its counter, and logs */

/* --- a customer's key as one text, for the attribute authorization_code_replaces: the decimal length of the
 * customer_id in bytes, ':', customer_id, email: "2:c1ann@example.com". */
enum { RECORD_PACKED_MAX = 24 + STORE_ID_MAX + STORE_EMAIL_MAX };

void record_pack_key(const struct store_key *key, char ret[RECORD_PACKED_MAX + 1]);
/* False, and *ret is empty, when the text is no packed key or does not fit. */
bool record_unpack_key(struct str text, struct store_key *ret);

/* --- the record for which a consent was made.
 *
 * A customer who is removed and added again has the same key but another password hash, since each hash has a
 * salt of its own.  A consent carries the crypto_sha256_text of the hash ("" if there is none), and a code is issued
 * only while the stored hash has that digest. */

/* Does the hash have the wanted digest?  "" accepts any hash.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code record_is(struct str hash, const char *wanted, bool *ret_same);
