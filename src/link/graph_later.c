#include "link/graph_later.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "facebook/graph_lookups.h"
#include "facebook/graph_once.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "obs/metrics.h"

struct graph_later {
	struct later *unlinks;
	struct later *refusals; /* of people for whom Facebook was not called lately */
	struct later *repeats;  /* of the others */
};

struct unlink {
	struct later_work work; /* first */
	struct service *s;
	int64_t called_ms;  /* end of the last call that Graph may have executed; 0: none */
	int64_t check_ms;   /* monotonic: with `accepted`, when the second look is due */
	bool accepted;      /* it was, and nothing has ended since */
	bool once_more;     /* something ended during the call */
	bool ends;          /* nothing is left to be done */
	const char *why;    /* of the last failure */
	struct link_op *op; /* running */
	struct graph_post post;
	char psid[STORE_PSID_MAX + 1], page_id[STORE_PSID_MAX + 1];
	char body[GRAPH_LATER_BODY_MAX];
};

static void add_unlink(struct service *s, struct later *list, const struct graph_later_unlink *in);

static struct unlink *of(struct later_work *w)
{
	return LIST_ENTRY(w, struct unlink, work);
}

struct graph_post graph_later_post(const struct service *s, const char *psid, const char *page_id,
                                   char room[GRAPH_LATER_BODY_MAX])
{
	struct buf json;
	buf_over(&json, room, GRAPH_LATER_BODY_MAX);
	buf_z(&json, "{\"psid\":");
	codec_json(&json, str_c(psid));
	buf_z(&json, "}");
	return (struct graph_post){.graph = s->graph,
	                           .http = s->http,
	                           .loop = s->loop,
	                           .path = "me/unlink_accounts",
	                           .page_id = page_id,
	                           .json = buf_view(&json),
	                           .deadline_ms = loop_now_ms(s->loop) + GRAPH_POST_MS};
}

static void end_as(struct unlink *u, enum metric outcome)
{
	u->ends = true;
	metric_add(outcome, 1);
	later_done(&u->work, false);
}

static void again(struct unlink *u, const char *why)
{
	u->why = why;
	later_done(&u->work, true);
}

/* Not for a call that is made again: its pauses grow by themselves. */
static void note_call(const struct unlink *u)
{
	if (u->work.list != u->s->graph_later->unlinks)
		graph_once_called(graph_refusals(u->s->graph), str_c(u->psid), loop_now_ms(u->s->loop));
}

static void on_called(struct graph_post *p)
{
	struct unlink *u = LIST_ENTRY(p, struct unlink, post);
	if (p->maybe_done)
		u->called_ms = clock_wall_ms();
	switch (p->answer.class) {
	case GRAPH_DONE:
		note_call(u);
		u->accepted = !u->once_more;
		u->once_more = false;
		u->check_ms = loop_now_ms(u->s->loop) + GRAPH_LATER_CHECK_MS;
		later_wait(&u->work, GRAPH_LATER_CHECK_MS);
		break;
	case GRAPH_NOBODY:
		note_call(u);
		end_as(u, M_UNLINKS_DONE);
		break;
	case GRAPH_RETRY:
	case GRAPH_UNAVAILABLE:
	case GRAPH_RATE_LIMITED: again(u, graph_class_name(p->answer.class)); break;
	default:
		note_call(u);
		u->why = graph_class_name(p->answer.class);
		later_done(&u->work, false);
	}
}

/* For a refused code.  True: the call is not made now. */
static bool is_put_off(struct unlink *u)
{
	struct graph_later *g = u->s->graph_later;
	int64_t now_ms = loop_now_ms(u->s->loop);
	if (u->work.list == g->unlinks)
		return false;
	int64_t wait_ms = graph_once_wait_ms(graph_refusals(u->s->graph), str_c(u->psid), now_ms);
	if (graph_lookups_paused(graph_lookups_of(u->s->graph), now_ms)) {
		again(u, "paused");
	} else if (wait_ms == 0) {
		return false;
	} else if (u->work.list == g->repeats) {
		later_wait(&u->work, wait_ms);
	} else {
		add_unlink(u->s, g->repeats,
		           &(struct graph_later_unlink){u->psid, u->page_id, u->called_ms, false});
		u->ends = true;
		later_done(&u->work, false);
	}
	return true;
}

static void ask(struct unlink *u)
{
	struct err err;
	u->post = graph_later_post(u->s, u->psid, u->page_id, u->body);
	u->post.done = on_called;
	u->once_more = false;
	switch (graph_post_start(&u->post, &err)) {
	case ERR_OK: break;
	case ERR_NOT_FOUND:
		u->why = "no_page_token";
		later_done(&u->work, false);
		break;
	default: again(u, "not_started");
	}
}

