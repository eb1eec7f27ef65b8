/* The table of commands, and the small ones: serve, check-config, print-config, digest, version, help. */
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
        {"doctor", "[--token T]",
         "Look at the store and at Facebook; say what to do.\n\n"
         "Explain one linking attempt, from the address that the Log In button opened (for 5 minutes;\n"
         "then Facebook forgets the token):\n"
         "  account-linkd doctor --token 'https://link.example.com/link?account_linking_token=AR...'",
         cli_doctor},
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

/* --- check-config, print-config */

/* Print one item per line. */
static void list_lines(struct cli *c, const char *key, const struct buf *lines)
{
	struct str rest = buf_view(lines), line;
	cli_list(c, key);
	while (str_next(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		cli_item(c);
		cli_str(c, "text", line);
	}
	cli_list_end(c);
}

/* As text, the errors are already on `err`, and nothing is printed; in JSON they are in the result too. */
static int show_findings(struct cli *c, bool ok, const struct config_findings *found)
{
	if (!ok && !c->json)
		return c->rc;
	cli_str(c, "status", ok ? STR("ok") : STR("failed"));
	if (!ok)
		list_lines(c, "errors", &found->problems);
	list_lines(c, "warnings", &found->warnings);
	int rc = cli_done(c);
	return ok ? rc : c->rc;
}

int cli_check_config(struct cli *c)
{
	struct config *cfg = NULL;
	struct config_findings found;
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	config_findings_init(&found);
	bool ok = cli_config_found(c, CONFIG_SERVICE, &cfg, &found);
	int rc = show_findings(c, ok, &found);
	config_free(cfg);
	config_findings_done(&found);
	return rc;
}

static int end_text(struct cli *c, struct buf *text)
{
	int rc = text->failed ? cli_fail(c, "out of memory") : cli_text(c, buf_view(text));
	buf_done(text);
	return rc;
}

/* Fill in the values that serve computes from the machine when a setting is automatic. */
static void compute_automatic(struct config *cfg)
{
	if (cfg->workers == 0)
		cfg->workers = app_cpus_count("");
	if (cfg->hash_threads == 0)
		cfg->hash_threads = app_cpus_count("");
}

int cli_print_config(struct cli *c)
{
	bool readme = false;
	const struct cli_option options[] = {{"--readme", NULL, &readme}, {NULL, NULL, NULL}};
	struct config *cfg;
	struct buf text;
	if (!cli_parse(c, options, 0))
		return c->rc;
	buf_init(&text, CLI_RESULT_MAX);
	if (readme) {
		config_readme(&text);
		return end_text(c, &text);
	}
	if (!cli_config(c, CONFIG_EVERY, &cfg))
		return c->rc;
	compute_automatic(cfg);
	if (c->json)
		config_print_json(cfg, &text);
	else
		config_print(cfg, &text);
	config_free(cfg);
	return end_text(c, &text);
}

/* --- digest, version */

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
