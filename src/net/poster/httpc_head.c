#include "net/poster/httpc_head.h"

#include <string.h>

bool httpc_head_line(struct str *rest, struct str *ret)
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

/* The value of the line, when it is of that header. */
static bool line_of(struct str line, struct str name, struct str *ret)
{
	if (line.n <= name.n || line.p[name.n] != ':' || !str_ieq((struct str){line.p, name.n}, name))
		return false;
	*ret = str_trim((struct str){line.p + name.n + 1, line.n - name.n - 1});
	return true;
}

struct str httpc_head_header(struct str head, const char *name)
{
	struct str line, value, wanted = str_c(name);
	while (httpc_head_line(&head, &line))
		if (line_of(line, wanted, &value))
			return value;
	return (struct str){NULL, 0};
}

bool httpc_head_bad_byte(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t')
			return true;
	return false;
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct httpc_head *h, struct str line)
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

static bool read_header(struct httpc_head *h, struct str line)
{
	struct str name, value;
	uint64_t n;
	if (!str_cut(line, ':', &name, &value) || !str_of(name, "!#$%&'*+-.^_`|~") || name.n == 0 ||
	    httpc_head_bad_byte(value))
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

bool httpc_head_read(struct str head, struct httpc_head *ret)
{
	struct str line;
	*ret = (struct httpc_head){0};
	bool ok = httpc_head_line(&head, &line) && !httpc_head_bad_byte(line) && read_status(ret, line);
	while (ok && httpc_head_line(&head, &line))
		ok = read_header(ret, line);
	return ok && !(ret->length && ret->chunked);
}