static void on_removed(void *arg, const struct link_answer *a)
{
	struct unlink *u = arg;
	u->op = NULL;
	if (a->result != LINK_R_UNSETTLED)
		u->accepted = false; /* Facebook may have made the link after our call */
	again(u, a->result == LINK_R_UNSETTLED ? "store" : "linked_meanwhile");
}

static void remove_link(struct unlink *u)
{
	struct link_call c = link_call_later(u->s, on_removed, u);
	struct link_removal in = {.psid = str_c(u->psid),
	                          .event_ms = u->called_ms,
	                          .reason = "ended_at_facebook",
	                          .once = true};
	if (link_remove(&c, &in, &u->op, NULL) != ERR_OK)
		again(u, "store");
}

static void nobody_holds_it(struct unlink *u)
{
	int64_t wait_ms = u->check_ms - loop_now_ms(u->s->loop);
	if (!u->accepted) {
		if (!is_put_off(u))
			ask(u);
	} else if (wait_ms > 0) {
		later_wait(&u->work, wait_ms);
	} else {
		end_as(u, M_UNLINKS_DONE);
	}
}

static void on_found(void *arg, const struct link_answer *a)
{
	struct unlink *u = arg;
	u->op = NULL;
	if (a->result == LINK_R_UNSETTLED) {
		log_line(LOG_WARN, "link_later_unsettled", log_z("error", a->err->msg));
		again(u, "store");
	} else if (a->holder == NULL) {
		nobody_holds_it(u);
	} else if (u->called_ms == 0 || a->holder->link.linked_at_ms > u->called_ms + LINK_SLACK_MS) {
		end_as(u, M_UNLINKS_NOT_NEEDED);
	} else {
		remove_link(u);
	}
}

static enum err_code start(struct later_work *w)
{
	struct unlink *u = of(w);
	struct link_call c = link_call_later(u->s, on_found, u);
	return link_find(&c, str_c(u->psid), &u->op, NULL);
}

static void cancel(struct later_work *w)
{
	struct unlink *u = of(w);
	if (u->op != NULL)
		link_cancel(u->op);
	graph_post_cancel(&u->post);
}

#define REPEAT                                                                                      \
	"Facebook may still show the profile as linked: if GET /v1/links/{psid} answers 404, send " \
	"DELETE /v1/links/{psid}. If the PSID is not known, the person can tap Log Out in Messenger"

static const char *remedy_for(const char *why)
{
	if (strcmp(why, graph_class_name(GRAPH_TOKEN_DEAD)) == 0)
		return "put a new token into LINKD_PAGE_ACCESS_TOKEN and restart. " REPEAT;
	if (strcmp(why, graph_class_name(GRAPH_NOT_ALLOWED)) == 0)
		return "give the app the permission pages_messaging for the page. " REPEAT;
	if (strcmp(why, graph_class_name(GRAPH_UNAVAILABLE)) == 0)
		return "the person may have blocked the page. " REPEAT;
	if (strcmp(why, graph_class_name(GRAPH_REFUSED)) == 0)
		return "look up code and subcode in the error codes of the Messenger Platform. Facebook's "
		       "support "
		       "can trace the call by fbtrace_id. " REPEAT;
	if (strcmp(why, "no_page_token") == 0)
		return "add a token of that page to LINKD_PAGE_ACCESS_TOKEN and restart. " REPEAT;
	return REPEAT;
}

static void tell_given_up(const struct unlink *u, const char *why)
{
	const struct graph_answer *a = &u->post.answer;
	log_line(LOG_ERROR, "facebook_unlink_given_up", log_z("reason", why),
	         log_z("psid_digest", audit_digest(str_c(u->psid)).s), log_z("page_id", u->page_id),
	         log_int("code", a->code), log_int("subcode", a->subcode), log_z("fbtrace_id", a->trace),
	         log_z("remedy", remedy_for(why)));
}

static void drop(struct later_work *w)
{
	struct unlink *u = of(w);
	const char *why = w->list == NULL ? "list_full" : later_stops(w->list) ? "stopped" : u->why;
	if (!u->ends && u->accepted) {
		log_line(LOG_INFO, "facebook_unlink_not_checked", log_z("reason", why),
		         log_z("psid_digest", audit_digest(str_c(u->psid)).s), log_z("page_id", u->page_id));
	} else if (!u->ends) {
		metric_add(M_UNLINKS_GIVEN_UP, w->list != NULL);
		tell_given_up(u, why);
	}
	free(u);
}

/* For about 10 hours. */
static const int64_t pauses_ms[] = {2000,    2000,    5000,    5000,    10000,   10000,   20000,   30000,
                                    60000,   120000,  300000,  600000,  1800000, 3600000, 3600000, 3600000,
                                    3600000, 3600000, 3600000, 3600000, 3600000, 3600000, 0};
