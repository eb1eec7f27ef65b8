#include "obs/log_line.h"

#include <string.h>

#include "base/codec.h"
#include "base/time.h"

enum { TAIL_MAX = 32 }; /* bytes kept free for the end: ,"cut":true,"audit":true} and the newline */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
	struct buf b; /* over the caller's memory */
	bool json;
	bool cut;
};

static void put_time(struct line *l, int64_t time_ms)
{
	int ms = (int)(time_ms % 1000);
	char tail[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};
	char text[TIME_RFC3339_LEN + 1];
	if (time_write_rfc3339(time_ms / 1000, text))
		buf_put(&l->b, text, TIME_RFC3339_LEN - 1);
	buf_put(&l->b, tail, sizeof tail);
}

static void put_value(struct line *l, struct str s)
{
	if (!l->json && s.n > 0 && str_of(s, "._:/@+-"))
		buf_str(&l->b, s);
	else
		codec_json(&l->b, s);
}

static void put_key(struct line *l, const char *key)
{
	buf_z(&l->b, l->json ? ",\"" : " ");
	buf_z(&l->b, key);
	buf_z(&l->b, l->json ? "\":" : "=");
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
	buf_int(&l->b, i);
	(void)undo_if_failed(l, mark);
}

static void put_head(struct line *l, const struct log_line_head *head)
{
	if (l->json)
		buf_z(&l->b, "{\"time\":\"");
	put_time(l, head->time_ms);
	if (l->json) {
		buf_z(&l->b, "\"");
		put_key(l, "level");
		put_value(l, str_c(level_names[head->level]));
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
	struct line l = {.json = head->format == LOG_JSON};
	buf_over(&l.b, ret, LOG_LINE_MAX - TAIL_MAX);
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
	if (head->audit)
		buf_z(&l.b, l.json ? LOG_LINE_AUDIT_JSON : LOG_LINE_AUDIT_TEXT);
	else
		buf_z(&l.b, l.json ? "}\n" : "\n");
	return l.b.len;
}
