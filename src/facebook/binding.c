#include "facebook/binding.h"

#include "facebook/graph_lookups.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* The answer is known; keep it for a reload of the page.  `known` NULL: it is not, and `fault` counts against Graph. */
static void answered(const struct binding *b, const struct graph_known *known, bool fault)
{
	if (graph_lookups_answered(graph_lookups_of(b->graph), str_c(b->token), loop_now_ms(b->loop), known,
	                           fault))
		log_line(
		        LOG_WARN, "graph_paused", log_z("reason", b->reason),
		        log_z("hint",
		              "Graph failed 5 times within 10 s and is not asked for 60 s; logins go on, and "
		              "their codes are not bound to a Messenger profile"));
}

static void unknown(struct binding *b, const char *reason, bool fault)
{
	b->result = BINDING_UNKNOWN;
	b->reason = reason;
	answered(b, NULL, fault);
}

/* No page token knows the linking token.  With pages that have no token here it may belong to one of them. */
static void nobody_knows(struct binding *b)
{
	if (!graph_covers_pages(b->graph)) {
		unknown(b, "another_page", false);
		return;
	}
	b->result = BINDING_EXPIRED;
	answered(b, &(struct graph_known){.expired = true}, false);
}

static void found(struct binding *b)
{
	b->result = BINDING_FOUND;
	answered(b, &(struct graph_known){.who = b->who, .name = b->name}, false);
}

static void on_name(void *arg, long status, struct str body, const char *error)
{
	struct binding *b = arg;
	b->call = NULL;
	struct graph_answer a = graph_answer_name(status, body, &b->name);
	if (error != NULL || (a.class != GRAPH_DONE && a.class != GRAPH_NO_PROFILE))
		metric_add(M_GRAPH_FAILED, 1);
	found(b);
	b->done(b);
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
		unknown(b, "wrong_page", false);
		return false;
	}
	if (r.timeout_ms > 0 && graph_start(b->graph, &r, on_name, b, &b->call, &err) == ERR_OK) {
		metric_add(M_GRAPH_CALLS, 1);
		return true;
	}
	found(b);
	return false;
}

static bool ask(struct binding *b);

/* True: Facebook is asked again. */
static bool judge(struct binding *b, const struct graph_answer *a)
{
	if (a->class == GRAPH_DONE)
		return ask_name(b);
	if (a->class == GRAPH_LINK_TOKEN && ++b->page < graph_pages(b->graph))
		return ask(b);
	if (a->class == GRAPH_LINK_TOKEN)
		nobody_knows(b);
	else
		unknown(b, graph_class_name(a->class), true);
	return false;
}

static void tell_error(const struct binding *b, const struct graph_answer *a)
{
	if (a->class == GRAPH_DONE || a->class == GRAPH_LINK_TOKEN)
		return;
	metric_add(M_GRAPH_FAILED, 1);
	log_line(a->class == GRAPH_TOKEN_DEAD ? LOG_ERROR : LOG_WARN, "graph_refused",
	         log_z("call", "recipient"), log_z("class", graph_class_name(a->class)),
	         log_int("page_token", (int64_t)b->page + 1), log_int("code", a->code),
	         log_int("subcode", a->subcode), log_z("fbtrace_id", a->trace));
}

static void on_answer(void *arg, long status, struct str body, const char *error)
{
	struct binding *b = arg;
	b->call = NULL;
	if (error != NULL) {
		metric_add(M_GRAPH_FAILED, 1);
		log_line(LOG_WARN, "graph_unreachable", log_z("call", "recipient"), log_z("error", error));
		unknown(b, "unreachable", true);
	} else {
		struct graph_answer a = graph_answer_recipient(status, body, &b->who);
		tell_error(b, &a);
		if (judge(b, &a))
			return;
	}
	b->done(b);
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
		unknown(b, "timeout", true);
		return false;
	}
	metric_add(M_GRAPH_CALLS, 1);
	if (graph_start(b->graph, &r, on_answer, b, &b->call, &err) == ERR_OK)
		return true;
	log_line(LOG_WARN, "graph_unreachable", log_z("call", "recipient"), log_z("error", err.msg));
	unknown(b, "not_started", false);
	return false;
}

bool binding_start(struct binding *b)
{
	struct graph_known known;
	int64_t now_ms = loop_now_ms(b->loop);
	enum graph_admission a = graph_lookups_admit(graph_lookups_of(b->graph), str_c(b->token),
	                                             str_c(b->client), now_ms, &known);
	b->deadline_ms = now_ms + graph_timeout_ms(b->graph);
	if (a == GRAPH_ASK)
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
}
