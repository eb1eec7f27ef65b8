#include "log_line.h"

#include <string.h>
#include <time.h>

#include "base/codec.h"

enum { TAIL_MAX = 16 }; /* bytes kept free for the end: ,"cut":true} and the newline */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
	struct buf b; /* over the caller's memory: cap is max + 1, so it never allocates */
	bool json;
	bool cut;
};

static void put_time(struct line *l, int64_t time_ms)
{
	time_t s = (time_t)(time_ms / 1000);
	struct tm t;
	(void)gmtime_r(&s, &t);
	buf_printf(&l->b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
	           t.tm_hour, t.tm_min, t.tm_sec, (int)(time_ms % 1000));
}

static void put_value(struct line *l, struct str s)
{
	bool plain = s.n > 0 && str_of(s, "._:/@+-");
	if (plain && !l->json)
		buf_str(&l->b, s);
	else
		codec_json(&l->b, s);
}

static void put_key(struct line *l, const char *key)
{
	buf_printf(&l->b, l->json ? ",\"%s\":" : " %s=", key);
}

/* Longest start of s that has at most n bytes and cuts no character; s is then shown as that and "...". */
static struct str head_of(struct str s, size_t n)
{
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){s.p, n};
}

static bool undo_if_failed(struct line *l, size_t mark)
{
	if (!l->b.failed)
		return false;
	l->b.failed = false;
	l->b.len = mark;
	l->cut = true;
	return true;
}

/* The value in full or, when it does not fit, ever shorter pieces of it. */
static void put_str(struct line *l, const char *key, struct str s)
{
	size_t mark = l->b.len;
	put_key(l, key);
	put_value(l, s);
	for (size_t n = s.n < LOG_LINE_MAX ? s.n : LOG_LINE_MAX; undo_if_failed(l, mark) && n > 1;) {
		char piece[LOG_LINE_MAX + 3];
		struct str head = head_of(s, n /= 2);
		memcpy(piece, head.p, head.n);
		memcpy(piece + head.n, "...", 3);
		put_key(l, key);
		put_value(l, (struct str){piece, head.n + 3});
	}
}

static void put_int(struct line *l, const char *key, int64_t i)
{
	size_t mark = l->b.len;
	put_key(l, key);
	buf_printf(&l->b, "%lld", (long long)i);
	(void)undo_if_failed(l, mark);
}

static void put_head(struct line *l, const struct log_line_head *head)
{
	if (l->json)
		buf_z(&l->b, "{\"time\":\"");
	put_time(l, head->time_ms);
	if (l->json) {
		buf_printf(&l->b, "\",\"level\":\"%s\"", level_names[head->level]);
		put_str(l, "msg", str_c(head->msg));
	} else {
		buf_printf(&l->b, " %-5s ", level_names[head->level]);
		put_value(l, head_of(str_c(head->msg), strnlen(head->msg, LOG_LINE_MAX / 8)));
	}
	if (head->request_id != NULL)
		put_str(l, "request_id", str_c(head->request_id));
}

size_t log_line_write(char ret[LOG_LINE_MAX], const struct log_line_head *head,
                      const struct log_field *fields, size_t n)
{
	struct line l = {.b = {.p = ret, .cap = LOG_LINE_MAX - TAIL_MAX, .max = LOG_LINE_MAX - TAIL_MAX - 1},
	                 .json = head->format == LOG_JSON};
	put_head(&l, head);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].type == LOG_FIELD_INT)
			put_int(&l, fields[i].key, fields[i].i);
		else
			put_str(&l, fields[i].key, fields[i].s);
	}
	l.b.cap = LOG_LINE_MAX;
	l.b.max = LOG_LINE_MAX - 1;
	if (l.cut)
		buf_z(&l.b, l.json ? ",\"cut\":true" : " cut=true");
	buf_z(&l.b, l.json ? "}\n" : "\n");
	return l.b.len;
}
