#include "store/record.h"

#include <stdio.h>

#include "base/clock.h"
#include "obs/audit.h"
#include "obs/log.h"

enum { TELL_MS = 60 * 1000, AHEAD_MS = 60 * 60 * 1000 };

static bool may_tell(_Atomic int64_t *next_ms)
{
	int64_t now_ms = clock_mono_ms(), due_ms = atomic_load(next_ms);
	return now_ms >= due_ms && atomic_compare_exchange_strong(next_ms, &due_ms, now_ms + TELL_MS);
}

void record_tell_odd(struct str customer_id, const char *attribute)
{
	static _Atomic int64_t next_ms;
	if (may_tell(&next_ms))
		log_line(LOG_WARN, "attribute_not_ours",
		         log_z("customer_digest", audit_digest(customer_id).s), log_z("attribute", attribute),
		         log_z("hint", "another program wrote it: it is read as absent and replaced by the "
		                       "next write"));
}

void record_tell_full(struct str customer_id, const char *operation)
{
	static _Atomic int64_t next_ms;
	if (may_tell(&next_ms))
		log_line(LOG_ERROR, "record_full", log_z("customer_digest", audit_digest(customer_id).s),
		         log_z("operation", operation),
		         log_z("remedy",
		               "the item is as large as DynamoDB allows (400 KB): remove or shorten "
		               "attributes of other programs in it"));
}

int64_t record_latest_ms(void)
{
	return clock_wall_ms() + AHEAD_MS;
}

void record_link(struct store_link *link)
{
	if (link->linked_at_ms < 0 || link->linked_at_ms > record_latest_ms())
		link->linked_at_ms = -1;
}

static bool window_odd(const struct store_customer *c)
{
	return c->login_failures < 0 || c->login_failures > RECORD_FAILURES_MAX ||
	       c->login_window_ends_s < 0 ||
	       c->login_window_ends_s > clock_wall_ms() / 1000 + RECORD_WINDOW_MAX_S;
}

void record_customer(struct store_customer *c)
{
	int64_t at_ms = c->link.linked_at_ms;
	record_link(&c->link);
	if (c->link.linked_at_ms != at_ms)
		record_tell_odd(str_c(c->key.id), "fb_linked_at");
	if (!window_odd(c))
		return;
	record_tell_odd(str_c(c->key.id), "login_failures");
	c->login_failures = c->login_window_ends_s = 0;
}

void record_pack_key(const struct store_key *key, char ret[RECORD_PACKED_MAX + 1])
{
	(void)snprintf(ret, RECORD_PACKED_MAX + 1, "%zu:%s%s", strlen(key->id), key->id, key->email);
}

static bool fill(struct str text, struct store_key *ret)
{
	struct str digits, rest;
	uint64_t n;
	if (!str_cut(text, ':', &digits, &rest) || !str_u64(digits, STORE_ID_MAX, &n) || n > rest.n)
		return false;
	return str_copy(ret->id, sizeof ret->id, (struct str){rest.p, n}) &&
	       str_copy(ret->email, sizeof ret->email, (struct str){rest.p + n, rest.n - n});
}

bool record_unpack_key(struct str text, struct store_key *ret)
{
	*ret = (struct store_key){{0}, {0}};
	if (fill(text, ret))
		return true;
	*ret = (struct store_key){{0}, {0}};
	return false;
}

enum err_code record_is(struct str hash, const char *wanted, bool *ret_same)
{
	char own[STORE_DIGEST_LEN + 1];
	*ret_same = true;
	if (wanted[0] == '\0')
		return ERR_OK;
	enum err_code code = crypto_sha256_text(hash, own);
	*ret_same = code == ERR_OK && str_is(str_c(wanted), own);
	return code;
}
