/* config.h - the settings.  Each is one row of config/settings.def.
 *
 * Precedence  NAME in the environment, NAME_FILE, the settings file, the default.  NAME and NAME_FILE together
 *             are an error.
 * Threads     read-only after config_load; shared by all. */
#pragma once
#include "base/buf.h"

struct strlist {
	size_t n;
	char **v; /* n NUL-terminated items, trimmed, none empty */
};

/* enum config_<field> of each choice, such as enum config_code_style. */
#define WORD(name, text) name,
#define SETTING(field, KEY, type, def, min, max, secret, help)
#define CHOICE(field, KEY, def, words, help) enum config_##field{words};
#include "config/settings.def"

#define CONFIG_T_STR char *
#define CONFIG_T_INT int64_t
#define CONFIG_T_LIST struct strlist

struct config {
#define SETTING(field, KEY, type, def, min, max, secret, help) CONFIG_T_##type field; /* STR: never NULL */
#define CHOICE(field, KEY, def, words, help) enum config_##field field;
#include "config/settings.def"
	/* derived */
	bool public_https;       /* public_url is https */
	bool public_loopback;    /* public_url is http on a loopback host, or unset with loopback listeners */
	struct strlist warnings; /* sentences for the log at start */
};

/* Groups of settings.  A command reads and checks only its own groups.  All other settings keep their
 * defaults, and files that only these name are not opened. */
enum config_scope {
	CONFIG_STORE = 1,     /* the store, and how a new password is hashed */
	CONFIG_KEYS = 2,      /* LINKD_SEAL_KEY */
	CONFIG_LISTEN = 4,    /* LINKD_LISTEN */
	CONFIG_OTHERS = 8,    /* every other setting */
	CONFIG_REQUIRED = 16, /* not a group: the settings that the service requires must be set */
	CONFIG_FACEBOOK = 32, /* the app, its pages, Graph, and the address that Facebook calls */
	CONFIG_EVERY = CONFIG_STORE | CONFIG_KEYS | CONFIG_LISTEN | CONFIG_FACEBOOK | CONFIG_OTHERS,
	CONFIG_SERVICE = CONFIG_EVERY | CONFIG_REQUIRED,
};

struct config_from {
	const char *file;      /* NULL: none */
	char *const *environ_; /* NULL-ended "NAME=value" */
	unsigned scope;        /* of enum config_scope */
};

/* One line for each problem (nothing is then loaded) and each warning, with the setting and the remedy. */
struct config_findings {
	struct buf problems;
	struct buf warnings; /* also in `warnings` of the loaded settings */
};
void config_findings_init(struct config_findings *f);
void config_findings_done(struct config_findings *f);

/* Errors  ERR_INVALID: `found` then names every problem.  ERR_NOMEM. */
MUST_CHECK enum err_code config_load(const struct config_from *from, struct config **ret,
                                     struct config_findings *found, struct err *reterr);
void config_free(struct config *c); /* wipes secrets; NULL is a no-op */

/* "key: value" lines, secrets as "********" or "". */
void config_print(const struct config *c, struct buf *out);
void config_print_json(const struct config *c, struct buf *out);
void config_readme(struct buf *out); /* the text of config/README.md */

/* --- the environment */

/* Copy the environment of the process and remove the secrets from the original.  The kernel shows the initial
 * environment of a program (/proc/PID/environ), and child processes inherit it.  So the secret strings among the
 * originals are overwritten, and `environ`, which libraries read, becomes the copy without LINKD_ variables.
 * These are secret: AWS's secret variables, and every LINKD_ variable (also one with a misspelt name) except
 * _FILE paths and settings that are not secret.
 * Return   *ret: all variables as NULL-ended "NAME=value"; valid until the process ends.
 * Errors   ERR_NOMEM: nothing was changed.
 * Threads  called once, before any thread is started. */
MUST_CHECK enum err_code config_env_take(char *const **ret, struct err *reterr);

/* --- addresses in settings: listeners, URLs, proxies.  RFC 3986 section 3.2.2 for hosts. */

enum { CONFIG_HOST_MAX = 253 }; /* bytes of a host name */

/* "host:port" or "[v6]:port", the port 0..65535 in decimal digits.  `host` (cap bytes) is NUL-terminated and
 * without brackets.  False, outputs untouched or empty, for anything else. */
bool config_host_port(const char *text, char *host, size_t cap, uint16_t *ret_port);

/* Item i of a list of listeners is [::]:port and serves IPv4 too: no IPv4 item of the list has that port. */
bool config_listens_on_both(const struct strlist *l, size_t i);

/* The host of "host", "host:port", "[v6]" or "[v6]:port", as a Host header has it. */
bool config_host_of(const char *text, char *host, size_t cap);

bool config_host_valid(struct str host);        /* a DNS name or an IPv4 address; no brackets, no port */
bool config_host_is_loopback(const char *host); /* localhost, 127.0.0.0/8, ::1; without brackets */

/* "http://host[:port]" or "https://...", lower case, nothing after, no port that is the scheme's own: what a
 * browser sends as Origin. */
struct config_origin {
	bool https;
	char host[CONFIG_HOST_MAX + 1]; /* IPv6 without brackets */
	uint16_t port;                  /* the scheme's own when not written */
};
bool config_origin_parse(const char *text, struct config_origin *ret);

bool config_cidr_valid(const char *text); /* an address, or address/bits */

/* The range has the addresses of more than one operator: IPv4 wider than /8, or IPv6 wider than /20 except
 * private addresses (fc00::/7). */
bool config_cidr_wide(const char *text);

/* Every interface (0.0.0.0, ::), a name other than localhost, or an address that is neither loopback, private
 * nor link-local. */
bool config_host_is_public(const char *host);

/* Is the address (text form) one of the list's addresses or in one of its ranges?  IPv4 and its IPv6-mapped
 * form are the same address.  False for what is not an address. */
bool config_addr_in_list(const char *addr, const struct strlist *cidrs);

/* Is the page one of LINKD_PAGE_IDS?  Each page is if that list is empty. */
bool config_page_is_ours(const struct strlist *page_ids, struct str page_id);

/* An item of LINKD_PAGE_ACCESS_TOKEN, "token" or "page=token".  *ret_page is empty when the item names none.
 * Ownership  the results point into the item. */
void config_page_token(const char *item, struct str *ret_page, struct str *ret_token);

/* --- items of LINKD_ADMIN_TOKEN: "token", "name=token" or "name:read=token" */

enum {
	CONFIG_TOKENS_MAX = 8,
	CONFIG_TOKEN_MIN = 16,      /* characters of a token */
	CONFIG_TOKEN_NAME_MAX = 32, /* characters of a name */
};

struct config_token {
	struct str name;  /* empty: the item has none */
	struct str token; /* secret */
	bool read_only;   /* for GET and HEAD only */
};

/* Split at the first '='.  An item that has '=' only at its end is a base64 token without a name.
 * Returns NULL, or a clause that says what is wrong, without the token. */
const char *config_token_parse(struct str item, struct config_token *ret);
