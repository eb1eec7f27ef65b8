#include "link/confirm_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "facebook/graph_post.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { BODY_MAX = 32 * 1024 };

struct confirmation {
	struct later_work work; /* first */
	struct service *s;
	struct graph_post post;
	struct link_op *op;  /* running */
	enum metric outcome; /* of the last try */
	const char *why;
	char customer_id[STORE_ID_MAX + 1];
	char psid[STORE_PSID_MAX + 1], page_id[STORE_PSID_MAX + 1];
};

static struct confirmation *of(struct later_work *w)
{
	return LIST_ENTRY(w, struct confirmation, work);
}

static void put_message(struct buf *json, const char *psid, const char *text)
{
	buf_z(json, "{\"recipient\":{\"id\":");
	codec_json(json, str_c(psid));
	buf_z(json, "},\"messaging_type\":\"RESPONSE\",\"message\":{\"attachment\":{\"type\":\"template\","
	            "\"payload\":{\"template_type\":\"button\",\"text\":");
	codec_json(json, str_c(text));
	buf_z(json, ",\"buttons\":[{\"type\":\"account_unlink\"}]}}}}");
}

static void on_answer(struct graph_post *p)
{
	struct confirmation *c = LIST_ENTRY(p, struct confirmation, post);
	enum graph_class class = p->answer.class;
	bool unknown = class == GRAPH_RETRY && p->maybe_done;
	c->outcome = class == GRAPH_DONE ? M_CONFIRMS_SENT
	             : unknown           ? M_CONFIRMS_UNKNOWN
	                                 : M_CONFIRMS_NOT_SENT;
	c->why = graph_class_name(class);
	later_done(&c->work, class == GRAPH_RATE_LIMITED || (class == GRAPH_RETRY && !unknown));
}

static void send_message(struct confirmation *c)
{
	struct buf json;
	struct err err;
	buf_init(&json, BODY_MAX);
	put_message(&json, c->psid, c->s->cfg->confirm_message);
	c->post = (struct graph_post){.graph = c->s->graph,
	                              .http = c->s->http,
	                              .loop = c->s->loop,
	                              .path = "me/messages",
	                              .page_id = c->page_id,
	                              .json = buf_view(&json),
	                              .once = true,
	                              .deadline_ms = loop_now_ms(c->s->loop) + GRAPH_POST_MS,
	                              .done = on_answer};
	enum err_code code = json.failed ? ERR_NOMEM : graph_post_start(&c->post, &err);
	buf_done(&json);
	c->post.json = (struct str){NULL, 0};
	c->why = code == ERR_NOT_FOUND ? "no_page_token" : "not_started";
	if (code != ERR_OK)
		later_done(&c->work, code != ERR_NOT_FOUND);
}

static void on_items(void *arg, const struct link_answer *a)
{
	struct confirmation *c = arg;
	c->op = NULL;
	c->why = a->result == LINK_R_UNSETTLED ? "store" : "link_ended";
	if (a->result == LINK_R_UNSETTLED) {
		later_done(&c->work, true);
		return;
	}
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->holder[i].link.psid, c->psid) == 0) {
			send_message(c);
			return;
		}
	later_done(&c->work, false);
}

static enum err_code look(struct confirmation *c)
{
	struct link_call call = link_call_later(c->s, on_items, c);
	return link_of_customer(&call, str_c(c->customer_id), &c->op, NULL);
}

static enum err_code start(struct later_work *w)
{
	struct confirmation *c = of(w);
	if (w->tries > 1)
		return look(c);
	send_message(c);
	return ERR_OK;
}

static void cancel(struct later_work *w)
{
	struct confirmation *c = of(w);
	if (c->op != NULL)
		link_cancel(c->op);
	if (c->post.call != NULL)
		c->outcome = M_CONFIRMS_UNKNOWN;
	graph_post_cancel(&c->post);
}

static const char *remedy_for(const char *why)
{
	if (strcmp(why, graph_class_name(GRAPH_TOKEN_DEAD)) == 0)
		return "put a new token into LINKD_PAGE_ACCESS_TOKEN and restart";
	if (strcmp(why, graph_class_name(GRAPH_NOT_ALLOWED)) == 0)
		return "give the app the permission pages_messaging for the page. Facebook also refuses a "
		       "message "
		       "24 hours after the person's last one";
	if (strcmp(why, "no_page_token") == 0)
		return "add a token of that page to LINKD_PAGE_ACCESS_TOKEN and restart";
	if (strcmp(why, "link_ended") == 0)
		return "none: the link has ended too";
	return "none: the link exists, only its message is missing";
}

static void drop(struct later_work *w)
{
	struct confirmation *c = of(w);
	bool listed = w->list != NULL;
	const char *why = !listed ? "list_full" : later_stops(w->list) ? "stopped" : c->why;
	metric_add(c->outcome, listed);
	if (c->outcome == M_CONFIRMS_UNKNOWN)
		log_line(LOG_WARN, "confirm_message_unknown", log_z("reason", why),
		         log_z("psid_digest", audit_digest(str_c(c->psid)).s), log_z("page_id", c->page_id),
		         log_z("remedy", "none: the link exists, and the message may be in the thread"));
	else if (c->outcome == M_CONFIRMS_NOT_SENT)
		log_line(LOG_WARN, "confirm_message_not_sent", log_z("reason", why),
		         log_z("psid_digest", audit_digest(str_c(c->psid)).s), log_z("page_id", c->page_id),
		         log_z("remedy", remedy_for(why)));
	free(c);
}

static const int64_t pauses_ms[] = {1000, 10000, 60000, 300000, 0};
static const struct later_kind kind = {pauses_ms, start, cancel, drop};

static void heard(const struct link_listener *self, struct service *s, const struct link_change *change)
{
	(void)self;
	if (s->confirms == NULL || change->kind != LINK_CREATED || strcmp(change->reason, "linked") != 0)
		return;
	struct confirmation *c = calloc(1, sizeof *c);
	if (c != NULL) {
		c->s = s;
		c->outcome = M_CONFIRMS_NOT_SENT;
		c->why = "not_started";
		(void)str_copy(c->customer_id, sizeof c->customer_id, str_c(change->customer_id));
		(void)str_copy(c->psid, sizeof c->psid, str_c(change->psid));
		(void)str_copy(c->page_id, sizeof c->page_id, str_c(change->page_id));
	}
	later_add(s->confirms, &kind, c == NULL ? NULL : &c->work);
}

const struct link_listener confirm_message_listener = {.heard = heard};

enum err_code confirm_message_new(struct service *s, struct later **ret, struct err *reterr)
{
	const struct later_options o = {.loop = s->loop,
	                                .max = CONFIRM_MESSAGE_MAX,
	                                .name = "confirm_message_dropped",
	                                .open = M_CONFIRMS_OPEN,
	                                .dropped = M_CONFIRMS_DROPPED};
	*ret = NULL;
	return s->graph == NULL || s->cfg->confirm_message[0] == '\0' ? ERR_OK : later_new(&o, ret, reterr);
}
