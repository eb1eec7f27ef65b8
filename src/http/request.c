#include <stdatomic.h>

#include "http/server_private.h"

static const struct server_request *of(const struct request *r)
{
	return (const struct server_request *)(const void *)((const char *)r -
	                                                     offsetof(struct server_request, r));
}

struct str request_header(const struct request *r, const char *name, size_t *ret_count)
{
	return server_head_find(of(r), name, ret_count);
}

struct str request_cookie(const struct request *r, const char *name)
{
	size_t found;
	struct str value = server_head_cookie(of(r), name, &found);
	return found == 1 ? value : (struct str){NULL, 0};
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
