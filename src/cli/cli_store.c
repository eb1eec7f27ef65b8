#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "net/httpc.h"

enum { DEADLINE_MS = 10000 };

enum err_code cli_store_exists(const struct config *cfg, struct err *reterr)
{
	const char *path = store_file(cfg);
	struct stat st;
	if (path == NULL || stat(path, &st) == 0 || errno != ENOENT)
		return ERR_OK; /* store_open reports everything else that is wrong with a file */
	return err_set(
	        reterr, ERR_STORE,
	        "there is no database at %s: name another file in LINKD_STORE, or make one with serve or "
	        "customer add",
	        path);
}

static bool open_store(struct cli *c, bool make, struct cli_store *ret)
{
	struct err err;
	*ret = (struct cli_store){.cfg = NULL};
	if (!cli_config(c, CONFIG_STORE, &ret->cfg))
		return false;
	if ((make || cli_store_exists(ret->cfg, &err) == ERR_OK) && crypto_start(&err) == ERR_OK &&
	    httpc_global_start(&err) == ERR_OK && store_open(ret->cfg, &ret->store, &err) == ERR_OK)
		return true;
	c->rc = cli_fail(c, "%s", err.msg);
	return false;
}

bool cli_store_open(struct cli *c, struct cli_store *ret)
{
	return open_store(c, false, ret);
}

bool cli_store_open_or_make(struct cli *c, struct cli_store *ret)
{
	return open_store(c, true, ret);
}

void cli_store_close(struct cli_store *s)
{
	store_close(s->store);
	config_free(s->cfg);
	*s = (struct cli_store){.cfg = NULL};
}

struct store_op *cli_store_op(enum store_kind kind)
{
	return store_op_new(kind, clock_mono_ms() + DEADLINE_MS);
}

/* An operation whose caller is gone still completes on the loop, at the latest at its deadline. */
static void drain(struct store *store, struct loop *loop)
{
	for (loop_drain(loop); !store_idle(store); loop_drain(loop))
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

enum err_code cli_store_on_loop(struct cli_store *s, cli_store_start_fn *start, void *arg, struct err *reterr)
{
	struct loop *loop = NULL;
	struct httpc *http = NULL;
	struct store_port *port = NULL;
	enum err_code code = loop_new(&loop, reterr);
	if (code == ERR_OK)
		code = httpc_new(loop, &http, reterr);
	if (code == ERR_OK)
		code = store_attach(s->store, loop, http, &port, reterr);
	if (code == ERR_OK) {
		code = start(arg, port, reterr);
		if (code == ERR_OK)
			loop_run(loop);
		store_detach(port);
		drain(s->store, loop);
	}
	httpc_free(http);
	loop_free(loop);
	return code;
}

struct waiter {
	struct store_op *op; /* not started yet */
	struct loop *loop;
	struct store_out *out;
	enum err_code code;
	struct err *reterr;
};

static void on_done(void *arg, struct store_op *op)
{
	struct waiter *w = arg;
	w->code = op->code;
	if (op->code != ERR_OK)
		(void)err_set(w->reterr, op->code, "%s", op->err.msg); /* op ends with this call */
	*w->out = op->out;
	op->out = (struct store_out){.n = 0}; /* the customers are the waiter's now */
	loop_stop(w->loop);
}

static enum err_code start_op(void *arg, struct store_port *port, struct err *reterr)
{
	struct waiter *w = arg;
	struct store_op *op = w->op;
	w->op = NULL; /* freed by store_start when it fails */
	w->loop = port->loop;
	return store_start(port, op, on_done, w, reterr);
}

enum err_code cli_store_try(struct cli_store *s, struct store_op *op, struct store_out *ret,
                            struct err *reterr)
{
	struct waiter w = {.op = op, .out = ret, .reterr = reterr};
	*ret = (struct store_out){.n = 0};
	enum err_code code = cli_store_on_loop(s, start_op, &w, reterr);
	store_op_free(w.op);
	if (code == ERR_OK)
		code = w.code;
	if (code != ERR_OK)
		cli_store_drop(ret); /* what it had found before it failed */
	return code;
}

bool cli_store_run(struct cli *c, struct cli_store *s, struct store_op *op, struct store_out *ret)
{
	struct err err = {.msg = ""};
	if (cli_store_try(s, op, ret, &err) == ERR_OK)
		return true;
	c->rc = cli_fail(c, "%s", err.msg);
	return false;
}

void cli_store_drop(struct store_out *out)
{
	if (out->customers != NULL)
		crypto_wipe(out->customers, out->n * sizeof out->customers[0]);
	free(out->customers);
	*out = (struct store_out){.n = 0};
}

bool cli_store_take(struct cli *c, const char *option, const char *value, char *ret, size_t cap)
{
	struct str s = str_c(value);
	if (s.n == 0)
		c->rc = cli_fail(c, "%s is empty", option);
	else if (!str_utf8(s))
		c->rc = cli_fail(c, "%s is not UTF-8", option);
	else if (!str_copy(ret, cap, s))
		c->rc = cli_fail(c, "%s has %zu bytes, at most %zu are possible", option, s.n, cap - 1);
	else
		return true;
	return false;
}

void cli_store_note_unlinked(struct cli *c)
{
	(void)fprintf(c->err,
	              "note: Facebook is not told by this command, and still shows the profile as linked; "
	              "DELETE /v1/links/{psid} of a running service with a page token tells it\n");
}

void cli_store_show_link(struct cli *c, const struct store_link *l)
{
	cli_str(c, "psid", str_c(l->psid));
	cli_str(c, "page_id", str_c(l->page_id));
	if (l->linked_at_ms >= 0)
		cli_int(c, "linked_at", l->linked_at_ms);
}
