#include "net/poster/httpc_answer.h"

#include <string.h>

#include "base/crypto.h"

enum {
	LINE_MAX_LEN = 256, /* of a chunk's size, with its extensions */
	SIZE_DIGITS = 8,
};

/* --- the head */

/* Of status line and header lines: RFC 9112, sections 2.2, 4, 5 and 6.3. */
struct head {
	long status;          /* 100..599 */
	bool keep;            /* the connection may carry another request */
	bool length, chunked; /* how the end of the body is marked; neither: by the end of the connection */
	uint64_t bytes;       /* of the body, with `length` */
};

/* The next line of `rest`, without its CR LF; false: there is no whole one. */
static bool next_line(struct str *rest, struct str *ret)
{
	const char *at = rest->p, *all_end = rest->p + rest->n;
	while (rest->n > 0 && (at = memchr(at, '\n', (size_t)(all_end - at))) != NULL) {
		at++;
		if (at - rest->p < 2 || at[-2] != '\r')
			continue;
		*ret = (struct str){rest->p, (size_t)(at - 2 - rest->p)};
		*rest = (struct str){at, (size_t)(all_end - at)};
		return true;
	}
	return false;
}

/* False: the line is not of that header. */
static bool line_of(struct str line, struct str name, struct str *ret)
{
	if (line.n <= name.n || line.p[name.n] != ':' || !str_ieq((struct str){line.p, name.n}, name))
		return false;
	*ret = str_trim((struct str){line.p + name.n + 1, line.n - name.n - 1});
	return true;
}

struct str httpc_answer_header(struct str head, const char *name)
{
	struct str line, value, wanted = str_c(name);
	while (next_line(&head, &line))
		if (line_of(line, wanted, &value))
			return value;
	return (struct str){NULL, 0};
}

/* A control character other than a tab. */
static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t')
			return true;
	return false;
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct head *h, struct str line)
{
	uint64_t status;
	if (!str_starts(line, STR("HTTP/1.")) || line.n < 12 || line.p[8] != ' ' ||
	    (line.n > 12 && line.p[12] != ' ') || !str_u64((struct str){line.p + 9, 3}, 599, &status) ||
	    status < 100 || status == 101)
		return false;
	h->status = (long)status;
	h->keep = line.p[7] == '1';
	return line.p[7] == '0' || line.p[7] == '1';
}

static bool read_header(struct head *h, struct str line)
{
	struct str name, value;
	uint64_t n;
	if (!str_cut(line, ':', &name, &value) || !str_of(name, "!#$%&'*+-.^_`|~") || name.n == 0 ||
	    has_control(value))
		return false;
	if (line_of(line, STR("Content-Length"), &value)) {
		if (!str_u64(value, INT64_MAX, &n) || (h->length && n != h->bytes))
			return false;
		h->bytes = n;
		h->length = true;
	} else if (line_of(line, STR("Transfer-Encoding"), &value)) {
		if (h->chunked || !str_ieq(value, STR("chunked")))
			return false;
		h->chunked = true;
	} else if (line_of(line, STR("Connection"), &value)) {
		while (str_next(&value, ',', &name))
			h->keep = h->keep && !str_ieq(str_trim(name), STR("close"));
	}
	return true;
}

/* False: not a head of HTTP/1.0 or 1.1, or an ambiguous one. */
static bool parse_head(struct str head, struct head *ret)
{
	struct str line;
	*ret = (struct head){0};
	bool ok = next_line(&head, &line) && !has_control(line) && read_status(ret, line);
	while (ok && next_line(&head, &line))
		ok = read_header(ret, line);
	return ok && !(ret->length && ret->chunked);
}

/* --- head and body */

void httpc_answer_init(struct httpc_answer *a, size_t body_max)
{
	*a = (struct httpc_answer){.body_max = body_max};
}

struct str httpc_answer_body(const struct httpc_answer *a, const struct buf *in)
{
	return (struct str){a->body_at == 0 ? NULL : in->p + a->body_at, a->body_len};
}

struct str httpc_answer_head(const struct httpc_answer *a, const struct buf *in)
{
	return (struct str){in->p, a->head_len};
}

static void begin_body(struct httpc_answer *a, const struct head *h)
{
	a->status = h->status;
	a->keep = h->keep;
	a->left = h->bytes;
	a->body_at = a->read_to = a->head_len + 2;
	if (a->status == 204 || a->status == 304)
		a->phase = HTTPC_ANSWER_DONE;
	else if (h->chunked)
		a->phase = HTTPC_ANSWER_SIZE;
	else if (h->length)
		a->phase = HTTPC_ANSWER_LENGTH;
	else
		a->phase = HTTPC_ANSWER_TO_THE_END;
	if (a->phase == HTTPC_ANSWER_TO_THE_END)
		a->keep = false;
}

/* An interim answer (1xx) is dropped; the final one follows. */
static enum httpc_answer_state read_head(struct httpc_answer *a, struct buf *in)
{
	const char *end = in->len > 0 ? memmem(in->p, in->len, "\r\n\r\n", 4) : NULL;
	struct head h;
	if (end == NULL)
		return in->len >= HTTPC_HEAD_MAX ? HTTPC_ANSWER_LARGE : HTTPC_ANSWER_MORE;
	a->head_len = (size_t)(end - in->p) + 2;
	if (a->head_len + 2 > HTTPC_HEAD_MAX)
		return HTTPC_ANSWER_LARGE;
	if (!parse_head(httpc_answer_head(a, in), &h))
		return HTTPC_ANSWER_WRONG;
	if (h.status >= 200) {
		begin_body(a, &h);
		return HTTPC_ANSWER_WHOLE;
	}
	memmove(in->p, end + 4, in->len - a->head_len - 2);
	in->len -= a->head_len + 2;
	a->head_len = 0;
	return HTTPC_ANSWER_WHOLE; /* the phase is still the head */
}

