#include "facebook/graph_answer.h"

static const struct json_limits limits = {16, 500};

/* The first row that matches counts.  subcode 0 stands for any. */
static const struct {
	int first, last, subcode;
	enum graph_class class;
} codes[] = {
        {1, 2, 0, GRAPH_RETRY},
        {3, 3, 0, GRAPH_NOT_ALLOWED},
        {4, 4, 0, GRAPH_RATE_LIMITED},
        {10, 10, 0, GRAPH_NOT_ALLOWED},
        {17, 17, 0, GRAPH_RATE_LIMITED},
        {32, 32, 0, GRAPH_RATE_LIMITED},
        {100, 100, 2018001, GRAPH_NOBODY},
        {100, 100, 2018218, GRAPH_NO_PROFILE},
        {100, 100, 2018247, GRAPH_NO_PROFILE},
        {102, 102, 0, GRAPH_TOKEN_DEAD},
        {190, 190, 0, GRAPH_TOKEN_DEAD},
        {200, 299, 0, GRAPH_NOT_ALLOWED},
        {551, 551, 0, GRAPH_UNAVAILABLE},
        {613, 613, 0, GRAPH_RATE_LIMITED},
        {1200, 1200, 0, GRAPH_RETRY},
        {10303, 10303, 0, GRAPH_LINK_TOKEN},
};

static enum graph_class class_of(int code, int subcode)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (code >= codes[i].first && code <= codes[i].last &&
		    (codes[i].subcode == 0 || codes[i].subcode == subcode))
			return codes[i].class;
	return GRAPH_REFUSED;
}

static int integer(const struct json *object, const char *key)
{
	double d = 0;
	return json_num(json_get(object, key), &d) && d >= 0 && d <= 1e9 ? (int)d : 0;
}

static struct graph_answer error_of(long status, const struct json *error)
{
	struct graph_answer a = {.code = integer(error, "code"), .subcode = integer(error, "error_subcode")};
	struct str trace = json_str(json_get(error, "fbtrace_id"));
	if (str_of(trace, "_-") && trace.n <= GRAPH_TRACE_MAX)
		(void)str_copy(a.trace, sizeof a.trace, trace);
	a.class = a.code == 0 || status >= 500 ? GRAPH_RETRY : class_of(a.code, a.subcode);
	return a;
}

struct graph_answer graph_answer_parsed(long status, const struct json *json)
{
	struct graph_answer a = {.class = GRAPH_RETRY};
	if (json != NULL && (json_get(json, "error") != NULL || status >= 400))
		a = error_of(status, json_get(json, "error"));
	else if (status == 200 && json_is_object(json))
		a.class = GRAPH_DONE;
	return a;
}

/* `take` reads a success.  False: it is not as documented. */
static struct graph_answer read_answer(long status, struct str body,
                                       bool (*take)(const struct json *j, void *ret), void *ret)
{
	struct graph_answer a = {.class = GRAPH_RETRY};
	struct json *j = NULL;
	struct err err;
	if (body.n > GRAPH_ANSWER_MAX || json_parse(body, &limits, &j, &err) != ERR_OK)
		return a;
	a = graph_answer_parsed(status, j);
	if (a.class == GRAPH_DONE && !take(j, ret))
		a.class = GRAPH_RETRY;
	json_free(j);
	return a;
}

bool graph_id_ok(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] < '0' || id.p[i] > '9')
			return false;
	return id.n > 0 && id.n <= GRAPH_ID_MAX;
}

bool graph_recipient_read(const struct json *j, struct graph_recipient *ret)
{
	struct str page = json_str(json_get(j, "id")), psid = json_str(json_get(j, "recipient"));
	return graph_id_ok(page) && graph_id_ok(psid) && str_copy(ret->page_id, sizeof ret->page_id, page) &&
	       str_copy(ret->psid, sizeof ret->psid, psid);
}

static bool take_recipient(const struct json *j, void *ret)
{
	return graph_recipient_read(j, ret);
}

struct graph_answer graph_answer_recipient(long status, struct str body, struct graph_recipient *ret)
{
	return read_answer(status, body, take_recipient, ret);
}

/* --- a name */

static const char ELLIPSIS[] = "\xe2\x80\xa6";

/* Characters that could change how the text around a name reads: controls, direction marks, invisible ones, and
 * those that are no characters. */
static bool is_shown(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != 0xad && c != 0x61c && c != 0x180e &&
	       !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && !(c >= 0xfff0 && c <= 0xffff) &&
	       !(c >= 0xe0000 && c <= 0xe0fff);
}

/* False: the name is full. */
static bool put_name(struct graph_name *name, struct str word)
{
	size_t at = strlen(name->s), n = 0;
	for (; word.n > 0; word = (struct str){word.p + n, word.n - n}) {
		if (!is_shown(str_code_point(word, &n)))
			continue;
		if (at + n > GRAPH_NAME_MAX - (sizeof ELLIPSIS - 1)) {
			memcpy(name->s + at, ELLIPSIS, sizeof ELLIPSIS);
			return false;
		}
		memcpy(name->s + at, word.p, n);
		at += n;
		name->s[at] = '\0';
	}
	return true;
}

static bool take_name(const struct json *j, void *arg)
{
	struct graph_name *name = arg;
	name->s[0] = '\0';
	struct str first = str_trim(json_str(json_get(j, "first_name"))),
	           last = str_trim(json_str(json_get(j, "last_name")));
	if (put_name(name, first) && (name->s[0] == '\0' || last.n == 0 || put_name(name, STR(" "))))
		(void)put_name(name, last);
	struct str shown = str_trim(str_c(name->s));
	memmove(name->s, shown.p, shown.n);
	name->s[shown.n] = '\0';
	return shown.n > 0;
}

struct graph_answer graph_answer_name(long status, struct str body, struct graph_name *ret)
{
	struct graph_answer a = read_answer(status, body, take_name, ret);
	if (a.class != GRAPH_DONE)
		ret->s[0] = '\0';
	return a;
}

static bool take_accepted(const struct json *j, void *unused)
{
	(void)j;
	(void)unused;
	return true;
}

struct graph_answer graph_answer_accepted(long status, struct str body)
{
	return read_answer(status, body, take_accepted, NULL);
}

const char *graph_class_name(enum graph_class c)
{
	static const char *const names[GRAPH_CLASSES] = {
	        "done",   "retry",       "rate_limited", "token_dead", "not_allowed",
	        "nobody", "unavailable", "no_profile",   "link_token", "refused"};
	return names[c];
}
