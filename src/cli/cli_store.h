/* cli_store.h - store operations for commands: each run to its end, on a loop of its own. */
#pragma once
#include "cli/cli.h"
#include "store/store.h"

struct cli_store {
	struct config *cfg;
	struct store *store;
};

/* Settings and the store they name, which must exist: a mistyped path must not become a new, empty database.
 * False: said on `err`, return c->rc.
 * Ownership  cli_store_close in any case. */
MUST_CHECK bool cli_store_open(struct cli *c, struct cli_store *ret);
/* The same, but a database file that does not exist is made. */
MUST_CHECK bool cli_store_open_or_make(struct cli *c, struct cli_store *ret);
/* ERR_STORE with the remedy: `cfg` names a database file that does not exist.  ERR_OK: it does, or the store
 * is not a file. */
MUST_CHECK enum err_code cli_store_exists(const struct config *cfg, struct err *reterr);
void cli_store_close(struct cli_store *s);

/* Run what `start` begins, on a loop of its own to which the store is attached, until loop_stop.
 * Errors  those of start; ERR_NOMEM, ERR_STORE: nothing was started. */
typedef enum err_code cli_store_start_fn(void *arg, struct store_port *port, struct err *reterr);
MUST_CHECK enum err_code cli_store_on_loop(struct cli_store *s, cli_store_start_fn *start, void *arg,
                                           struct err *reterr);

/* A fresh operation; NULL is taken by cli_store_run as out of memory. */
struct store_op *cli_store_op(enum store_kind kind);

/* Run `op`, which is then gone.  False: it did not settle, said on `err`, return c->rc.
 * Ownership  cli_store_drop(ret); after false it holds nothing. */
MUST_CHECK bool cli_store_run(struct cli *c, struct cli_store *s, struct store_op *op, struct store_out *ret);
/* The same without a message on `err`. */
MUST_CHECK enum err_code cli_store_try(struct cli_store *s, struct store_op *op, struct store_out *ret,
                                       struct err *reterr);
void cli_store_drop(struct store_out *out); /* wipes */

/* Copy an argument into a field of an operation.  False: too long or empty, said on `err`, return c->rc. */
MUST_CHECK bool cli_store_take(struct cli *c, const char *option, const char *value, char *ret, size_t cap);

/* psid, page_id and linked_at as results. */
void cli_store_show_link(struct cli *c, const struct store_link *l);
