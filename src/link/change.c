#include "link/change.h"

#include "obs/audit.h"
#include "service.h"

static const struct {
	const char *action, *result; /* result NULL: the reason is the result */
} words[] = {
        [LINK_CREATED] = {"link", NULL},
        [LINK_REMOVED] = {"link", "removed"},
        [LINK_REFUSED] = {"code", "refused"},
        [LINK_MISSED] = {"link", "not_removed"},
};

static void write_line(const struct link_listener *self, struct service *s, const struct link_change *c)
{
	(void)self;
	(void)s;
	const char *result = words[c->kind].result;
	audit_line(&(struct audit){.action = words[c->kind].action,
	                           .result = result != NULL ? result : c->reason,
	                           .reason = result != NULL ? c->reason : NULL,
	                           .way = c->source.way,
	                           .client = c->source.client,
	                           .actor = c->source.actor,
	                           .customer_id = c->customer_id,
	                           .psid = c->psid,
	                           .page_id = c->page_id,
	                           .code_digest = c->code_digest,
	                           .event_time_ms = c->time_ms});
}

const struct link_listener link_change_audit = {.heard = write_line};

void link_change_tell(struct service *s, const struct link_change *c)
{
	for (const struct link_listener *const *l = s->listeners; *l != NULL; l++)
		(*l)->heard(*l, s, c);
}
