/* The table of commands, and the small ones: serve, digest, version, help. */
#include <string.h>

#include "app.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/version.h"
#include "cli/cli.h"
#include "http/server.h"
#include "link/seal.h"
#include "net/httpc.h"

enum { HELP_WORDS = 2 }; /* "customer add" */

static const struct cli_command commands[] = {
        {"serve", "", "Answer requests until SIGTERM.", cli_serve},
        {"check-config", "", "Say everything that is wrong with the settings.", cli_check_config},
        {"print-config", "[--readme]", "Show the settings in force, secrets masked.", cli_print_config},
        {"customer", "add|show|remove ...", "Customers of the store.", cli_customer},
        {"link", "show|remove ...", "Links between Messenger profiles and customers.", cli_link},
        {"digest", "[VALUE]", "The name in the log of a PSID, customer id, e-mail or code.", cli_digest},
        {"create-table", "", "Make the DynamoDB table LINKD_STORE names.", cli_create_table},
        {"doctor", "", "Look at the store and what it needs; say what to do.", cli_doctor},
        {"healthcheck", "[--url URL]", "Ask the running service for /healthz.", cli_healthcheck},
        {"version", "", "Versions of this program and its libraries.", cli_version},
        {"help", "[COMMAND [VERB]]", "This list, or how to use one command.", cli_help},
        {NULL, NULL, NULL, NULL},
};

int cli_main(struct cli *c)
{
	static char version[] = "version";
	if (c->argc > 0 && strcmp(c->argv[0], "--version") == 0)
		c->argv[0] = version;
	return cli_dispatch(c, commands);
}

int cli_help(struct cli *c)
{
	static char help[] = "--help";
	char *words[HELP_WORDS + 2] = {NULL};
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, HELP_WORDS))
		return c->rc;
	for (int i = 0; i < c->argc; i++)
		words[i] = c->argv[i];
	words[c->argc] = help;
	struct cli again = {.argc = c->argc + 1, .argv = words, .out = c->out, .err = c->err};
	return cli_dispatch(&again, commands);
}

int cli_serve(struct cli *c)
{
	struct config *cfg;
	struct err e;
	app_signals_block(); /* also while the settings are read */
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	if (c->json)
		return cli_usage(c, "serve has no --json; LINKD_LOG_FORMAT decides how the log looks");
	if (!cli_config(c, CONFIG_SERVICE, &cfg))
		return c->rc;
	enum err_code code = app_serve(cfg, &e);
	config_free(cfg);
	return code == ERR_OK ? CLI_OK : cli_fail(c, "%s", e.msg);
}

static int show(struct cli *c, struct str value)
{
	cli_str(c, "digest", str_c(audit_digest(value).s));
	if (str_has(value, '@'))
		cli_str(c, "email_digest", str_c(audit_digest_email(value).s));
	return cli_done(c);
}

static int show_secret(struct cli *c)
{
	struct buf value;
	int rc = cli_read_secret(c, SEAL_TEXT_MAX, &value) ? show(c, buf_view(&value)) : c->rc;
	crypto_wipe_buf(&value);
	return rc;
}

int cli_digest(struct cli *c)
{
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 1) || !cli_audit_load(c))
		return c->rc;
	return c->argc > 0 ? show(c, str_c(c->argv[0])) : show_secret(c);
}

int cli_version(struct cli *c)
{
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	cli_str(c, "name", STR("account-linkd"));
	cli_str(c, "version", STR(LINKD_VERSION));
	cli_str(c, "libmicrohttpd", str_c(server_version()));
	cli_str(c, "libcurl", str_c(httpc_version()));
	cli_str(c, "openssl", str_c(crypto_version()));
	cli_str(c, "cjson", str_c(json_version()));
	cli_str(c, "sqlite", str_c(store_version()));
	return cli_done(c);
}
