#include "webhook/event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { EVENT_DEPTH = 4 }; /* top object, entry[], entry, messaging[], event */

enum top_field { TOP_OBJECT, TOP_ENTRY, TOP_N };
enum entry_field { ENTRY_ID, ENTRY_TIME, ENTRY_MESSAGING, ENTRY_STANDBY, ENTRY_N };
enum event_part { PART_SENDER, PART_RECIPIENT, PART_TIMESTAMP, PART_LINKING, PART_N };
enum linking_field { LINKING_STATUS, LINKING_CODE, LINKING_N };

/* How a link event is treated. */
enum verdict { V_TAKEN, V_IGNORED, V_SKIPPED, V_FOREIGN, V_STALE };

struct reader {
	const struct event_rules *rules;
	struct event_list *out;
	const struct json_view_field *entry; /* the fields of the entry being read */
	bool nomem;
};

/* --- single fields, in every form that Facebook and test tools send */

static const double EXACT_MAX =
        9007199254740991.0;                  /* 2^53 - 1: beyond it a double stands for several integers */
static const double SECONDS_MAX = 1e11;      /* in seconds the year 5138, in milliseconds 1973 */
static const double FIRST_MS = 1451606400e3; /* 2016: Messenger had no account linking earlier */

/* A string of 1..cap-1 bytes without NUL, or an integral number in 0..2^53-1, as text. */
static bool write_id(const struct json *j, char *ret, size_t cap)
{
	if (json_is_string(j)) {
		struct str s = json_str(j);
		return s.n > 0 && !json_has_nul(s) && str_copy(ret, cap, s);
	}
	double v;
	if (!json_num(j, &v) || signbit(v) != 0 || !(v <= EXACT_MAX))
		return false;
	int64_t whole = (int64_t)v;
	if ((double)whole < v)
		return false;
	int n = snprintf(ret, cap, "%" PRId64, whole);
	return n > 0 && (size_t)n < cap;
}

static bool to_number(const struct json *j, double *ret)
{
	if (json_num(j, ret))
		return true;
	uint64_t v;
	if (!str_u64(json_str(j), (uint64_t)EXACT_MAX, &v))
		return false;
	*ret = (double)v;
	return true;
}

struct event_time {
	int64_t ms; /* Unix time: the event's own, or received_ms when that is absent or not plausible */
	bool stale; /* the event's own time is plausible, but older than any event that Facebook delivers */
};

/* Of a time in ms or s, a number or a string of digits.  False: `j` is not a time; *ret is unchanged. */
static bool judge_time(const struct json *j, int64_t received_ms, struct event_time *ret)
{
	double t;
	if (!to_number(j, &t))
		return false;
	*ret = (struct event_time){.ms = received_ms};
	if (t < SECONDS_MAX)
		t *= 1000;
	double ahead = t - (double)received_ms;
	if (!(t >= FIRST_MS && ahead <= (double)EVENT_AHEAD_MAX_MS))
		return true;
	ret->stale = ahead < -(double)EVENT_AGE_MAX_MS;
	if (!ret->stale)
		ret->ms = (int64_t)t;
	return true;
}

/* --- what the document has */

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

/* NULL when the field is missing, occurs twice, or is not a valid scalar: half a surrogate pair and bytes
 * that are not UTF-8 are not valid. */
static struct json *scalar(struct reader *r, const struct json_view_field *f)
{
	struct json *j = NULL;
	if (f->value.n > 0 && !f->doubled)
		r->nomem |= json_view_scalar(f->value, &j, NULL) == ERR_NOMEM;
	return j;
}

static bool is_text(struct reader *r, const struct json_view_field *f)
{
	struct json *j = scalar(r, f);
	bool ok = json_is_string(j);
	json_free(j);
	return ok;
}

static bool read_id(struct reader *r, const struct json_view_field *f, char *ret, size_t cap)
{
	struct json *j = scalar(r, f);
	bool ok = write_id(j, ret, cap);
	json_free(j);
	return ok;
}

