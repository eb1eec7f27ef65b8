#include "http/guard.h"

static bool is_token(struct str s)
{
	return s.n > 0 && str_of(s, "!#$%&'*+-.^_`|~");
}

static bool is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Letters only, lower case: "Content_Length" and "content-length" fold alike. */
static bool folds_to(struct str name, const char *letters)
{
	size_t at = 0;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c < 'a' || c > 'z')
			continue;
		if (letters[at] != c)
			return false;
		at++;
	}
	return letters[at] == '\0';
}

static bool lookalike(struct str name, const char *real, const char *letters)
{
	return folds_to(name, letters) && !str_ieq(name, str_c(real));
}

static enum err_code check_line(const struct guard_head *h, struct err *reterr)
{
	if (h->uri.n > GUARD_URI_MAX)
		return err_set(reterr, ERR_URI_TOO_LONG, "the request target is over %d bytes",
		               GUARD_URI_MAX);
	if (h->block > GUARD_BLOCK_MAX || h->n > GUARD_HEADERS_MAX)
		return err_set(reterr, ERR_HEADERS_TOO_LARGE, "headers over %d bytes or %d lines",
		               GUARD_BLOCK_MAX, GUARD_HEADERS_MAX);
	if (!str_is(h->version, "HTTP/1.1") && !str_is(h->version, "HTTP/1.0"))
		return err_set(reterr, ERR_INVALID, "not HTTP/1.1 or HTTP/1.0");
	if (!is_token(h->method))
		return err_set(reterr, ERR_INVALID, "the method is not a token");
	if (h->uri.n == 0 || h->uri.p[0] != '/')
		return err_set(reterr, ERR_INVALID, "the request target is not a path");
	if (!str_printable(h->uri) || str_has(h->uri, ' '))
		return err_set(reterr, ERR_INVALID, "a control, space or 8-bit byte in the request target");
	return ERR_OK;
}

static enum err_code check_fields(const struct guard_head *h, struct err *reterr)
{
	for (size_t i = 0; i < h->n; i++) {
		struct str name = h->header[i].name;
		if (!is_token(name))
			return err_set(reterr, ERR_INVALID, "a header name is not a token");
		if (!is_field_value(h->header[i].value))
			return err_set(reterr, ERR_INVALID, "a control character in a header value");
		if (lookalike(name, "Content-Length", "contentlength") ||
		    lookalike(name, "Transfer-Encoding", "transferencoding"))
			return err_set(reterr, ERR_INVALID, "a header name that looks like a framing header");
	}
	return ERR_OK;
}

/* Each name begins CR LF after the value before it (or the version), each value one colon and at most one
 * space after its name, and the block ends CR LF CR LF after the last value. */
static bool contiguous(const struct guard_head *h)
{
	if (h->version.p != h->method.p + h->method.n + 1 + h->uri.n + 1)
		return false;
	const char *end = h->version.p + h->version.n;
	for (size_t i = 0; i < h->n; i++) {
		struct str name = h->header[i].name, value = h->header[i].value;
		ptrdiff_t gap = value.p - (name.p + name.n);
		if (name.p != end + 2 || gap < 1 || gap > 2)
			return false;
		end = value.p + value.n;
	}
	return end + 4 == h->method.p + h->block;
}

static const struct str *find(const struct guard_head *h, const char *name, size_t *ret_count)
{
	const struct str *value = NULL;
	*ret_count = 0;
	for (size_t i = 0; i < h->n; i++)
		if (str_ieq(h->header[i].name, str_c(name))) {
			value = &h->header[i].value;
			++*ret_count;
		}
	return value;
}

static enum err_code check_framing(const struct guard_head *h, struct guard_framing *ret, struct err *reterr)
{
	size_t hosts, lengths, encodings;
	const struct str *host = find(h, "Host", &hosts);
	const struct str *length = find(h, "Content-Length", &lengths);
	const struct str *encoding = find(h, "Transfer-Encoding", &encodings);
	if (hosts != 1 || host->n == 0)
		return err_set(reterr, ERR_INVALID, "not exactly one Host");
	if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0))
		return err_set(reterr, ERR_INVALID, "more than one framing header");
	if (encoding != NULL && (!str_ieq(*encoding, STR("chunked")) || !str_is(h->version, "HTTP/1.1")))
		return err_set(reterr, ERR_INVALID, "a transfer coding that is not chunked");
	ret->chunked = encoding != NULL;
	ret->has_length = length != NULL;
	if (length != NULL && !str_u64(*length, INT64_MAX, &ret->length))
		return err_set(reterr, ERR_INVALID, "Content-Length is not a number");
	bool bodiless = str_is(h->method, "GET") || str_is(h->method, "HEAD");
	if (bodiless && (ret->chunked || ret->length > 0))
		return err_set(reterr, ERR_INVALID, "a body on GET or HEAD");
	return ERR_OK;
}

enum err_code guard_check(const struct guard_head *h, struct guard_framing *ret, struct err *reterr)
{
	*ret = (struct guard_framing){0};
	enum err_code code = check_line(h, reterr);
	if (code == ERR_OK)
		code = check_fields(h, reterr);
	if (code != ERR_OK)
		return code;
	if (h->wire && !contiguous(h))
		return err_set(reterr, ERR_INVALID, "bytes that are no header between the headers");
	return check_framing(h, ret, reterr);
}
