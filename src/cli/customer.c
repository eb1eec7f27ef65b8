/* account-linkd customer add|show|remove */
#include <string.h>

#include "base/crypto.h"
#include "cli/cli.h"
#include "login/password.h"

/* The customer that `customer add` stores. */
struct addition {
	struct store_key key; /* the e-mail trimmed and in lower case */
	char typed_email[STORE_EMAIL_MAX + 1];
	bool force;
};

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool one_at(struct str s)
{
	struct str local, domain;
	return str_cut(s, '@', &local, &domain) && local.n > 0 && domain.n > 0 && !str_has(domain, '@');
}

static bool new_key(struct cli *c, const char *id, const char *email, struct addition *ret)
{
	struct str trimmed = str_trim(str_c(email));
	if (!cli_store_take(c, "--id", id, ret->key.id, sizeof ret->key.id))
		return false;
	if (!str_copy(ret->typed_email, sizeof ret->typed_email, trimmed))
		c->rc = cli_fail(c, "--email has %zu bytes, at most %d are possible", trimmed.n,
		                 STORE_EMAIL_MAX);
	else if (!one_at(trimmed) || !str_utf8(trimmed))
		c->rc = cli_fail(c, "--email needs one @ with something on both sides");
	else if (has_control(trimmed) || has_control(str_c(id)))
		c->rc = cli_fail(c, "--id and --email may not hold control characters");
	else if (strlen(id) + trimmed.n > STORE_KEY_MAX)
		c->rc = cli_fail(c,
		                 "--id and --email have %zu bytes together, at most %d fit into an "
		                 "authorization code: this customer could not log in",
		                 strlen(id) + trimmed.n, STORE_KEY_MAX);
	else {
		memcpy(ret->key.email, ret->typed_email, sizeof ret->key.email);
		(void)str_lower(ret->key.email);
		return true;
	}
	return false;
}

/* The same look-up as for a login: first the e-mail as typed, then in lower case. */
static bool find_email(struct cli *c, struct cli_store *s, const char *email, struct store_out *ret)
{
	char text[STORE_EMAIL_MAX + 1];
	*ret = (struct store_out){.n = 0};
	if (!cli_store_take(c, "--email", email, text, sizeof text))
		return false;
	for (int typed = 1; typed >= 0 && ret->n == 0; typed--) {
		struct store_op *op = cli_store_op(STORE_FIND_EMAIL);
		if (!typed)
			(void)str_lower(text);
		if (op != NULL)
			memcpy(op->in.find_email.email, text, sizeof text);
		cli_store_drop(ret);
		if (!cli_store_run(c, s, op, ret))
			return false;
	}
	return true;
}

/* If two customers have one e-mail, neither can log in: a login requires exactly one customer. */
static bool email_is_free(struct cli *c, struct cli_store *s, const struct addition *a)
{
	struct store_out found;
	bool taken = false, ok = find_email(c, s, a->typed_email, &found);
	for (size_t i = 0; ok && i < found.n; i++)
		taken |= strcmp(found.customers[i].key.id, a->key.id) != 0;
	cli_store_drop(&found);
	if (taken && a->force)
		(void)fprintf(c->err, "warning: another customer has this e-mail too: neither can log in "
		                      "until one of them is removed\n");
	else if (taken)
		ok = cli_fail(c,
		              "another customer has this e-mail: neither could log in; customer show "
		              "--email shows who has it, --force adds this customer all the same") == CLI_OK;
	return ok;
}

static int store_new(struct cli *c, struct cli_store *s, const struct store_key *key, struct str password)
{
	struct err err;
	struct store_out out;
	struct store_op *op = cli_store_op(STORE_ADD);
	if (op == NULL)
		return cli_fail(c, "out of memory");
	op->in.add.key = *key;
	if (password_hash(password, (uint32_t)s->cfg->argon2_memory_kib, (uint32_t)s->cfg->argon2_passes,
	                  op->in.add.hash, sizeof op->in.add.hash, &err) != ERR_OK) {
		store_op_free(op);
		return cli_fail(c, "%s", err.msg);
	}
	if (!cli_store_run(c, s, op, &out))
		return c->rc;
	if (out.outcome == STORE_EXISTS)
		return cli_fail(c, "customer %s exists already: remove it first", key->id);
	cli_audit((struct audit){
	        .action = "customer_add", .result = "done", .customer_id = key->id, .email = key->email});
	cli_str(c, "customer_id", str_c(key->id));
	cli_str(c, "email", str_c(key->email));
	return cli_done(c);
}

static int add_with(struct cli *c, const struct addition *a, struct str password)
{
	struct cli_store s;
	int rc = cli_audit_start(c) && cli_store_open_or_make(c, &s) && email_is_free(c, &s, a)
	                 ? store_new(c, &s, &a->key, password)
	                 : c->rc;
	cli_store_close(&s);
	return rc;
}

