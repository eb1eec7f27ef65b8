/* account-linkd link show|remove */
#include <stdint.h>

#include "cli/cli.h"
#include "cli/cli_audit.h"
#include "cli/cli_store.h"

enum { ROUNDS_MAX = 64 }; /* of STORE_HOLDERS_MAX holders each */

static bool find_psid(struct cli *c, struct cli_store *s, const char *psid, struct store_out *ret)
{
	struct store_op *op = cli_store_op(STORE_FIND_PSID);
	*ret = (struct store_out){.n = 0};
	if (op != NULL && !cli_store_take(c, "--psid", psid, op->in.psid, sizeof op->in.psid)) {
		store_op_free(op);
		return false;
	}
	return cli_store_run(c, s, op, ret);
}

static bool find_customer(struct cli *c, struct cli_store *s, const char *id, struct store_out *ret)
{
	struct store_op *op = cli_store_op(STORE_FIND_ID);
	*ret = (struct store_out){.n = 0};
	if (op != NULL && !cli_store_take(c, "--customer", id, op->in.key.id, sizeof op->in.key.id)) {
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

/* Only those that are linked; items of one customer may differ. */
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

static bool unlink_one(struct cli *c, struct cli_store *s, const struct store_customer *holder,
                       int64_t *removed)
{
	struct store_out out;
	struct store_op *op = cli_store_op(STORE_UNLINK);
	if (op != NULL) {
		op->in.key = holder->key;
		op->in.time_ms = INT64_MAX; /* however new the link is */
		(void)str_copy(op->in.psid, sizeof op->in.psid, str_c(holder->link.psid));
	}
	if (!cli_store_run(c, s, op, &out))
		return false;
	if (out.outcome != STORE_DONE)
		return true;
	++*removed;
	cli_audit((struct audit){.action = "link",
	                         .result = "removed",
	                         .reason = "command",
	                         .customer_id = holder->key.id,
	                         .psid = holder->link.psid,
	                         .page_id = holder->link.page_id});
	return true;
}

/* Every holder of the PSID; *ret_more tells that there were some. */
static bool unlink_found(struct cli *c, struct cli_store *s, const char *psid, int64_t *removed,
                         bool *ret_more)
{
	struct store_out found;
	bool ok = find_psid(c, s, psid, &found);
	*ret_more = found.n > 0;
	for (size_t i = 0; ok && i < found.n; i++)
		ok = unlink_one(c, s, &found.customers[i], removed);
	cli_store_drop(&found);
	return ok;
}

static int remove_psid(struct cli *c, struct cli_store *s, const char *psid)
{
	int64_t removed = 0;
	bool more = true;
	for (int round = 0; more && round < ROUNDS_MAX; round++)
		if (!unlink_found(c, s, psid, &removed, &more))
			return c->rc;
	if (more)
		return cli_fail(c,
		                "the PSID is still linked: its customer's key may be too long to be written");
	if (removed == 0)
		return cli_fail(c, "not linked");
	cli_str(c, "psid", str_c(psid));
	cli_int(c, "removed", removed);
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
