#include <microhttpd.h>
#include <string.h>

#include "http/server_private.h"

/* libmicrohttpd 1.0 has a strict parser of its own; its buffer may be laid out otherwise. */
enum { OLD_PARSER = MHD_VERSION < 0x01000000 };

static enum MHD_Result collect(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                               const char *value, size_t value_n)
{
	struct guard_head *h = arg;
	(void)kind;
	if (h->n < GUARD_HEADERS_MAX) {
		h->header[h->n].name = (struct str){name, name_n};
		h->header[h->n].value = (struct str){value, value_n};
	}
	h->n++;
	return MHD_YES;
}

enum err_code server_head_check(struct server_request *q, const char *method, const char *version,
                                struct guard_framing *ret, struct err *reterr)
{
	struct MHD_Connection *k = q->conn->mhd;
	struct guard_head h NOT_ZEROED; /* of the headers only as many are read as came */
	h.method = str_c(method);
	h.uri = str_c(q->uri);
	h.version = str_c(version);
	h.n = 0;
	(void)MHD_get_connection_values_n(k, MHD_HEADER_KIND, collect, &h);
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
	        k, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	h.block = size != NULL ? size->header_size : 0;
	h.wire = OLD_PARSER;
	return guard_check(&h, ret, reterr);
}

struct joined {
	const char *name;
	struct buf *out;
};

static enum MHD_Result join(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
	struct joined *j = arg;
	(void)kind;
	if (str_ieq((struct str){name, name_n}, str_c(j->name))) {
		buf_z(j->out, j->out->len > 0 ? "," : "");
		buf_put(j->out, value, value_n);
	}
	return MHD_YES;
}

void server_head_join(const struct server_request *q, const char *name, struct buf *out)
{
	struct joined j = {name, out};
	(void)MHD_get_connection_values_n(q->conn->mhd, MHD_HEADER_KIND, join, &j);
}

struct wanted {
	struct str name, value;
	size_t count;
};

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
	struct wanted *w = arg;
	(void)kind;
	if (str_ieq((struct str){name, name_n}, w->name)) {
		w->value = (struct str){value, value_n};
		w->count++;
	}
	return MHD_YES;
}

struct cookie {
	const char *name;
	struct str value;
	size_t count;
};

/* Our own parser of Cookie: that of libmicrohttpd unquotes, reads the first line only and does not report
 * duplicate names.  A proxy that speaks HTTP/2 with the browser may send one line for each cookie (RFC
 * 9113 8.2.3). */
static enum MHD_Result look_for_cookie(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                       const char *value, size_t value_n)
{
	struct cookie *c = arg;
	struct str rest = {value, value_n}, pair, key, text;
	(void)kind;
	if (!str_ieq((struct str){name, name_n}, STR("Cookie")))
		return MHD_YES;
	while (str_next(&rest, ';', &pair)) {
		if (!str_cut(str_trim(pair), '=', &key, &text) || !str_is(key, c->name))
			continue;
		c->value = text;
		c->count++;
	}
	return MHD_YES;
}

struct str server_head_cookie(const struct server_request *q, const char *name, size_t *ret_count)
{
	struct cookie c = {.name = name};
	(void)MHD_get_connection_values_n(q->conn->mhd, MHD_HEADER_KIND, look_for_cookie, &c);
	*ret_count = c.count;
	return c.value;
}

struct str server_head_find(const struct server_request *q, const char *name, size_t *ret_count)
{
	struct wanted w = {.name = str_c(name)};
	(void)MHD_get_connection_values_n(q->conn->mhd, MHD_HEADER_KIND, look, &w);
	if (ret_count != NULL)
		*ret_count = w.count;
	return w.value;
}
