#include "link/events.h"

#include "obs/audit.h"

static const struct {
	const char *action, *result; /* result NULL: the reason is the result */
} words[] = {
        [LINK_CREATED] = {"link", NULL},
        [LINK_REMOVED] = {"link", "removed"},
        [LINK_REFUSED] = {"code", "refused"},
        [LINK_MISSED] = {"link", "not_removed"},
};

static void write_line(const struct link_events *self, const struct link_event *e)
{
	(void)self;
	const char *result = words[e->kind].result;
	audit_line(&(struct audit){.action = words[e->kind].action,
	                           .result = result != NULL ? result : e->reason,
	                           .reason = result != NULL ? e->reason : NULL,
	                           .way = e->source.way,
	                           .client = e->source.client,
	                           .actor = e->source.actor,
	                           .customer_id = e->customer_id,
	                           .psid = e->psid,
	                           .page_id = e->page_id,
	                           .code_digest = e->code_digest,
	                           .event_time_ms = e->time_ms});
}

const struct link_events link_events_log = {.heard = write_line};

void link_events_tell(const struct link_events *l, const struct link_event *e)
{
	l->heard(l, e);
}
