/* cli.h - the commands, and what they share: options, settings, results, exit codes, audit lines, the store.
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
 * cli_done writes the results to `out`, all or nothing.  Errors go to `err` at once. */
#pragma once
#include <stdio.h>

#include "base/buf.h"
#include "config/config.h"
#include "obs/audit.h"
#include "store/store.h"

enum {
	CLI_OK = 0,
	CLI_FAILED = 1, /* the reason is on `err` */
	CLI_USAGE = 2,
};

enum { CLI_RESULT_MAX = 1 << 20 }; /* bytes of one command's output */

struct cli_command; /* below */

struct cli {
	int argc; /* words not read yet, without the command's name */
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
	const char *summary; /* one line for help; further lines are for its own --help only */
	int (*run)(struct cli *c);
};

/* One option.  Exactly one of value and flag is set; the list ends with {0}. */
struct cli_option {
	const char *name;   /* "--id" */
	const char **value; /* takes the next word or what follows '=' */
	bool *flag;
};

/* Remove the first word and run the row that it names.  A missing or unknown word is a usage error.  The common
 * options (--config, --json, --help) may come before it.  Returns the exit code. */
int cli_dispatch(struct cli *c, const struct cli_command *table);

/* Read the options.  At most max_args plain words may be left in argc and argv.  An unknown option, a missing
 * value or an option given twice is a usage error, which is then on `err`.  False: return c->rc. */
MUST_CHECK bool cli_parse(struct cli *c, const struct cli_option *options, int max_args);

/* Write the reason to `err`; the result is the exit code to return. */
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

/* Write the results.  The exit code: CLI_FAILED when it did not fit or `out` refused it. */
int cli_done(struct cli *c);

/* --- audit lines of commands, as text on standard error */

/* Before a command changes anything: load the key of the digests, or make its file where the service would.
 * Without a key digests are "-".  False: the error is on `err`; return c->rc. */
MUST_CHECK bool cli_audit_start(struct cli *c);
/* The same for a command that only prints digests: the key must exist; none is made. */
MUST_CHECK bool cli_audit_load(struct cli *c);

enum { CLI_AUDIT_ACTOR_MAX = 64 };
void cli_audit_actor(char ret[CLI_AUDIT_ACTOR_MAX]); /* the user of this session, else "uid N" */
void cli_audit(struct audit a);                      /* write `a` with way and actor filled in */

/* --- store operations: each runs to its end, on a loop of its own */

struct cli_store {
	struct config *cfg;
	struct store *store;
};

/* Load the settings and open their store, which must exist: a mistyped path must not become a new, empty
 * database.  False: the reason is on `err`; return c->rc.
 * Ownership  cli_store_close in any case. */
MUST_CHECK bool cli_store_open(struct cli *c, struct cli_store *ret);
/* The same, but a database file that does not exist is made. */
MUST_CHECK bool cli_store_open_or_make(struct cli *c, struct cli_store *ret);
/* Does the database file of `cfg` exist?  ERR_OK also for a store that is not a file.
 * Errors  ERR_STORE: it does not exist; with the remedy. */
MUST_CHECK enum err_code cli_store_exists(const struct config *cfg, struct err *reterr);
void cli_store_close(struct cli_store *s);

/* Call `start` on a loop of its own, with the store attached, and run the loop until loop_stop.
 * Errors  those of start; ERR_NOMEM, ERR_STORE: nothing was started. */
typedef enum err_code cli_store_start_fn(void *arg, struct store_port *port, struct err *reterr);
MUST_CHECK enum err_code cli_store_on_loop(struct cli_store *s, cli_store_start_fn *start, void *arg,
                                           struct err *reterr);

/* A new operation.  cli_store_run takes NULL as out of memory. */
struct store_op *cli_store_op(enum store_kind kind);

/* Run `op` and free it.  False: it did not complete; the reason is on `err`; return c->rc.
 * Ownership  cli_store_drop(ret); after false it holds nothing. */
MUST_CHECK bool cli_store_run(struct cli *c, struct cli_store *s, struct store_op *op, struct store_out *ret);
/* The same without a message on `err`. */
MUST_CHECK enum err_code cli_store_try(struct cli_store *s, struct store_op *op, struct store_out *ret,
                                       struct err *reterr);
void cli_store_drop(struct store_out *out); /* wipes */

/* Copy an argument into a field of an operation.  False: it is empty or too long; the
 * reason is on `err`; return c->rc. */
MUST_CHECK bool cli_store_take(struct cli *c, const char *option, const char *value, char *ret, size_t cap);

/* After a removal: a note on `err` that Facebook still has the link. */
void cli_store_note_unlinked(struct cli *c);
/* psid, page_id and linked_at as results. */
void cli_store_show_link(struct cli *c, const struct store_link *l);

/* --- the commands */

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
