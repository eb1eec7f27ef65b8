#include <string.h>

#include "cli/cli.h"

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
