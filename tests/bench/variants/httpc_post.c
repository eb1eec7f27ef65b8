/* In place of src/net/poster: the same calls by libcurl, which then writes the requests and reads the answers.  The row
 * "libcurl" of make bench is the program with this file; the difference is what the poster saves. */
#include "net/poster/httpc_post.h"

#include <stdlib.h>

struct httpc_poster {
	struct httpc_poster_options o;
};

enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                               struct err *reterr)
{
	struct httpc_poster *p = malloc(sizeof *p);
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP client");
	p->o = *o;
	httpc_add_connections(o->http, (long)o->idle_max);
	*ret = p;
	return ERR_OK;
}

void httpc_poster_free(struct httpc_poster *p)
{
	free(p);
}

void httpc_outgoing_init(struct httpc_outgoing *out, size_t max, size_t first)
{
	buf_init(&out->bytes, max);
	(void)buf_reserve(&out->bytes, first);
	out->body_at = 0;
}

struct str httpc_outgoing_body(const struct httpc_outgoing *out)
{
	return buf_view(&out->bytes);
}

enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_post_request *req,
                               httpc_done_fn *done, void *arg, struct httpc_post **ret, struct err *reterr)
{
	struct httpc_request r = {.method = "POST",
	                          .url = p->o.url,
	                          .allow_http = true,
	                          .headers = req->headers,
	                          .body = httpc_outgoing_body(req->out),
	                          .timeout_ms = req->timeout_ms,
	                          .connect_ms = req->connect_ms,
	                          .response_max = req->response_max};
	return httpc_start(p->o.http, &r, done, arg, (struct httpc_call **)(void *)ret, reterr);
}

void httpc_post_cancel(struct httpc_post *c)
{
	httpc_cancel((struct httpc_call *)(void *)c);
}