static const struct later_kind kind = {pauses_ms, start, cancel, drop};

static void add_unlink(struct service *s, struct later *list, const struct graph_later_unlink *in)
{
	struct unlink *u = calloc(1, sizeof *u);
	if (u != NULL) {
		u->s = s;
		u->called_ms = in->called_ms;
		u->accepted = in->accepted;
		u->check_ms = loop_now_ms(s->loop) + GRAPH_LATER_CHECK_MS;
		u->why = "not_started";
		(void)str_copy(u->psid, sizeof u->psid, str_c(in->psid));
		(void)str_copy(u->page_id, sizeof u->page_id, str_c(in->page_id));
	}
	later_add(list, &kind, u == NULL ? NULL : &u->work);
}

static bool is_of(struct later_work *w, const char *psid)
{
	return strcmp(of(w)->psid, psid) == 0;
}

static void merge(struct unlink *u, const struct graph_later_unlink *in)
{
	if (u->called_ms < in->called_ms)
		u->called_ms = in->called_ms;
	if (in->accepted)
		u->check_ms = loop_now_ms(u->s->loop) + GRAPH_LATER_CHECK_MS;
	else
		u->once_more = true;
	u->accepted &= in->accepted;
	if (u->page_id[0] == '\0')
		(void)str_copy(u->page_id, sizeof u->page_id, str_c(in->page_id));
}

void graph_later_unlink(struct service *s, const struct graph_later_unlink *u)
{
	if (s->graph_later == NULL || !graph_id_ok(str_c(u->psid)))
		return;
	struct later_work *open = later_find(s->graph_later->unlinks, &kind, is_of, u->psid);
	if (open == NULL) {
		add_unlink(s, s->graph_later->unlinks, u);
		return;
	}
	merge(of(open), u);
	later_restart(open);
}

/* --- the listener */

/* Each refused code may have left the profile linked at Facebook. */
static void refused(struct service *s, const struct link_change *c)
{
	struct graph_later *g = s->graph_later;
	if (!graph_id_ok(str_c(c->psid)) || !store_traits(s->store)->find_psid ||
	    !graph_once_first(graph_refusals(s->graph), str_c(c->psid), c->time_ms))
		return;
	struct later_work *open = later_find(g->refusals, &kind, is_of, c->psid);
	if (open == NULL)
		open = later_find(g->repeats, &kind, is_of, c->psid);
	const struct graph_later_unlink u = {.psid = c->psid, .page_id = c->page_id};
	if (open == NULL)
		add_unlink(s, g->refusals, &u);
	else
		merge(of(open), &u);
}

static bool among(const char *reason, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(reason, *words) == 0)
			return true;
	return false;
}

static void heard(const struct link_listener *self, struct service *s, const struct link_change *c)
{
	static const char *const refusals[] = {"bad_code", "expired_or_other_psid", "no_customer", NULL};
	static const char *const removals[] = {"relinked", "erased", NULL};
	(void)self;
	if (s->graph_later == NULL)
		return;
	if (c->kind == LINK_REFUSED && among(c->reason, refusals))
		refused(s, c);
	if (c->kind == LINK_REMOVED && among(c->reason, removals))
		graph_later_unlink(s, &(struct graph_later_unlink){.psid = c->psid, .page_id = c->page_id});
}

const struct link_listener graph_later_listener = {.heard = heard};

/* --- the lists */

static enum err_code list_new(struct service *s, size_t max, struct later **ret, struct err *reterr)
{
	const struct later_options o = {.loop = s->loop,
	                                .max = max,
	                                .name = "facebook_unlink_dropped",
	                                .open = M_UNLINKS_OPEN,
	                                .dropped = M_UNLINKS_DROPPED};
	return later_new(&o, ret, reterr);
}

enum err_code graph_later_new(struct service *s, struct graph_later **ret, struct err *reterr)
{
	*ret = NULL;
	if (s->graph == NULL)
		return ERR_OK;
	struct graph_later *g = calloc(1, sizeof *g);
	if (g == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the lists of calls to Graph");
	enum err_code code = list_new(s, GRAPH_LATER_UNLINKS, &g->unlinks, reterr);
	if (code == ERR_OK)
		code = list_new(s, GRAPH_LATER_REFUSALS, &g->refusals, reterr);
	if (code == ERR_OK)
		code = list_new(s, GRAPH_LATER_REFUSALS, &g->repeats, reterr);
	if (code == ERR_OK)
		*ret = g;
	else
		graph_later_free(g);
	return code;
}

void graph_later_free(struct graph_later *g)
{
	if (g == NULL)
		return;
	later_free(g->unlinks);
	later_free(g->refusals);
	later_free(g->repeats);
	free(g);
}