/* Moves up to `most` bytes to the body. */
static size_t take(struct httpc_answer *a, struct buf *in, size_t most)
{
	size_t have = in->len - a->read_to, n = have < most ? have : most;
	size_t to = a->body_at + a->body_len;
	if (to != a->read_to)
		memmove(in->p + to, in->p + a->read_to, n);
	a->body_len += n;
	a->read_to += n;
	return n;
}

static bool hex_size(struct str s, size_t *ret)
{
	size_t n = 0;
	if (s.n == 0 || s.n > SIZE_DIGITS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *at = memchr(digits, s.p[i] | (s.p[i] >= 'A' ? 0x20 : 0), 16);
		if (at == NULL)
			return false;
		n = n << 4 | (size_t)(at - digits);
	}
	*ret = n;
	return true;
}

/* The next line of the chunked coding. */
static enum httpc_answer_state chunk_line(struct httpc_answer *a, const struct buf *in, struct str *ret)
{
	struct str rest = {in->p + a->read_to, in->len - a->read_to};
	if (!next_line(&rest, ret)) /* the CR of a full line may be its last byte yet */
		return rest.n > LINE_MAX_LEN + 1 ? HTTPC_ANSWER_WRONG : HTTPC_ANSWER_MORE;
	a->read_to += ret->n + 2;
	return has_control(*ret) || ret->n > LINE_MAX_LEN ? HTTPC_ANSWER_WRONG : HTTPC_ANSWER_WHOLE;
}

/* "1f", "1f;extension" */
static enum httpc_answer_state read_size(struct httpc_answer *a, const struct buf *in)
{
	struct str line, size, rest;
	enum httpc_answer_state s = chunk_line(a, in, &line);
	if (s != HTTPC_ANSWER_WHOLE)
		return s;
	(void)str_cut(line, ';', &size, &rest);
	if (!hex_size(size, &a->left))
		return HTTPC_ANSWER_WRONG;
	a->phase = a->left == 0 ? HTTPC_ANSWER_TRAILER : HTTPC_ANSWER_CHUNK;
	return HTTPC_ANSWER_WHOLE;
}

static enum httpc_answer_state read_bytes(struct httpc_answer *a, struct buf *in,
                                          enum httpc_answer_phase next)
{
	if (a->left > a->body_max - a->body_len)
		return HTTPC_ANSWER_LARGE;
	a->left -= take(a, in, a->left);
	if (a->left > 0)
		return HTTPC_ANSWER_MORE;
	a->phase = next;
	return HTTPC_ANSWER_WHOLE;
}

/* An empty line ends a chunk, and the trailer, which may have other lines before it. */
static enum httpc_answer_state read_empty(struct httpc_answer *a, const struct buf *in,
                                          enum httpc_answer_phase next)
{
	struct str line;
	enum httpc_answer_state s = chunk_line(a, in, &line);
	if (s == HTTPC_ANSWER_WHOLE && line.n == 0)
		a->phase = next;
	else if (s == HTTPC_ANSWER_WHOLE && a->phase == HTTPC_ANSWER_CHUNK_END)
		return HTTPC_ANSWER_WRONG;
	return s;
}

static enum httpc_answer_state read_to_the_end(struct httpc_answer *a, struct buf *in)
{
	(void)take(a, in, SIZE_MAX);
	return a->body_len > a->body_max ? HTTPC_ANSWER_LARGE : HTTPC_ANSWER_MORE;
}

static enum httpc_answer_state step(struct httpc_answer *a, struct buf *in)
{
	switch (a->phase) {
	case HTTPC_ANSWER_HEAD: return read_head(a, in);
	case HTTPC_ANSWER_LENGTH: return read_bytes(a, in, HTTPC_ANSWER_DONE);
	case HTTPC_ANSWER_TO_THE_END: return read_to_the_end(a, in);
	case HTTPC_ANSWER_SIZE: return read_size(a, in);
	case HTTPC_ANSWER_CHUNK: return read_bytes(a, in, HTTPC_ANSWER_CHUNK_END);
	case HTTPC_ANSWER_CHUNK_END: return read_empty(a, in, HTTPC_ANSWER_SIZE);
	case HTTPC_ANSWER_TRAILER: return read_empty(a, in, HTTPC_ANSWER_DONE);
	case HTTPC_ANSWER_DONE: break;
	}
	return HTTPC_ANSWER_WHOLE;
}

/* Removes the bytes between the chunks. */
static void close_gap(struct httpc_answer *a, struct buf *in)
{
	size_t to = a->body_at + a->body_len;
	memmove(in->p + to, in->p + a->read_to, in->len - a->read_to);
	in->len -= a->read_to - to;
	crypto_wipe(in->p + in->len, a->read_to - to); /* it held the end of the body */
	a->read_to = to;
}

enum httpc_answer_state httpc_answer_read(struct httpc_answer *a, struct buf *in)
{
	enum httpc_answer_state s = HTTPC_ANSWER_WHOLE;
	while (s == HTTPC_ANSWER_WHOLE && a->phase != HTTPC_ANSWER_DONE)
		s = step(a, in);
	if (a->phase > HTTPC_ANSWER_TO_THE_END)
		close_gap(a, in);
	return s;
}

enum httpc_answer_state httpc_answer_end(struct httpc_answer *a)
{
	if (a->phase != HTTPC_ANSWER_TO_THE_END)
		return HTTPC_ANSWER_WRONG;
	a->phase = HTTPC_ANSWER_DONE;
	return HTTPC_ANSWER_WHOLE;
}
