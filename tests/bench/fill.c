#include "bench/fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "link/auth_code.h"
#include "net/httpc.h"

enum { TOGETHER = 200, DEADLINE_MS = 60000, LIVE_S = 3600 };

struct fill {
	struct httpc *http;
	struct config *cfg;
	struct store *store;
	struct store_port *port;
	struct loop *loop;
	size_t waiting; /* operations */
	bool failed;
};

static struct fill *give_up(struct fill *f, const char *why)
{
	(void)fprintf(stderr, "bodies: %s\n", why);
	free(f);
	return NULL;
}

struct fill *fill_new(void)
{
	struct err e = {.msg = ""};
	struct config_from from = {.environ_ = environ, .scope = CONFIG_STORE};
	struct config_findings found;
	struct fill *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	config_findings_init(&found);
	if (config_load(&from, &f->cfg, &found, &e) != ERR_OK)
		return give_up(f, found.problems.len > 0 ? found.problems.p : e.msg);
	config_findings_done(&found);
	if (store_open(f->cfg, &f->store, &e) != ERR_OK || loop_new(&f->loop, &e) != ERR_OK ||
	    httpc_new(f->loop, &f->http, &e) != ERR_OK ||
	    store_attach(f->store, f->loop, f->http, &f->port, &e) != ERR_OK)
		return give_up(f, e.msg);
	return f;
}

static void on_done(void *arg, struct store_op *op)
{
	struct fill *f = arg;
	bool done = op->code == ERR_OK && op->out.outcome == STORE_DONE;
	if (!done && !f->failed)
		(void)fprintf(stderr, "bodies: %s: %s %s\n", store_kind_name(op->kind),
		              op->code == ERR_OK ? store_outcome_name(op->out.outcome) : err_name(op->code),
		              op->err.msg);
	f->failed |= !done;
	if (--f->waiting == 0)
		loop_stop(f->loop);
}

static void wait(struct fill *f)
{
	if (f->waiting > 0)
		loop_run(f->loop);
}

static bool start(struct fill *f, struct store_op *op)
{
	struct err e;
	if (op == NULL || store_start(f->port, op, on_done, f, &e) != ERR_OK)
		return false;
	f->waiting++;
	return true;
}

bool fill_code(struct fill *f, const struct store_key *key, const char *psid, struct str code)
{
	struct store_op *add = store_op_new(STORE_ADD, clock_mono_ms() + DEADLINE_MS);
	struct store_op *issue = store_op_new(STORE_ISSUE, clock_mono_ms() + DEADLINE_MS);
	if (add == NULL || issue == NULL || crypto_sha256_text(code, issue->in.issue.digest) != ERR_OK)
		return false;
	add->in.key = issue->in.key = *key;
	(void)str_copy(add->in.add.hash, sizeof add->in.add.hash, STR("$none"));
	(void)str_copy(issue->in.issue.psid, sizeof issue->in.issue.psid, str_c(psid));
	issue->in.issue.expires_s = clock_wall_ms() / 1000 + LIVE_S;
	if (!start(f, add) || !start(f, issue)) /* in this order: one thread writes */
		return false;
	if (f->waiting >= TOGETHER)
		wait(f);
	return !f->failed;
}

bool fill_end(struct fill *f)
{
	wait(f);
	bool good = !f->failed;
	store_detach(f->port);
	loop_drain(f->loop);
	httpc_free(f->http);
	loop_free(f->loop);
	store_close(f->store);
	config_free(f->cfg);
	free(f);
	return good;
}
