/* config.h - settings: one row each in config/settings.def, read from the environment, NAME_FILE, an INI file,
 * defaults.
 *
 * Precedence  NAME in the environment, NAME_FILE, the file, the default; NAME and NAME_FILE together is an
 *             error.
 * Threads     read-only after config_load; shared by all. */
#pragma once
#include "base/buf.h"

struct strlist {
	size_t n;
	char **v; /* n NUL-terminated items, trimmed, none empty */
};

enum config_conflict { CONFLICT_REPLACE, CONFLICT_REFUSE };
enum config_sha1 { SHA1_ACCEPT, SHA1_UPGRADE, SHA1_REFUSE };
enum config_psid_lookup { PSID_LOOKUP_AUTO, PSID_LOOKUP_INDEX, PSID_LOOKUP_SCAN };
enum config_code_style { CODE_STYLE_SEALED, CODE_STYLE_RANDOM };
enum config_login { LOGIN_PASSWORD };

#define CONFIG_T_STR char *
#define CONFIG_T_INT int64_t
#define CONFIG_T_BOOL int64_t
#define CONFIG_T_LIST struct strlist
#define CONFIG_T_ENUM_CONFLICT int64_t
#define CONFIG_T_ENUM_SHA1 int64_t
#define CONFIG_T_ENUM_LOOKUP int64_t
#define CONFIG_T_ENUM_STYLE int64_t
#define CONFIG_T_ENUM_LOGIN int64_t
#define CONFIG_T_ENUM_LEVEL int64_t  /* enum log_level */
#define CONFIG_T_ENUM_FORMAT int64_t /* enum log_format */

struct config {
#define SETTING(field, KEY, type, def, min, max, secret, help) CONFIG_T_##type field; /* STR: never NULL */
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
	CONFIG_EVERY = CONFIG_STORE | CONFIG_KEYS | CONFIG_LISTEN | CONFIG_OTHERS,
	CONFIG_SERVICE = CONFIG_EVERY | CONFIG_REQUIRED,
};

struct config_from {
	const char *file;      /* NULL: none */
	char *const *environ_; /* NULL-ended "NAME=value" */
	unsigned scope;        /* of enum config_scope */
};

/* Errors (then nothing is loaded) and dangerous settings; one line each, with the setting and the remedy. */
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

void config_print(const struct config *c,
                  struct buf *out); /* "key: value" lines, secrets as "********" or "" */
void config_print_json(const struct config *c, struct buf *out);
void config_readme(struct buf *out); /* the text of config/README.md */
