#include "http/router.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"

/* Without memory of its own: want of it is not another address. */
static bool decode_arg(struct str raw, char *ret)
{
	char room[REQUEST_ARG_MAX + 1];
	struct buf text;
	buf_over(&text, room, sizeof room);
	return raw.n > 0 && !str_has(raw, '/') && codec_unpct(&text, raw, false) &&
	       str_utf8(buf_view(&text)) && str_copy(ret, raw.n + 1, buf_view(&text));
}

static bool matches(const char *pattern, struct str path, char *ret_arg)
{
	const char *hole = strchr(pattern, '{'); /* of "{}" */
	if (hole == NULL)
		return str_is(path, pattern);
	struct str head = {pattern, (size_t)(hole - pattern)}, tail = str_c(hole + 2);
	if (path.n < head.n + tail.n + 1 || !str_starts(path, head))
		return false;
	struct str end = {path.p + path.n - tail.n, tail.n};
	struct str middle = {path.p + head.n, path.n - head.n - tail.n};
	return str_eq(end, tail) && decode_arg(middle, ret_arg);
}

static void add_allow(char *allow, const char *method)
{
	size_t n = strlen(allow);
	(void)snprintf(allow + n, ROUTER_ALLOW_MAX - n, "%s%s%s", n > 0 ? ", " : "", method,
	               strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum err_code router_find(const struct route *table, enum route_listener listener, struct request *r,
                          char ret_allow[ROUTER_ALLOW_MAX])
{
	struct str method = str_is(r->method, "HEAD") ? STR("GET") : r->method;
	ret_allow[0] = '\0';
	for (const struct route *row = table; row->handler != NULL; row++) {
		if (row->listener != listener || !matches(row->path, r->path, r->arg))
			continue;
		r->route = row;
		if (str_is(method, row->method))
			return ERR_OK;
		add_allow(ret_allow, row->method);
	}
	return r->route == NULL ? ERR_NOT_FOUND : ERR_METHOD;
}
