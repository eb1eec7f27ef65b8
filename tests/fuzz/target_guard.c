/* The framing guard.  Input: the bytes of a request head.  They are cut as libmicrohttpd 0.9.75 cuts them,
 * with all it lets through; what the guard then takes must be a head by the letter of RFC 9112, read from the
 * bytes alone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/guard.h"

struct head {
	char *text; /* NUL-terminated */
	size_t n, at;
	struct guard_head h;
	char *folded[GUARD_HEADERS_MAX]; /* the library's copies */
};

/* A line to LF, CR or CR LF, which is overwritten.  False: the text ends before. */
static bool take_line(struct head *x, struct str *ret)
{
	size_t from = x->at, end = from;
	while (end < x->n && x->text[end] != '\r' && x->text[end] != '\n')
		end++;
	if (end == x->n)
		return false;
	x->at = end + (x->text[end] == '\r' && end + 1 < x->n && x->text[end + 1] == '\n' ? 2 : 1);
	memset(x->text + end, '\0', x->at - end);
	*ret = (struct str){x->text + from, strlen(x->text + from)};
	return true;
}

static bool request_line(struct head *x)
{
	struct str line, rest;
	if (!take_line(x, &line) || !str_cut(line, ' ', &x->h.method, &rest))
		return false;
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = (struct str){rest.p + 1, rest.n - 1};
	/* the last space of the line ends the target */
	size_t at = rest.n;
	while (at > 0 && rest.p[at - 1] != ' ')
		at--;
	x->h.version = (struct str){rest.p + at, rest.n - at};
	while (at > 0 && rest.p[at - 1] == ' ')
		at--;
	x->h.uri = (struct str){rest.p, at};
	return true;
}

static void add_header(struct head *x, struct str line)
{
	struct str name, value;
	(void)str_cut(line, ':', &name, &value);
	while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = (struct str){value.p + 1, value.n - 1};
	if (value.p == NULL)
		value = (struct str){line.p + line.n, 0};
	if (x->h.n < GUARD_HEADERS_MAX) {
		x->h.header[x->h.n].name = name;
		x->h.header[x->h.n].value = value;
	}
	x->h.n++;
}

/* The library keeps a folded value in a copy. */
static void fold(struct head *x, struct str line)
{
	if (x->h.n == 0 || x->h.n > GUARD_HEADERS_MAX)
		return;
	struct str *value = &x->h.header[x->h.n - 1].value;
	char *joined = malloc(value->n + line.n + 1);
	FUZZ_MUST(joined != NULL);
	memcpy(joined, value->p, value->n);
	memcpy(joined + value->n, line.p, line.n);
	*value = (struct str){joined, value->n + line.n};
	free(x->folded[x->h.n - 1]);
	x->folded[x->h.n - 1] = joined;
}

static bool cut(struct head *x)
{
	struct str line;
	if (!request_line(x))
		return false;
	while (take_line(x, &line)) {
		if (line.n == 0) {
			x->h.block = x->at;
			return true;
		}
		if (line.p[0] == ' ' || line.p[0] == '\t')
			fold(x, line);
		else
			add_header(x, line);
	}
	return false;
}

/* --- by the letter, from the bytes */

static size_t span(const char *p, const char *end, const char *set)
{
	size_t n = 0;
	while (p + n < end && p[n] != '\0' && strchr(set, p[n]) != NULL)
		n++;
	return n;
}

#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN ALPHA "0123456789!#$%&'*+-.^_`|~"

struct seen {
	size_t hosts, lengths, codings;
	bool chunked;
	uint64_t length;
};

static void see(struct seen *s, const char *name, size_t name_n, const char *value, size_t n)
{
	if (name_n == 4 && strncasecmp(name, "host", 4) == 0)
		s->hosts++;
	if (name_n == 17 && strncasecmp(name, "transfer-encoding", 17) == 0) {
		s->codings++;
		s->chunked = n == 7 && strncasecmp(value, "chunked", 7) == 0;
	}
	if (name_n != 14 || strncasecmp(name, "content-length", 14) != 0)
		return;
	s->lengths++;
	FUZZ_MUST(n > 0 && span(value, value + n, "0123456789") == n);
	s->length = strtoull(value, NULL, 10);
}

/* CR LF, twice after the last header.  Or as many bytes with a NUL among them: the library makes NUL bytes of
 * CR LF too, so that nobody can tell them apart afterwards. */
static const char *line_end(const char *p, const char *end)
{
	size_t n = end - p == 4 ? 4 : 2;
	FUZZ_MUST((size_t)(end - p) >= n);
	FUZZ_MUST(memcmp(p, "\r\n\r\n", n) == 0 || memchr(p, '\0', n) != NULL);
	return p + n;
}

static const char *by_letter_line(const char *p, const char *end)
{
	size_t method = span(p, end, TOKEN);
	FUZZ_MUST(method > 0 && p[method] == ' ' && p[method + 1] == '/');
	p += method + 1;
	while (p<end && * p> 0x20 && *p < 0x7f)
		p++;
	FUZZ_MUST(end - p >= 9 && (memcmp(p, " HTTP/1.1", 9) == 0 || memcmp(p, " HTTP/1.0", 9) == 0));
	return line_end(p + 9, end);
}

static const char *by_letter_header(const char *p, const char *end, struct seen *s)
{
	const char *name = p;
	size_t name_n = span(p, end, TOKEN);
	FUZZ_MUST(name_n > 0 && p[name_n] == ':');
	p += name_n + 1;
	p += span(p, end, " \t");
	const char *value = p;
	while (p < end && ((unsigned char)*p >= 0x20 || *p == '\t') && *p != 0x7f)
		p++;
	see(s, name, name_n, value, (size_t)(p - value));
	return line_end(p, end);
}

static void by_letter(struct str head, const struct guard_head *h, const struct guard_framing *f)
{
	const char *end = head.p + head.n, *p = by_letter_line(head.p, end);
	struct seen s = {0};
	size_t lines = 0;
	while (p < end) {
		p = by_letter_header(p, end, &s);
		lines++;
	}
	FUZZ_MUST(lines == h->n);
	FUZZ_MUST(s.hosts == 1 && s.lengths + s.codings <= 1);
	FUZZ_MUST(f->chunked == s.chunked && f->chunked == (s.codings == 1));
	FUZZ_MUST(f->has_length == (s.lengths == 1) && f->length == s.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str raw = {(const char *)data, n};
	struct head x = {.text = malloc(n + 1), .n = n, .h.wire = true};
	struct guard_framing f;
	struct err err = {.code = ERR_OK};
	FUZZ_MUST(x.text != NULL);
	if (n > 0)
		memcpy(x.text, data, n);
	x.text[n] = '\0';
	if (cut(&x)) {
		enum err_code code = guard_check(&x.h, &f, &err);
		FUZZ_MUST(code == ERR_OK || code == err.code);
		if (code == ERR_OK) {
			FUZZ_MUST(x.h.n <= GUARD_HEADERS_MAX && x.h.block <= GUARD_BLOCK_MAX);
			by_letter((struct str){raw.p, x.h.block}, &x.h, &f);
		}
	}
	for (size_t i = 0; i < GUARD_HEADERS_MAX; i++)
		free(x.folded[i]);
	free(x.text);
	return 0;
}