static int add(struct cli *c)
{
	const char *id = NULL, *email = NULL;
	struct addition a = {.force = false};
	bool from_stdin = false;
	const struct cli_option options[] = {{"--id", &id, NULL},
	                                     {"--email", &email, NULL},
	                                     {"--password-stdin", NULL, &from_stdin},
	                                     {"--force", NULL, &a.force},
	                                     {NULL, NULL, NULL}};
	struct buf password = {.max = PASSWORD_MAX};
	if (!cli_parse(c, options, 0))
		return c->rc;
	if (id == NULL || email == NULL || !from_stdin)
		return cli_usage(c, "--id, --email and --password-stdin are needed");
	if (!new_key(c, id, email, &a))
		return c->rc;
	int rc = cli_read_secret(c, PASSWORD_MAX, &password) ? add_with(c, &a, buf_view(&password)) : c->rc;
	crypto_wipe_buf(&password);
	return rc;
}

static void show_one(struct cli *c, const struct store_customer *customer)
{
	cli_str(c, "customer_id", str_c(customer->key.id));
	cli_str(c, "email", str_c(customer->key.email));
	cli_bool(c, "has_password", customer->hash[0] != '\0');
	cli_bool(c, "linked", customer->link.psid[0] != '\0');
	if (customer->link.psid[0] != '\0')
		cli_store_show_link(c, &customer->link);
	cli_int(c, "login_failures", customer->login_failures);
	if (customer->login_window_ends_s > 0)
		cli_int(c, "login_window_ends", customer->login_window_ends_s);
	if (customer->too_long)
		cli_bool(c, "key_too_long", true);
}

static int show_found(struct cli *c, const struct store_out *found)
{
	if (found->n == 0)
		return cli_fail(c, "no such customer");
	if (found->n == 1) {
		show_one(c, &found->customers[0]);
		return cli_done(c);
	}
	cli_list(c, "customers");
	for (size_t i = 0; i < found->n; i++) {
		cli_item(c);
		show_one(c, &found->customers[i]);
	}
	cli_list_end(c);
	return cli_done(c);
}

static bool find_id(struct cli *c, struct cli_store *s, const char *id, struct store_out *ret)
{
	struct store_op *op = cli_store_op(STORE_FIND_ID);
	*ret = (struct store_out){.n = 0};
	if (op != NULL && !cli_store_take(c, "--id", id, op->in.find_id.id, sizeof op->in.find_id.id)) {
		store_op_free(op);
		return false;
	}
	return cli_store_run(c, s, op, ret);
}

static int show(struct cli *c)
{
	const char *id = NULL, *email = NULL;
	const struct cli_option options[] = {
	        {"--id", &id, NULL}, {"--email", &email, NULL}, {NULL, NULL, NULL}};
	struct cli_store s;
	struct store_out found = {.n = 0};
	if (!cli_parse(c, options, 0))
		return c->rc;
	if ((id == NULL) == (email == NULL))
		return cli_usage(c, "either --id or --email is needed");
	bool ok = cli_store_open(c, &s) &&
	          (id != NULL ? find_id(c, &s, id, &found) : find_email(c, &s, email, &found));
	int rc = ok ? show_found(c, &found) : c->rc;
	cli_store_drop(&found);
	cli_store_close(&s);
	return rc;
}

/* The PSIDs are gone from the store, so they are printed for the call that tells Facebook. */
static void show_ended(struct cli *c, const struct store_out *found)
{
	size_t n = 0;
	cli_list(c, "links");
	for (size_t i = 0; i < found->n; i++)
		if (found->customers[i].link.psid[0] != '\0') {
			cli_item(c);
			cli_store_show_link(c, &found->customers[i].link);
			n++;
		}
	cli_list_end(c);
	if (n > 0)
		cli_store_note_unlinked(c);
}

static int remove_found(struct cli *c, struct cli_store *s, const char *id, const struct store_out *found)
{
	struct store_out out;
	struct store_op *op = cli_store_op(STORE_REMOVE);
	if (op != NULL && !cli_store_take(c, "--id", id, op->in.remove.id, sizeof op->in.remove.id)) {
		store_op_free(op);
		return c->rc;
	}
	if (!cli_store_run(c, s, op, &out))
		return c->rc;
	if (out.outcome == STORE_NO_CUSTOMER)
		return cli_fail(c, "no such customer");
	cli_audit((struct audit){.action = "customer_remove", .result = "done", .customer_id = id});
	cli_str(c, "customer_id", str_c(id));
	cli_bool(c, "removed", true);
	show_ended(c, found);
	return cli_done(c);
}

static int remove_id(struct cli *c, struct cli_store *s, const char *id)
{
	struct store_out found;
	int rc = find_id(c, s, id, &found) ? remove_found(c, s, id, &found) : c->rc;
	cli_store_drop(&found);
	return rc;
}

static int drop(struct cli *c)
{
	const char *id = NULL;
	const struct cli_option options[] = {{"--id", &id, NULL}, {NULL, NULL, NULL}};
	struct cli_store s;
	if (!cli_parse(c, options, 0))
		return c->rc;
	if (id == NULL)
		return cli_usage(c, "--id is needed");
	int rc = cli_store_open(c, &s) && cli_audit_start(c) ? remove_id(c, &s, id) : c->rc;
	cli_store_close(&s);
	return rc;
}

static const struct cli_command verbs[] = {
        {"add", "--id ID --email E --password-stdin [--force]",
         "store a customer; --force: even if another has the e-mail", add},
        {"show", "--id ID | --email E", "show a customer, never the password hash", show},
        {"remove", "--id ID", "delete a customer", drop},
        {NULL, NULL, NULL, NULL},
};

int cli_customer(struct cli *c)
{
	return cli_dispatch(c, verbs);
}
