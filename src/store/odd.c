#include "store/odd.h"

#include "base/clock.h"
#include "obs/audit.h"
#include "obs/log.h"

enum { TELL_MS = 60 * 1000, AHEAD_MS = 60 * 60 * 1000 };

static bool may_tell(_Atomic int64_t *next_ms)
{
	int64_t now_ms = clock_mono_ms(), due_ms = atomic_load(next_ms);
	return now_ms >= due_ms && atomic_compare_exchange_strong(next_ms, &due_ms, now_ms + TELL_MS);
}

void odd_tell(struct str customer_id, const char *attribute)
{
	static _Atomic int64_t next_ms;
	if (may_tell(&next_ms))
		log_line(LOG_WARN, "attribute_not_ours",
		         log_z("customer_digest", audit_digest(customer_id).s), log_z("attribute", attribute),
		         log_z("hint", "another program wrote it: it is read as absent and replaced by the "
		                       "next write"));
}

void odd_tell_full(struct str customer_id, const char *operation)
{
	static _Atomic int64_t next_ms;
	if (may_tell(&next_ms))
		log_line(LOG_ERROR, "record_full", log_z("customer_digest", audit_digest(customer_id).s),
		         log_z("operation", operation),
		         log_z("remedy",
		               "the item is as large as DynamoDB allows (400 KB): remove or shorten "
		               "attributes of other programs in it"));
}

int64_t odd_latest_ms(void)
{
	return clock_wall_ms() + AHEAD_MS;
}

void odd_link(struct store_link *link)
{
	if (link->linked_at_ms < 0 || link->linked_at_ms > odd_latest_ms())
		link->linked_at_ms = -1;
}

static bool window_odd(const struct store_customer *c)
{
	return c->login_failures < 0 || c->login_failures > ODD_FAILURES_MAX || c->login_window_ends_s < 0 ||
	       c->login_window_ends_s > clock_wall_ms() / 1000 + ODD_WINDOW_MAX_S;
}

void odd_customer(struct store_customer *c)
{
	int64_t at_ms = c->link.linked_at_ms;
	odd_link(&c->link);
	if (c->link.linked_at_ms != at_ms)
		odd_tell(str_c(c->key.id), "fb_linked_at");
	if (!window_odd(c))
		return;
	odd_tell(str_c(c->key.id), "login_failures");
	c->login_failures = c->login_window_ends_s = 0;
}
