#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/config.h"
#include "net/httpc.h"

enum { TIMEOUT_MS = 3000, BODY_MAX = 4096, URL_MAX = 1024 };

struct check {
	struct loop *loop;
	bool healthy;
	char why[ERR_MSG_MAX + 96];
};

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct check *k = arg;
	k->healthy = r->code == ERR_OK && r->status == 200;
	if (r->code != ERR_OK)
		(void)snprintf(k->why, sizeof k->why,
		               "does not answer: %s; is the service running, and with this LINKD_LISTEN?",
		               r->error);
	else
		(void)snprintf(k->why, sizeof k->why, "answers %ld", r->status);
	loop_stop(k->loop);
}

/* One GET on a loop of its own.  Failing to start counts as unhealthy. */
static void ask(struct check *k, const char *url)
{
	const struct httpc_request req = {.method = "GET",
	                                  .url = url,
	                                  .allow_http = true,
	                                  .timeout_ms = TIMEOUT_MS,
	                                  .response_max = BODY_MAX};
	struct httpc *h = NULL;
	struct httpc_call *call;
	struct err e = {.msg = "no memory"};
	bool started = httpc_global_start(&e) == ERR_OK && loop_new(&k->loop, &e) == ERR_OK &&
	               httpc_new(k->loop, &h, &e) == ERR_OK &&
	               httpc_start(h, &req, on_answer, k, &call, &e) == ERR_OK;
	if (started)
		loop_run(k->loop);
	else
		(void)snprintf(k->why, sizeof k->why, "cannot be asked: %s", e.msg);
	httpc_free(h);
	loop_free(k->loop);
}

/* The URL for item i; an unspecified address becomes loopback.  False: it has no port that could be asked. */
static bool url_of(const struct strlist *l, size_t i, char *ret, size_t cap)
{
	char host[CONFIG_HOST_MAX + 1];
	uint16_t port = 0;
	if (!config_host_port(l->v[i], host, sizeof host, &port) || port == 0)
		return false;
	const char *to = strcmp(host, "0.0.0.0") == 0 || config_listens_on_both(l, i) ? "127.0.0.1"
	                 : strcmp(host, "::") == 0                                    ? "::1"
	                                                                              : host;
	(void)snprintf(ret, cap, strchr(to, ':') != NULL ? "http://[%s]:%u/healthz" : "http://%s:%u/healthz",
	               to, port);
	return true;
}

/* False: the error is on `err`; return c->rc. */
static bool ask_one(struct cli *c, const char *url)
{
	struct check k = {.loop = NULL};
	ask(&k, url);
	return k.healthy || cli_fail(c, "%s %s", url, k.why) == CLI_OK;
}

/* Ask every public listener. */
static bool ask_all(struct cli *c)
{
	struct config *cfg;
	char url[URL_MAX];
	bool ok = true;
	if (!cli_config(c, CONFIG_LISTEN, &cfg))
		return false;
	for (size_t i = 0; i < cfg->listen.n && ok; i++)
		if (url_of(&cfg->listen, i, url, sizeof url))
			ok = ask_one(c, url);
		else
			ok = cli_fail(c, "LINKD_LISTEN takes a free port; name the address with --url") ==
			     CLI_OK;
	config_free(cfg);
	return ok;
}

int cli_healthcheck(struct cli *c)
{
	const char *url = NULL;
	const struct cli_option options[] = {{"--url", &url, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(c, options, 0) || !(url != NULL ? ask_one(c, url) : ask_all(c)))
		return c->rc;
	cli_str(c, "status", STR("ok"));
	return cli_done(c);
}
