#include <stdatomic.h>

#include "http/internal.h"

static const struct server_request *of(const struct request *r)
{
	return (const struct server_request *)(const void *)((const char *)r -
	                                                     offsetof(struct server_request, r));
}

struct str request_header(const struct request *r, const char *name, size_t *ret_count)
{
	return server_head_find(of(r), name, ret_count);
}

/* Our own reading of the Cookie header: libmicrohttpd's unquotes and tells nothing of doubled names. */
struct str request_cookie(const struct request *r, const char *name)
{
	size_t lines, found = 0;
	struct str rest = request_header(r, "Cookie", &lines), pair, key, value, ret = {NULL, 0};
	while (lines == 1 && str_next(&rest, ';', &pair)) {
		if (!str_cut(str_trim(pair), '=', &key, &value) || !str_is(key, name))
			continue;
		ret = value;
		found++;
	}
	return found == 1 ? ret : (struct str){NULL, 0};
}

void request_take_body(struct request *r, struct body *ret)
{
	body_move(ret, &LIST_ENTRY(r, struct server_request, r)->body);
}

bool request_answered(const struct request *r)
{
	return r->answer->status != 0;
}

bool request_draining(const struct request *r)
{
	return atomic_load_explicit(of(r)->server->opt.draining, memory_order_relaxed);
}
