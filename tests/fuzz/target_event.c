/* Deliveries.  Input: a byte that chooses the pages that are ours, and the JSON. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "fuzz.h"
#include "webhook/event.h"

static const int64_t now_ms = INT64_C(1760000000000);

static size_t count_of(struct str text, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == c;
	return n;
}

static void check_event(const struct event_list *l, const struct event *e, const struct event_rules *rules)
{
	struct str code = event_code(l, e);
	bool ours = rules->pages->n == 0;
	FUZZ_MUST(memchr(e->psid, '\0', sizeof e->psid) != NULL && e->psid[0] != '\0');
	FUZZ_MUST(memchr(e->page_id, '\0', sizeof e->page_id) != NULL);
	FUZZ_MUST(e->time_ms >= now_ms - EVENT_AGE_MAX_MS && e->time_ms <= now_ms + EVENT_AHEAD_MAX_MS);
	FUZZ_MUST(e->kind == EVENT_K_LINKED || e->kind == EVENT_K_UNLINKED);
	FUZZ_MUST((e->kind == EVENT_K_LINKED) == (code.n > 0) && code.n <= EVENT_CODE_MAX);
	FUZZ_MUST(code.n == 0 ||
	          (e->code_at + e->code_n <= l->codes.len && str_utf8(code) && !str_has(code, '\0')));
	FUZZ_MUST(str_utf8(str_c(e->psid)) && str_utf8(str_c(e->page_id)));
	for (size_t i = 0; i < rules->pages->n; i++)
		ours |= strcmp(rules->pages->v[i], e->page_id) == 0;
	FUZZ_MUST(ours);
}

/* The event as Facebook would have sent it. */
static void write_event(struct buf *out, const struct event_list *l, const struct event *e)
{
	buf_z(out, "{\"sender\":{\"id\":");
	codec_json(out, str_c(e->psid));
	if (e->page_id[0] != '\0') {
		buf_z(out, "},\"recipient\":{\"id\":");
		codec_json(out, str_c(e->page_id));
	}
	buf_printf(out, "},\"timestamp\":%lld,\"account_linking\":{\"status\":\"%s\"", (long long)e->time_ms,
	           e->kind == EVENT_K_LINKED ? "linked" : "unlinked");
	if (e->kind == EVENT_K_LINKED) {
		buf_z(out, ",\"authorization_code\":");
		codec_json(out, event_code(l, e));
	}
	buf_z(out, "}}");
}

static void check_same(const struct event_list *l, const struct event_list *again)
{
	FUZZ_MUST(again->n == l->n && again->skipped + again->ignored + again->foreign + again->stale == 0);
	for (size_t i = 0; i < l->n; i++) {
		const struct event *a = &l->v[i], *b = &again->v[i];
		FUZZ_MUST(a->kind == b->kind && a->time_ms == b->time_ms);
		FUZZ_MUST(strcmp(a->psid, b->psid) == 0 && strcmp(a->page_id, b->page_id) == 0);
		FUZZ_MUST(str_eq(event_code(l, a), event_code(again, b)));
	}
}

/* Written as one delivery they are read as the same events. */
static void check_again(const struct event_list *l, const struct event_rules *rules, size_t n)
{
	struct event_list again;
	struct buf out;
	struct err err;
	buf_init(&out, 16 * n + 4096);
	buf_z(&out, "{\"object\":\"page\",\"entry\":[{\"messaging\":[");
	for (size_t i = 0; i < l->n; i++) {
		buf_z(&out, i > 0 ? "," : "");
		write_event(&out, l, &l->v[i]);
	}
	buf_z(&out, "]}]}");
	FUZZ_MUST(!out.failed && event_parse(buf_view(&out), rules, &again, &err) == ERR_OK);
	check_same(l, &again);
	event_list_done(&again);
	buf_done(&out);
}

/* Oddities that nobody reads, put in front of all other members, change nothing. */
static void check_beside(struct str text, const struct event_list *l, const struct event_rules *rules)
{
	static const char odd[] =
	        "\"x\":[\"\\ud83d\xff\",{\"sender\":1,\"sender\":2,\"y\":-1e999}],\"x\":[[[[[]]]]],";
	struct event_list with;
	struct buf out;
	struct str from = str_trim(text), rest = {from.p + 1, from.n - 1};
	if (str_trim(rest).n < 2) /* no members */
		return;
	buf_init(&out, text.n + sizeof odd);
	buf_z(&out, "{");
	buf_z(&out, odd);
	buf_str(&out, rest);
	FUZZ_MUST(!out.failed && event_parse(buf_view(&out), rules, &with, NULL) == ERR_OK);
	FUZZ_MUST(with.n == l->n && with.skipped == l->skipped && with.foreign == l->foreign &&
	          with.stale == l->stale);
	for (size_t i = 0; i < l->n; i++)
		FUZZ_MUST(strcmp(with.v[i].psid, l->v[i].psid) == 0 && with.v[i].time_ms == l->v[i].time_ms);
	event_list_done(&with);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char one[] = "1", two[] = "102";
	char *ids[] = {one, two};
	struct str text = {(const char *)data, n};
	struct strlist pages = {fuzz_byte(&text) & 1 ? 2 : 0, ids};
	struct event_rules rules = {&pages, now_ms};
	struct event_list l;
	struct err err = {.code = ERR_OK};
	enum err_code code = event_parse(text, &rules, &l, &err);
	FUZZ_MUST(code == ERR_OK || err.code == code);
	if (code == ERR_OK) {
		FUZZ_MUST(l.n + l.foreign + l.stale <= count_of(text, '{') / 3);
		for (size_t i = 0; i < l.n; i++)
			check_event(&l, &l.v[i], &rules);
		check_again(&l, &rules, n);
		check_beside(text, &l, &rules);
	} else {
		FUZZ_MUST(l.n == 0);
	}
	event_list_done(&l);
	return 0;
}
