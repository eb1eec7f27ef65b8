#include "webhook/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "webhook/event_field.h"

enum {
	DEPTH_MAX = 64,
	VALUES_FEW = 4096, /* any delivery may have so many */
	VALUES_MAX = 1000000,
	EVENT_DEPTH = 4,     /* top object, entry[], entry, messaging[], event */
	BYTES_PER_VALUE = 8, /* the tersest link event takes 11 a value; arrays made to cost memory take 2 */
};

struct reader {
	const struct event_rules *rules;
	struct event_list *out;
	const struct json *entry; /* the one being read */
	bool nomem;
};

static struct event *grow(struct event_list *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 1 : l->cap * 2;
		struct event *v = realloc(l->v, cap * sizeof *v);
		if (v == NULL)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = (struct event){0};
	return &l->v[l->n];
}

static bool ours(const struct strlist *pages, const char *page_id)
{
	for (size_t i = 0; i < pages->n; i++)
		if (str_is(str_c(page_id), pages->v[i]))
			return true;
	return pages->n == 0;
}

/* Status and code.  False: not an event we know; *ret_bad then tells whether it is a broken one. */
static bool read_linking(struct reader *r, const struct json *linking, struct event *e, bool *ret_bad)
{
	const struct json *status = json_get(linking, "status");
	*ret_bad = !json_is_string(status);
	if (str_is(json_str(status), "unlinked")) {
		e->kind = EVENT_K_UNLINKED;
		return true;
	}
	if (!str_is(json_str(status), "linked"))
		return false;
	char code[EVENT_CODE_MAX + 1];
	*ret_bad = !event_field_id(json_get(linking, "authorization_code"), code, sizeof code);
	if (*ret_bad)
		return false;
	e->kind = EVENT_K_LINKED;
	e->code_at = r->out->codes.len;
	buf_z(&r->out->codes, code);
	e->code_n = r->out->codes.len - e->code_at;
	r->nomem |= r->out->codes.failed;
	return true;
}

/* The recipient is the page; an event that does not name one belongs to its entry's. */
static bool read_page(const struct reader *r, const struct json *event, struct event *e)
{
	const struct json *id = json_get(json_get(event, "recipient"), "id");
	if (id == NULL)
		id = json_get(r->entry, "id");
	return id == NULL || event_field_id(id, e->page_id, sizeof e->page_id);
}

static void read_link_event(struct reader *r, const struct json *event, const struct json *linking)
{
	struct event_list *out = r->out;
	struct event *e = grow(out);
	if (e == NULL) {
		r->nomem = true;
		return;
	}
	if (!event_field_id(json_get(json_get(event, "sender"), "id"), e->psid, sizeof e->psid) ||
	    !read_page(r, event, e)) {
		out->skipped++;
		return;
	}
	if (!ours(r->rules->pages, e->page_id)) {
		out->foreign++;
		memcpy(out->foreign_page, e->page_id, sizeof out->foreign_page);
		return;
	}
	bool bad;
	if (!read_linking(r, linking, e, &bad)) {
		out->skipped += bad;
		out->ignored += !bad;
		return;
	}
	struct event_time t = event_field_time(json_get(event, "timestamp"), json_get(r->entry, "time"),
	                                       r->rules->received_ms);
	if (t.stale && e->kind == EVENT_K_UNLINKED) {
		out->stale++;
		return;
	}
	e->time_ms = t.ms;
	out->n++;
}

static void read_messaging(struct reader *r, const struct json *event)
{
	const struct json *linking = json_get(event, "account_linking");
	if (!json_is_object(event))
		r->out->skipped++;
	else if (linking == NULL)
		r->out->ignored++;
	else
		read_link_event(r, event, linking);
}

static void read_entry(struct reader *r, const struct json *entry)
{
	if (!json_is_object(entry)) {
		r->out->skipped++;
		return;
	}
	r->entry = entry;
	const struct json *messaging = json_get(entry, "messaging");
	const struct json *standby = json_get(entry, "standby");
	if (!json_is_array(messaging) && !json_is_array(standby)) {
		r->out->ignored++;
		return;
	}
	for (const struct json *e = json_first(standby); e != NULL; e = json_next(e)) {
		if (json_get(e, "account_linking") != NULL)
			r->out->standby++;
		else
			r->out->ignored++;
	}
	if (!json_is_array(messaging))
		return;
	for (const struct json *e = json_first(messaging); e != NULL && !r->nomem; e = json_next(e))
		read_messaging(r, e);
}

static enum err_code read_delivery(struct reader *r, const struct json *top, struct err *reterr)
{
	if (!json_is_object(top))
		return err_set(reterr, ERR_INVALID, "not a JSON object");
	const struct json *entry = json_get(top, "entry");
	if (!str_is(json_str(json_get(top, "object")), "page") || !json_is_array(entry)) {
		r->out->ignored++;
		return ERR_OK;
	}
	for (const struct json *e = json_first(entry); e != NULL && !r->nomem; e = json_next(e))
		read_entry(r, e);
	return r->nomem ? err_set(reterr, ERR_NOMEM, "no memory for the events of a delivery") : ERR_OK;
}

enum err_code event_parse(struct str json, const struct event_rules *rules, struct event_list *ret,
                          struct err *reterr)
{
	*ret = (struct event_list){0};
	buf_init(&ret->codes, json.n);
	size_t values = VALUES_FEW + json.n / BYTES_PER_VALUE;
	struct json_limits limits = {
	        .max_depth = DEPTH_MAX,
	        .max_values = values < VALUES_MAX ? values : VALUES_MAX,
	};
	struct json_wanted wanted = {.key = STR("account_linking"), .depth = EVENT_DEPTH};
	struct json *top;
	enum err_code code = json_parse_wanted(json, &limits, &wanted, &top, reterr);
	if (code != ERR_OK)
		return code;
	if (top == NULL) { /* most deliveries are messages: not worth a tree */
		ret->ignored = wanted.objects;
		return ERR_OK;
	}
	struct reader r = {.rules = rules, .out = ret};
	code = read_delivery(&r, top, reterr);
	json_free(top);
	return code;
}

void event_list_done(struct event_list *l)
{
	free(l->v);
	buf_done(&l->codes);
	*l = (struct event_list){0};
}

struct str event_code(const struct event_list *l, const struct event *e)
{
	if (e->code_n == 0)
		return (struct str){0};
	return (struct str){l->codes.p + e->code_at, e->code_n};
}
