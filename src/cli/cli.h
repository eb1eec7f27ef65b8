/* cli.h - what the subcommands share: options, reading settings, results, exit codes.
 *
 * A command is `int cli_NAME(struct cli *c)`: parse its options, do its work, report.
 *
 *	const char *id = NULL;
 *	const struct cli_option options[] = {{"--id", &id, NULL}, {0}};
 *	if (!cli_parse(c, options, 0))               // also takes --config FILE, --json, --help
 *		return c->rc;
 *	if (id == NULL)
 *		return cli_usage(c, "--id is needed");
 *	...
 *	cli_str(c, "customer_id", str_c(id));        // "customer_id: ..." or a member of the one JSON object
 *	return cli_done(c);
 *
 * Results go to `out` when cli_done is called, all or nothing; complaints go to `err` at once. */
#pragma once
#include <stdio.h>

#include "base/buf.h"
#include "config/config.h"

enum {
	CLI_OK = 0,
	CLI_FAILED = 1, /* the reason is on `err` */
	CLI_USAGE = 2,
};

enum { CLI_RESULT_MAX = 1 << 20 }; /* bytes of one command's output */

struct cli_command; /* below */

struct cli {
	int argc; /* words not consumed yet, the command's name gone */
	char **argv;
	char *const *environ_; /* NULL-ended "NAME=value" */
	FILE *in, *out, *err;
	const char *config_file; /* --config FILE; NULL for none */
	bool json;               /* --json */
	int rc;                  /* what to return when cli_parse or cli_config said false */
	/* cli.c's own */
	char prefix[64];                   /* words before the command: "account-linkd customer" */
	const struct cli_command *command; /* the row being run */
	struct buf result;
	size_t members;   /* in the object being written */
	const char *list; /* key of the open list; NULL: none */
	size_t items;     /* in the open list */
};

/* A row of a table of commands or of a command's verbs.  The table ends with a row whose name is NULL. */
struct cli_command {
	const char *name;
	const char *args;    /* usage after the name: "--id ID --email E --password-stdin" */
	const char *summary; /* one line for help */
	int (*run)(struct cli *c);
};

/* One option.  Exactly one of value and flag is set; the list ends with {0}. */
struct cli_option {
	const char *name;   /* "--id" */
	const char **value; /* takes the next word or what follows '=' */
	bool *flag;
};

/* Run the row the first word names, with that word gone.  No word or an unknown one: usage.  Options before
 * it are understood when they are common (--config, --json, --help).  Returns the exit code. */
int cli_dispatch(struct cli *c, const struct cli_command *table);

/* Take the options; what is left in argc and argv must be at most max_args plain words.  An unknown option, a
 * missing value or an option given twice is a usage error, already shown.  False: return c->rc. */
MUST_CHECK bool cli_parse(struct cli *c, const struct cli_option *options, int max_args);

/* Say why on `err`; the result is the exit code to return. */
int cli_usage(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
int cli_fail(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Load the settings of `scope` (enum config_scope); every problem is shown on `err`.  False: return c->rc.
 * Ownership  config_free. */
MUST_CHECK bool cli_config(struct cli *c, unsigned scope, struct config **ret);
/* The same; also returns the findings, for a command that shows them. */
MUST_CHECK bool cli_config_found(struct cli *c, unsigned scope, struct config **ret,
                                 struct config_findings *found);

/* A secret from `in`: all of it to the end, one final newline dropped, at most max bytes, no NUL, not empty.
 * False: return c->rc.  Ownership  the caller wipes (crypto_wipe) and frees (buf_done) `ret` in any case. */
MUST_CHECK bool cli_read_secret(struct cli *c, size_t max, struct buf *ret);

/* Results, in order.  Controls in a text value are escaped in both forms. */
void cli_str(struct cli *c, const char *key, struct str value);
void cli_int(struct cli *c, const char *key, int64_t value);
void cli_bool(struct cli *c, const char *key, bool value); /* yes|no, or true|false in JSON */

/* A list of objects: cli_list, then per object cli_item and its members, then cli_list_end.  As lines the
 * keys are numbered from 1: "links.1.psid: ..."; in JSON it is an array, also when empty. */
void cli_list(struct cli *c, const char *key);
void cli_item(struct cli *c);
void cli_list_end(struct cli *c);

/* Write text as it is, instead of results.  The exit code. */
int cli_text(struct cli *c, struct str text);

/* Write what was gathered.  The exit code: CLI_FAILED when it did not fit or `out` refused it. */
int cli_done(struct cli *c);

/* The table of subcommands (commands.c), and the commands, one file each. */
int cli_main(struct cli *c); /* returns the exit code */
int cli_serve(struct cli *c);
int cli_check_config(struct cli *c);
int cli_print_config(struct cli *c);
int cli_customer(struct cli *c);
int cli_link(struct cli *c);
int cli_digest(struct cli *c);
int cli_create_table(struct cli *c);
int cli_doctor(struct cli *c);
int cli_healthcheck(struct cli *c);
int cli_version(struct cli *c);
int cli_help(struct cli *c);
