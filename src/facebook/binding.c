#include "facebook/binding.h"

#include "facebook/graph_lookups.h"
#include "obs/log.h"

static void report(struct binding *b, enum graph_lookup_end end, const struct graph_known *known)
{
	if (!b->asked)
		return;
	b->asked = false;
	if (graph_lookups_ended(graph_lookups_of(b->graph), str_c(b->token), loop_now_ms(b->loop), end,
	                        known))
		log_line(LOG_WARN, "graph_paused", log_z("reason", b->reason),
		         log_z("hint",
		               "Graph failed 5 times within 10 s and is not asked for 60 s. Until then codes "
		               "are "
		               "not bound to a Messenger profile; with LINKD_REQUIRE_PSID_BINDING=on, logins "
		               "are refused with 503"));
}

static void unknown(struct binding *b, const char *reason, enum graph_lookup_end end)
{
	b->result = BINDING_UNKNOWN;
	b->reason = reason;
	report(b, end, NULL);
}

/* No page token knows the linking token.  If a page has no page token, or one that could not answer, the linking token
 * may belong to that page. */
static void nobody_knows(struct binding *b)
{
	if (b->trouble != GRAPH_DONE) {
		unknown(b, graph_class_name(b->trouble), GRAPH_LOOKUP_ANSWERED);
	} else if (!graph_covers_pages(b->graph)) {
		unknown(b, "another_page", GRAPH_LOOKUP_ANSWERED);
	} else {
		b->result = BINDING_EXPIRED;
		report(b, GRAPH_LOOKUP_ANSWERED, &(struct graph_known){.expired = true});
	}
}

static void found(struct binding *b, enum graph_lookup_end end)
{
	b->result = BINDING_FOUND;
	report(b, end, &(struct graph_known){.who = b->who, .name = b->name});
}

/* What a call's answer says of Graph itself. */
static enum graph_lookup_end end_of(enum graph_class class)
{
	return class == GRAPH_RETRY || class == GRAPH_RATE_LIMITED ? GRAPH_LOOKUP_FAILED
	                                                           : GRAPH_LOOKUP_ANSWERED;
}

/* From here to the end the lines of the log carry the request's id.  b may be dead after it. */
static void end(struct binding *b)
{
	b->done(b);
	log_scope(NULL);
}

static void on_name(void *arg, long status, struct str body, const char *error)
{
	struct binding *b = arg;
	b->call = NULL;
	log_scope(b->scope);
	struct graph_answer a = graph_answer_name(status, body, &b->name);
	if (a.class != GRAPH_DONE && a.class != GRAPH_NO_PROFILE)
		graph_tell_failure(b->page, "name", &a, error);
	found(b, end_of(a.class));
	end(b);
}

/* True: Facebook is asked for the name.  Without a name the binding holds all the same. */
static bool ask_name(struct binding *b)
{
	struct err err;
	struct graph_request r = {.http = b->http,
	                          .page = b->page,
	                          .path = b->who.psid,
	                          .fields = "first_name,last_name",
	                          .timeout_ms = b->deadline_ms - loop_now_ms(b->loop)};
	if (!graph_page_is(b->graph, b->page, b->who.page_id)) {
		unknown(b, "wrong_page", GRAPH_LOOKUP_ANSWERED);
		return false;
	}
	if (r.timeout_ms > 0 && graph_start(b->graph, &r, on_name, b, &b->call, &err) == ERR_OK)
		return true;
	found(b, GRAPH_LOOKUP_ANSWERED);
	return false;
}

static bool ask(struct binding *b);

static bool ask_next_page(struct binding *b)
{
	if (++b->page < graph_pages(b->graph))
		return ask(b);
	nobody_knows(b);
	return false;
}

/* True: Facebook is asked again.  A page token that is dead or not allowed must not end the look-up for the pages of
 * the others. */
static bool judge(struct binding *b, enum graph_class class)
{
	switch (class) {
	case GRAPH_DONE: return ask_name(b);
	case GRAPH_LINK_TOKEN: return ask_next_page(b);
	case GRAPH_RETRY:
	case GRAPH_RATE_LIMITED: unknown(b, graph_class_name(class), end_of(class)); return false;
	default: b->trouble = class; return ask_next_page(b);
	}
}

static void on_answer(void *arg, long status, struct str body, const char *error)
{
	struct binding *b = arg;
	b->call = NULL;
	log_scope(b->scope);
	struct graph_answer a = graph_answer_recipient(status, body, &b->who);
	if (a.class != GRAPH_DONE && a.class != GRAPH_LINK_TOKEN)
		graph_tell_failure(b->page, "recipient", &a, error);
	if (error != NULL)
		unknown(b, "unreachable", GRAPH_LOOKUP_FAILED);
	else if (judge(b, a.class)) {
		log_scope(NULL);
		return;
	}
	end(b);
}

/* False: it has ended. */
static bool ask(struct binding *b)
{
	struct err err;
	struct graph_request r = {.http = b->http,
	                          .page = b->page,
	                          .path = "me",
	                          .fields = "recipient",
	                          .token = b->token,
	                          .timeout_ms = b->deadline_ms - loop_now_ms(b->loop)};
	if (r.timeout_ms <= 0) {
		unknown(b, "timeout", GRAPH_LOOKUP_FAILED);
		return false;
	}
	if (graph_start(b->graph, &r, on_answer, b, &b->call, &err) == ERR_OK)
		return true;
	log_line(LOG_WARN, "graph_unreachable", log_z("call", "recipient"), log_z("error", err.msg));
	unknown(b, "not_started", GRAPH_LOOKUP_LOST);
	return false;
}

bool binding_start(struct binding *b)
{
	struct graph_known known;
	int64_t now_ms = loop_now_ms(b->loop);
	enum graph_admission a = graph_lookups_admit(graph_lookups_of(b->graph), str_c(b->token),
	                                             str_c(b->client), now_ms, &known);
	b->deadline_ms = now_ms + graph_timeout_ms(b->graph);
	b->asked = a == GRAPH_ASK;
	if (b->asked)
		return ask(b);
	b->result = a != GRAPH_KNOWN ? BINDING_UNKNOWN : known.expired ? BINDING_EXPIRED : BINDING_FOUND;
	b->reason = graph_admission_name(a);
	if (b->result == BINDING_FOUND) {
		b->who = known.who;
		b->name = known.name;
	}
	return false;
}

void binding_cancel(struct binding *b)
{
	graph_cancel(b->call);
	b->call = NULL;
	if (b->who.psid[0] != '\0') /* only the name was missing */
		found(b, GRAPH_LOOKUP_ANSWERED);
	report(b, GRAPH_LOOKUP_LOST, NULL);
}