/* {"id":...}; `none` distinguishes a valid object without an id from a bad one. */
static bool read_party(struct reader *r, const struct json_view_field *party, char *ret, bool *none)
{
	struct json_view_field id = {.name = "id"};
	json_view_fields(party->value, &id, 1);
	*none = !party->doubled && id.value.n == 0;
	struct json *j = party->doubled ? NULL : scalar(r, &id);
	bool ok = write_id(j, ret, EVENT_ID_MAX + 1);
	json_free(j);
	return ok;
}

/* --- the page */

static enum verdict judge_page(struct reader *r, const char *page_id)
{
	if (config_page_is_ours(r->rules->pages, str_c(page_id)))
		return V_TAKEN;
	if (r->out->foreign == 0)
		(void)str_copy(r->out->foreign_page, sizeof r->out->foreign_page, str_c(page_id));
	return V_FOREIGN;
}

/* The recipient is the page; an event without a recipient belongs to the page of its entry.  If pages are
 * configured, both must be among them. */
static enum verdict read_page(struct reader *r, const struct json_view_field *recipient, struct event *e)
{
	const struct json_view_field *entry_id = &r->entry[ENTRY_ID];
	char of_entry[EVENT_ID_MAX + 1] = "";
	bool none, told = read_party(r, recipient, e->page_id, &none);
	if (!told && !none)
		return V_SKIPPED;
	if (told && (r->rules->pages->n == 0 || entry_id->value.n == 0))
		return judge_page(r, e->page_id);
	if (entry_id->value.n > 0 && !read_id(r, entry_id, of_entry, sizeof of_entry))
		return V_SKIPPED;
	if (!told)
		(void)str_copy(e->page_id, sizeof e->page_id, str_c(of_entry));
	enum verdict v = judge_page(r, of_entry);
	return v == V_TAKEN ? judge_page(r, e->page_id) : v;
}

/* --- a link event */

static enum verdict read_linking(struct reader *r, struct str linking, struct event *e)
{
	struct json_view_field f[LINKING_N] = {
	        [LINKING_STATUS] = {.name = "status"}, [LINKING_CODE] = {.name = "authorization_code"}};
	json_view_fields(linking, f, LINKING_N);
	struct str status = f[LINKING_STATUS].value;
	if (f[LINKING_STATUS].doubled)
		return V_SKIPPED;
	e->kind = EVENT_K_UNLINKED;
	if (json_view_is(status, "unlinked"))
		return V_TAKEN;
	if (!json_view_is(status, "linked"))
		return is_text(r, &f[LINKING_STATUS]) ? V_IGNORED : V_SKIPPED;
	e->kind = EVENT_K_LINKED;
	char code[EVENT_CODE_MAX + 1];
	if (!read_id(r, &f[LINKING_CODE], code, sizeof code))
		return V_SKIPPED;
	e->code_at = r->out->codes.len;
	buf_z(&r->out->codes, code);
	e->code_n = r->out->codes.len - e->code_at;
	r->nomem |= r->out->codes.failed;
	return V_TAKEN;
}

/* The event's own time, else that of its entry. */
static enum verdict read_time(struct reader *r, const struct json_view_field *timestamp, struct event *e)
{
	const struct json_view_field *from[] = {timestamp, &r->entry[ENTRY_TIME]};
	struct event_time t = {.ms = r->rules->received_ms};
	bool told = false;
	for (size_t i = 0; i < 2 && !told; i++) {
		if (from[i]->doubled)
			return V_SKIPPED;
		struct json *j = scalar(r, from[i]);
		told = judge_time(j, r->rules->received_ms, &t);
		json_free(j);
	}
	e->time_ms = t.ms;
	return t.stale && e->kind == EVENT_K_UNLINKED ? V_STALE : V_TAKEN;
}

/* --- the lists around it */

