/* Answers of Graph.  Input: a byte that chooses the status, and the body. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "facebook/graph_answer.h"
#include "fuzz.h"

static const long statuses[] = {200, 200, 200, 200, 0, 100, 201, 302, 400, 401, 403, 404, 500, 503};

static void check_answer(const struct graph_answer *a, long status, struct str body)
{
	FUZZ_MUST(a->class >= GRAPH_DONE && a->class < GRAPH_CLASSES);
	FUZZ_MUST(graph_class_name(a->class)[0] != '\0');
	FUZZ_MUST(a->code >= 0 && a->subcode >= 0);
	FUZZ_MUST(memchr(a->trace, '\0', sizeof a->trace) != NULL && str_of(str_c(a->trace), "_-"));
	FUZZ_MUST(a->class != GRAPH_DONE ||
	          (status == 200 && a->code == 0 && a->subcode == 0 && a->trace[0] == '\0'));
	FUZZ_MUST(status < 500 || a->class == GRAPH_RETRY);
	FUZZ_MUST(body.n <= GRAPH_ANSWER_MAX || a->class == GRAPH_RETRY);
}

static bool same(const struct graph_answer *a, const struct graph_answer *b)
{
	return a->class == b->class && a->code == b->code && a->subcode == b->subcode &&
	       strcmp(a->trace, b->trace) == 0;
}

/* 1 to 64 digits, which the body has between quotes, unless it has escapes. */
static void check_id(const char *id, struct str body)
{
	char quoted[GRAPH_ID_MAX + 3];
	size_t n = strlen(id);
	FUZZ_MUST(n > 0 && n <= GRAPH_ID_MAX && strspn(id, "0123456789") == n);
	(void)snprintf(quoted, sizeof quoted, "\"%s\"", id);
	FUZZ_MUST(memchr(body.p, '\\', body.n) != NULL || fuzz_holds(body, str_c(quoted)));
}

/* Characters that a name must not have: an own list, by the blocks of Unicode. */
static bool is_hidden(uint32_t c)
{
	static const uint32_t span[][2] = {
	        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
	        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
	        {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0xe0fff},
	};
	for (size_t i = 0; i < sizeof span / sizeof span[0]; i++)
		if (c >= span[i][0] && c <= span[i][1])
			return true;
	return false;
}

static void check_name(const struct graph_name *name)
{
	struct str s = str_c(name->s);
	size_t n = 0;
	FUZZ_MUST(memchr(name->s, '\0', sizeof name->s) != NULL && s.n > 0 && str_utf8(s));
	FUZZ_MUST(str_eq(str_trim(s), s));
	for (struct str rest = s; rest.n > 0; rest = (struct str){rest.p + n, rest.n - n})
		FUZZ_MUST(!is_hidden(str_code_point(rest, &n)));
}

/* A name that was read is read again as the same name. */
static void check_name_again(const struct graph_name *name)
{
	struct graph_name again;
	struct buf body;
	buf_init(&body, 1024);
	buf_z(&body, "{\"first_name\":");
	codec_json(&body, str_c(name->s));
	buf_z(&body, "}");
	FUZZ_MUST(!body.failed && graph_answer_name(200, buf_view(&body), &again).class == GRAPH_DONE);
	FUZZ_MUST(strcmp(again.s, name->s) == 0);
	buf_done(&body);
}

/* With an error object in front of its members a success is an error. */
static void check_with_error(struct str body)
{
	struct graph_recipient who;
	struct graph_answer a;
	struct buf with;
	struct str from = str_trim(body);
	buf_init(&with, body.n + 64);
	buf_z(&with, "{\"error\":{\"code\":190,\"fbtrace_id\":\"A\"},");
	buf_str(&with, (struct str){from.p + 1, from.n - 1});
	FUZZ_MUST(!with.failed && from.p[0] == '{');
	a = graph_answer_recipient(200, buf_view(&with), &who);
	FUZZ_MUST(a.class == GRAPH_TOKEN_DEAD && a.code == 190 && strcmp(a.trace, "A") == 0);
	buf_done(&with);
}

static void check_recipient(long status, struct str body)
{
	struct graph_recipient who, other;
	memset(&who, 'x', sizeof who);
	memset(&other, 'y', sizeof other);
	struct graph_answer a = graph_answer_recipient(status, body, &who),
	                    b = graph_answer_recipient(status, body, &other);
	check_answer(&a, status, body);
	FUZZ_MUST(same(&a, &b));
	if (a.class != GRAPH_DONE)
		return;
	FUZZ_MUST(strcmp(who.psid, other.psid) == 0 && strcmp(who.page_id, other.page_id) == 0);
	check_id(who.psid, body);
	check_id(who.page_id, body);
	if (body.n < 400) /* so that there is room for three more values */
		check_with_error(body);
}

static void check_named(long status, struct str body)
{
	struct graph_name name, other;
	memset(&name, 'x', sizeof name);
	memset(&other, 'y', sizeof other);
	struct graph_answer a = graph_answer_name(status, body, &name),
	                    b = graph_answer_name(status, body, &other);
	check_answer(&a, status, body);
	FUZZ_MUST(same(&a, &b) && strcmp(name.s, other.s) == 0);
	FUZZ_MUST((a.class == GRAPH_DONE) == (name.s[0] != '\0'));
	if (a.class != GRAPH_DONE)
		return;
	check_name(&name);
	check_name_again(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str body = {(const char *)data, n};
	long status = statuses[fuzz_byte(&body) % (sizeof statuses / sizeof statuses[0])];
	struct graph_answer a = graph_answer_accepted(status, body);
	check_answer(&a, status, body);
	check_recipient(status, body);
	check_named(status, body);
	return 0;
}
