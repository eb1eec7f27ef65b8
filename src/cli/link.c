/* account-linkd link show|remove */
#include <stdint.h>

#include "app.h"
#include "cli/cli.h"
#include "link/link.h"

enum {
	REMOVE_MS = 10000, /* one round */
	ROUNDS_MAX = 64,
};

static bool find_psid(struct cli *c, struct cli_store *s, const char *psid, struct store_out *ret)
{
	struct store_op *op = cli_store_op(STORE_FIND_PSID);
	*ret = (struct store_out){.n = 0};
	if (op != NULL &&
	    !cli_store_take(c, "--psid", psid, op->in.find_psid.psid, sizeof op->in.find_psid.psid)) {
		store_op_free(op);
		return false;
	}
	return cli_store_run(c, s, op, ret);
}

static bool find_customer(struct cli *c, struct cli_store *s, const char *id, struct store_out *ret)
{
	struct store_op *op = cli_store_op(STORE_FIND_ID);
	*ret = (struct store_out){.n = 0};
	if (op != NULL && !cli_store_take(c, "--customer", id, op->in.find_id.id, sizeof op->in.find_id.id)) {
		store_op_free(op);
		return false;
	}
	return cli_store_run(c, s, op, ret);
}

static void show_one(struct cli *c, const struct store_customer *holder)
{
	cli_str(c, "customer_id", str_c(holder->key.id));
	cli_str(c, "email", str_c(holder->key.email));
	cli_store_show_link(c, &holder->link);
}

/* Print only the linked items; the items of one customer may differ. */
static size_t keep_linked(struct store_out *found)
{
	size_t n = 0;
	for (size_t i = 0; i < found->n; i++)
		if (found->customers[i].link.psid[0] != '\0')
			found->customers[n++] = found->customers[i];
	return n;
}

static int show_found(struct cli *c, struct store_out *found)
{
	size_t n = keep_linked(found);
	if (n == 0)
		return cli_fail(c, "not linked");
	if (n == 1) {
		show_one(c, &found->customers[0]);
		return cli_done(c);
	}
	cli_list(c, "links");
	for (size_t i = 0; i < n; i++) {
		cli_item(c);
		show_one(c, &found->customers[i]);
	}
	cli_list_end(c);
	return cli_done(c);
}

static int show(struct cli *c)
{
	const char *psid = NULL, *customer = NULL;
	const struct cli_option options[] = {
	        {"--psid", &psid, NULL}, {"--customer", &customer, NULL}, {NULL, NULL, NULL}};
	struct cli_store s;
	struct store_out found = {.n = 0};
	if (!cli_parse(c, options, 0))
		return c->rc;
	if ((psid == NULL) == (customer == NULL))
		return cli_usage(c, "either --psid or --customer is needed");
	bool ok = cli_store_open(c, &s) &&
	          (psid != NULL ? find_psid(c, &s, psid, &found) : find_customer(c, &s, customer, &found));
	int rc = ok ? show_found(c, &found) : c->rc;
	cli_store_drop(&found);
	cli_store_close(&s);
	return rc;
}

/* One round of the use case of the admin API and the webhook, on the command's own loop. */
struct removal {
	struct cli *c;
	struct service service;
	char psid[STORE_PSID_MAX + 1];
	char actor[CLI_AUDIT_ACTOR_MAX];
	struct link_op *op;
	enum link_result result;
	bool found; /* a holder was seen */
	int64_t removed;
};

static void on_removed(void *arg, const struct link_answer *a)
{
	struct removal *r = arg;
	r->result = a->result;
	r->found = a->holder != NULL;
	r->removed += (int64_t)a->n;
	if (a->err != NULL)
		r->c->rc = cli_fail(r->c, "%s", a->err->msg);
	loop_stop(r->service.loop);
}

static enum err_code start_removal(void *arg, struct store_port *port, struct err *reterr)
{
	struct removal *r = arg;
	r->service.loop = port->loop;
	r->service.store = port;
	struct link_call call = {.service = &r->service,
	                         .deadline_ms = loop_now_ms(port->loop) + REMOVE_MS,
	                         .done = on_removed,
	                         .arg = r,
	                         .source = {.way = "cli", .actor = r->actor}};
	struct link_removal in = {.psid = str_c(r->psid), .reason = "command", .any_age = true, .once = true};
	return link_remove(&call, &in, &r->op, reterr);
}

/* Repeat until no customer holds the PSID. */
static bool remove_all(struct cli_store *s, struct removal *r)
{
	struct err err;
	r->result = LINK_R_UNLINKED;
	for (int round = 0; r->result == LINK_R_UNLINKED && round < ROUNDS_MAX; round++) {
		if (cli_store_on_loop(s, start_removal, r, &err) == ERR_OK)
			continue;
		r->c->rc = cli_fail(r->c, "%s", err.msg);
		return false;
	}
	return r->result != LINK_R_UNSETTLED;
}

static int remove_psid(struct cli *c, struct cli_store *s, const char *psid)
{
	struct removal r = {.c = c, .service = {.cfg = s->cfg, .listeners = app_listeners}};
	if (!cli_store_take(c, "--psid", psid, r.psid, sizeof r.psid))
		return c->rc;
	cli_audit_actor(r.actor);
	if (!remove_all(s, &r))
		return c->rc;
	if (r.found)
		return cli_fail(c,
		                "the PSID is still linked: its customer's key may be too long to be written");
	if (r.removed == 0)
		return cli_fail(c, "not linked");
	cli_store_note_unlinked(c);
	cli_str(c, "psid", str_c(psid));
	cli_int(c, "removed", r.removed);
	return cli_done(c);
}

static int drop(struct cli *c)
{
	const char *psid = NULL;
	const struct cli_option options[] = {{"--psid", &psid, NULL}, {NULL, NULL, NULL}};
	struct cli_store s;
	if (!cli_parse(c, options, 0))
		return c->rc;
	if (psid == NULL)
		return cli_usage(c, "--psid is needed");
	int rc = cli_store_open(c, &s) && cli_audit_start(c) ? remove_psid(c, &s, psid) : c->rc;
	cli_store_close(&s);
	return rc;
}

static const struct cli_command verbs[] = {
        {"show", "--psid P | --customer ID", "show who is linked", show},
        {"remove", "--psid P", "remove the links of a Messenger profile from this store", drop},
        {NULL, NULL, NULL, NULL},
};

int cli_link(struct cli *c)
{
	return cli_dispatch(c, verbs);
}
