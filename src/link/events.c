#include "link/events.h"

#include "base/crypto.h"
#include "log.h"

static const char *const names[] = {
        [LINK_CREATED] = "link.created",
        [LINK_REMOVED] = "link.removed",
        [LINK_REFUSED] = "link.refused",
};

/* No PSID and no customer in clear: a log reaches more people than the table does. */
static void write_line(const struct link_events *self, const struct link_event *e)
{
	(void)self;
	char psid[CRYPTO_LOG_ID_LEN + 1];
	char customer[CRYPTO_LOG_ID_LEN + 1] = "";
	crypto_log_id(str_c(e->psid), psid);
	if (e->customer_id[0] != '\0')
		crypto_log_id(str_c(e->customer_id), customer);
	log_line(LOG_INFO, names[e->kind], log_z("reason", e->reason), log_z("psid_digest", psid),
	         log_z("customer_digest", customer), log_z("page_id", e->page_id),
	         log_int("event_time_ms", e->time_ms));
}

const struct link_events link_events_log = {.heard = write_line};

void link_events_tell(const struct link_events *l, const struct link_event *e)
{
	l->heard(l, e);
}
