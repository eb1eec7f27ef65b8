#include "facebook/graph.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "facebook/graph_lookups.h"
#include "facebook/graph_once.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { URL_MAX = 4096, AUTHORIZATION_MAX = 1024 };

struct page {
	char id[GRAPH_ID_MAX + 1];                 /* "": the token names no page */
	char authorization[AUTHORIZATION_MAX + 1]; /* the header line */
	char proof[GRAPH_PROOF_LEN + 1];
};

struct graph {
	const struct config *cfg;
	struct graph_lookups *lookups;
	struct graph_once *refusals;
	size_t pages;
	struct page page[];
};

struct graph_call {
	struct httpc_call *http;
	graph_done_fn *done;
	void *arg;
};

bool graph_proof(struct str secret, struct str token, char ret[GRAPH_PROOF_LEN + 1])
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct buf hex;
	buf_over(&hex, ret, GRAPH_PROOF_LEN + 1);
	bool ok = crypto_hmac_sha256(secret, token, mac) == ERR_OK;
	codec_hex(&hex, mac, sizeof mac);
	return ok && !hex.failed;
}

static bool set_page(struct page *p, struct str secret, const char *item)
{
	struct str id, token;
	struct buf line;
	config_page_token(item, &id, &token);
	(void)str_copy(p->id, sizeof p->id, id);
	buf_over(&line, p->authorization, sizeof p->authorization);
	buf_z(&line, "Authorization: Bearer ");
	buf_str(&line, token);
	return !line.failed && graph_proof(secret, token, p->proof);
}

enum err_code graph_new(const struct config *cfg, struct graph **ret, struct err *reterr)
{
	const struct strlist *tokens = &cfg->page_access_token;
	*ret = NULL;
	if (tokens->n == 0)
		return ERR_OK;
	struct graph *g = calloc(1, sizeof *g + tokens->n * sizeof g->page[0]);
	if (g == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the page access tokens");
	g->cfg = cfg;
	enum err_code code = graph_lookups_new(cfg->graph_lookups, &g->lookups, reterr);
	if (code == ERR_OK)
		code = graph_once_new(&g->refusals, reterr);
	for (; code == ERR_OK && g->pages < tokens->n; g->pages++)
		if (!set_page(&g->page[g->pages], str_c(cfg->app_secret.v[0]), tokens->v[g->pages]))
			code = err_set(reterr, ERR_NOMEM, "no memory for the proof of a page access token");
	if (code == ERR_OK)
		*ret = g;
	else
		graph_free(g);
	return code;
}

void graph_free(struct graph *g)
{
	if (g == NULL)
		return;
	graph_lookups_free(g->lookups);
	graph_once_free(g->refusals);
	crypto_wipe(g->page, g->pages * sizeof g->page[0]);
	free(g);
}

struct graph_lookups *graph_lookups_of(struct graph *g)
{
	return g->lookups;
}

struct graph_once *graph_refusals(struct graph *g)
{
	return g->refusals;
}

int64_t graph_timeout_ms(const struct graph *g)
{
	return g->cfg->graph_timeout_ms;
}

size_t graph_pages(const struct graph *g)
{
	return g->pages;
}

bool graph_page_is(const struct graph *g, size_t page, const char *page_id)
{
	const char *id = g->page[page].id;
	return id[0] != '\0' ? strcmp(id, page_id) == 0
	                     : config_page_is_ours(&g->cfg->page_ids, str_c(page_id));
}

size_t graph_page_of(const struct graph *g, const char *page_id)
{
	for (size_t i = 0; i < g->pages; i++)
		if (graph_page_is(g, i, page_id))
			return i;
	return g->pages;
}

bool graph_covers_pages(const struct graph *g)
{
	return g->cfg->page_ids.n <= g->pages;
}

/* --- one call */

static void put_url(struct buf *url, const struct graph *g, const struct graph_request *r)
{
	buf_z(url, g->cfg->graph_url);
	buf_z(url, "/");
	buf_z(url, g->cfg->graph_version);
	buf_z(url, "/");
	buf_z(url, r->path);
	buf_z(url, "?appsecret_proof=");
	buf_z(url, g->page[r->page].proof);
	if (r->fields != NULL) {
		buf_z(url, "&fields=");
		buf_z(url, r->fields);
	}
	if (r->token != NULL) {
		buf_z(url, "&account_linking_token=");
		codec_pct(url, str_c(r->token));
	}
	buf_put(url, "", 1);
}

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct graph_call *c = arg;
	bool answered = r->code == ERR_OK;
	long none = r->sends == 0 ? GRAPH_NOT_SENT : 0;
	c->done(c->arg, answered ? r->status : none, answered ? r->body : (struct str){NULL, 0},
	        answered ? NULL : r->error);
	free(c);
}

enum err_code graph_start(struct graph *g, const struct graph_request *r, graph_done_fn *done, void *arg,
                          struct graph_call **ret, struct err *reterr)
{
	char room[URL_MAX];
	const char *const headers[] = {g->page[r->page].authorization, "Accept: application/json",
	                               r->fields == NULL ? "Content-Type: application/json" : NULL, NULL};
	struct buf url;
	struct graph_call *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a call to Graph");
	*c = (struct graph_call){.done = done, .arg = arg};
	buf_over(&url, room, sizeof room);
	put_url(&url, g, r);
	struct httpc_request q = {.method = r->fields != NULL ? "GET" : "POST",
	                          .url = room,
	                          .headers = headers,
	                          .body = r->json,
	                          .allow_http = true, /* the settings allow it on loopback only */
	                          .fresh = r->once,
	                          .timeout_ms = r->timeout_ms,
	                          .connect_ms = r->timeout_ms,
	                          .response_max = GRAPH_ANSWER_MAX};
	enum err_code code = url.failed ? err_set(reterr, ERR_INVALID,
	                                          "the address of a call to Graph is too long")
	                                : httpc_start(r->http, &q, on_answer, c, &c->http, reterr);
	crypto_wipe(room, sizeof room);
	if (code != ERR_OK) {
		free(c);
		return code;
	}
	metric_add(M_GRAPH_CALLS, 1);
	*ret = c;
	return ERR_OK;
}

void graph_cancel(struct graph_call *c)
{
	if (c == NULL)
		return;
	httpc_cancel(c->http);
	free(c);
}

void graph_tell_failure(size_t page, const char *call, const struct graph_answer *a, const char *error)
{
	metric_add(M_GRAPH_FAILED, 1);
	if (error != NULL)
		log_line(LOG_WARN, "graph_unreachable", log_z("call", call), log_z("error", error));
	else
		log_line(a->class == GRAPH_TOKEN_DEAD ? LOG_ERROR : LOG_WARN, "graph_refused",
		         log_z("call", call), log_z("class", graph_class_name(a->class)),
		         log_int("page_token", (int64_t)page + 1), log_int("code", a->code),
		         log_int("subcode", a->subcode), log_z("fbtrace_id", a->trace));
}
