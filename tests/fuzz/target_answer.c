/* Answers of an HTTP server.  Input: a byte that says how they are cut, a byte for the body's bound, then
 * what comes over the connection.  Cut in any way the outcome must be the same; an answer taken must have one
 * length by the letter of RFC 9112, and what is behind it must be left alone. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/poster/httpc_answer.h"

enum { IN_MAX = 1 << 17 };

struct outcome {
	enum httpc_answer_state state;
	struct httpc_answer a;
	struct buf in;
	size_t given;
};

/* In pieces of `step` bytes; 0: all at once. */
static void give(struct str bytes, size_t step, size_t body_max, struct outcome *o)
{
	*o = (struct outcome){.state = HTTPC_ANSWER_MORE};
	buf_init(&o->in, IN_MAX);
	httpc_answer_init(&o->a, body_max);
	while (o->given < bytes.n && o->state == HTTPC_ANSWER_MORE) {
		size_t left = bytes.n - o->given, n = step == 0 || step > left ? left : step;
		buf_put(&o->in, bytes.p + o->given, n);
		o->given += n;
		o->state = httpc_answer_read(&o->a, &o->in);
		FUZZ_MUST(!o->in.failed && o->a.body_at + o->a.body_len <= o->a.read_to &&
		          o->a.read_to <= o->in.len);
		FUZZ_MUST(o->state > HTTPC_ANSWER_WHOLE || o->a.body_len <= body_max);
	}
}

static bool has(struct str head, const char *name)
{
	return httpc_answer_header(head, name).p != NULL;
}

/* One length, or none and the end of the connection. */
static void check_framing(const struct outcome *o)
{
	struct str head = httpc_answer_head(&o->a, &o->in);
	struct str length = httpc_answer_header(head, "content-length");
	bool chunked = has(head, "transfer-encoding");
	uint64_t n;
	FUZZ_MUST(str_starts(head, STR("HTTP/1.")) && o->a.status >= 200 && o->a.status <= 599);
	FUZZ_MUST(!(chunked && has(head, "content-length")));
	if (has(head, "content-length") && o->a.status != 204 && o->a.status != 304)
		FUZZ_MUST(str_u64(length, o->a.body_max, &n) && n == o->a.body_len);
	else if (!chunked)
		FUZZ_MUST(o->a.body_len == 0 || !o->a.keep);
	for (struct str rest = head, line; rest.n > 0 && str_next(&rest, '\n', &line);)
		FUZZ_MUST(line.n > 0 && line.p[line.n - 1] == '\r' && line.p[0] != ' ' && line.p[0] != '\t');
}

static void same(struct outcome *x, struct outcome *y)
{
	FUZZ_MUST(x->state == y->state);
	if (x->state > HTTPC_ANSWER_WHOLE)
		return;
	FUZZ_MUST(x->a.status == y->a.status && x->a.keep == y->a.keep && x->a.phase == y->a.phase);
	FUZZ_MUST(str_eq(httpc_answer_head(&x->a, &x->in), httpc_answer_head(&y->a, &y->in)));
	FUZZ_MUST(str_eq(httpc_answer_body(&x->a, &x->in), httpc_answer_body(&y->a, &y->in)));
	if (x->state == HTTPC_ANSWER_WHOLE) /* the rest is no part of it, however much of it has come */
		FUZZ_MUST(x->given - (x->in.len - x->a.read_to) == y->given - (y->in.len - y->a.read_to));
	FUZZ_MUST(httpc_answer_end(&x->a) == httpc_answer_end(&y->a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = {(const char *)data, n};
	struct outcome whole, cut;
	size_t step = 1 + fuzz_byte(&in) % 64, body_max = fuzz_byte(&in);
	if (in.n > IN_MAX / 2)
		return 0;
	give(in, 0, body_max, &whole);
	give(in, step, body_max, &cut);
	if (whole.state == HTTPC_ANSWER_WHOLE)
		check_framing(&whole);
	same(&whole, &cut);
	buf_done(&whole.in);
	buf_done(&cut.in);
	return 0;
}