static void read_event(struct reader *r, struct str event)
{
	struct event_list *out = r->out;
	struct json_view_field part[PART_N] = {[PART_SENDER] = {.name = "sender"},
	                                       [PART_RECIPIENT] = {.name = "recipient"},
	                                       [PART_TIMESTAMP] = {.name = "timestamp"},
	                                       [PART_LINKING] = {.name = "account_linking"}};
	json_view_fields(event, part, PART_N);
	if (part[PART_LINKING].value.n == 0) {
		*(json_view_is_object(event) ? &out->ignored : &out->skipped) += 1;
		return;
	}
	struct event *e = grow(out);
	if (e == NULL) {
		r->nomem = true;
		return;
	}
	bool none;
	enum verdict v = V_SKIPPED;
	if (!part[PART_LINKING].doubled && read_party(r, &part[PART_SENDER], e->psid, &none))
		v = read_page(r, &part[PART_RECIPIENT], e);
	if (v == V_TAKEN)
		v = read_linking(r, part[PART_LINKING].value, e);
	if (v == V_TAKEN)
		v = read_time(r, &part[PART_TIMESTAMP], e);
	switch (v) {
	case V_TAKEN: out->n++; break;
	case V_IGNORED: out->ignored++; break;
	case V_SKIPPED: out->skipped++; break;
	case V_FOREIGN: out->foreign++; break;
	case V_STALE: out->stale++; break;
	}
}

static void read_entry(struct reader *r, struct str entry)
{
	struct json_view_field f[ENTRY_N] = {[ENTRY_ID] = {.name = "id"},
	                                     [ENTRY_TIME] = {.name = "time"},
	                                     [ENTRY_MESSAGING] = {.name = "messaging"},
	                                     [ENTRY_STANDBY] = {.name = "standby"}};
	/* `standby`: a thread that another app owns.  Signature and code are checked as for others. */
	json_view_fields(entry, f, ENTRY_N);
	struct str lists[] = {f[ENTRY_MESSAGING].value, f[ENTRY_STANDBY].value}, event;
	if (!json_view_is_object(entry) || f[ENTRY_MESSAGING].doubled || f[ENTRY_STANDBY].doubled) {
		r->out->skipped++;
		return;
	}
	if (!json_view_is_array(lists[0]) && !json_view_is_array(lists[1])) {
		r->out->ignored++;
		return;
	}
	r->entry = f;
	for (size_t i = 0; i < 2; i++) {
		struct str events = json_view_items(lists[i]);
		while (!r->nomem && json_view_next(&events, &event))
			read_event(r, event);
	}
	r->entry = NULL;
}

enum err_code event_parse(struct str json, const struct event_rules *rules, struct event_list *ret,
                          struct err *reterr)
{
	*ret = (struct event_list){0};
	buf_init(&ret->codes, json.n);
	struct json_scan_wanted wanted = {.key = STR("account_linking"), .depth = EVENT_DEPTH};
	enum err_code code = json_scan_grammar(json, &wanted, reterr);
	if (code != ERR_OK)
		return code;
	struct str top = str_trim(json);
	if (!json_view_is_object(top))
		return err_set(reterr, ERR_INVALID, "not a JSON object");
	if (!wanted.found &&
	    wanted.objects > 0) { /* most deliveries are messages, which have no link event */
		ret->ignored = wanted.objects;
		return ERR_OK;
	}
	struct json_view_field f[TOP_N] = {
	        [TOP_OBJECT] = {.name = "object"}, [TOP_ENTRY] = {.name = "entry"}};
	json_view_fields(top, f, TOP_N);
	if (f[TOP_OBJECT].doubled || f[TOP_ENTRY].doubled) {
		ret->skipped++;
		return ERR_OK;
	}
	if (!json_view_is(f[TOP_OBJECT].value, "page") || !json_view_is_array(f[TOP_ENTRY].value)) {
		ret->ignored++;
		return ERR_OK;
	}
	struct reader r = {.rules = rules, .out = ret};
	struct str entries = json_view_items(f[TOP_ENTRY].value), entry;
	while (!r.nomem && json_view_next(&entries, &entry))
		read_entry(&r, entry);
	return r.nomem ? err_set(reterr, ERR_NOMEM, "no memory for the events of a delivery") : ERR_OK;
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
