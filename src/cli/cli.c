#include "cli/cli.h"

#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/codec.h"
#include "base/crypto.h"

#define NAME "account-linkd"

enum { OPTIONS_MAX = 32 };

static const char *args_of(const struct cli *c)
{
	return c->command == NULL ? "COMMAND ..." : c->command->args;
}

static void print_usage(struct cli *c, FILE *to)
{
	const char *name = c->command == NULL ? "" : c->command->name;
	(void)fprintf(to, "usage: " NAME "%s%s%s%s%s [--config FILE] [--json]\n", c->prefix,
	              name[0] ? " " : "", name, args_of(c)[0] ? " " : "", args_of(c));
}

static void complain(struct cli *c, const char *fmt, va_list ap)
{
	(void)fputs(NAME ": ", c->err);
	(void)vfprintf(c->err, fmt, ap);
	(void)fputc('\n', c->err);
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(c, fmt, ap);
	va_end(ap);
	print_usage(c, c->err);
	c->rc = CLI_USAGE;
	return CLI_USAGE;
}

int cli_fail(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(c, fmt, ap);
	va_end(ap);
	c->rc = CLI_FAILED;
	return CLI_FAILED;
}

/* --- options */

/* Drop the first n words. */
static void shift(struct cli *c, int n)
{
	c->argc -= n;
	c->argv += n;
}

/* Is the first word `name`, or `name=value`? */
static bool first_is(const struct cli *c, const char *name)
{
	size_t n = strlen(name);
	return strncmp(c->argv[0], name, n) == 0 && (c->argv[0][n] == '\0' || c->argv[0][n] == '=');
}

/* Read the option that is the first word.  False: c->rc. */
static bool take(struct cli *c, const struct cli_option *o, bool seen)
{
	const char *word = c->argv[0], *inner = strchr(word, '=');
	if (seen)
		return cli_usage(c, "%s is given twice", o->name) == CLI_OK;
	if (o->flag != NULL) {
		if (inner != NULL)
			return cli_usage(c, "%s takes no value", o->name) == CLI_OK;
		*o->flag = true;
		shift(c, 1);
		return true;
	}
	if (inner == NULL && c->argc < 2)
		return cli_usage(c, "%s needs a value", o->name) == CLI_OK;
	*o->value = inner != NULL ? inner + 1 : c->argv[1];
	shift(c, inner != NULL ? 1 : 2);
	return true;
}

static int find(const struct cli *c, const struct cli_option *options)
{
	for (int i = 0; i < OPTIONS_MAX && options[i].name != NULL; i++)
		if (first_is(c, options[i].name))
			return i;
	return -1;
}

/* Read the first word as an option of the command or a common one.  False: c->rc. */
static bool take_option(struct cli *c, const struct cli_option *options, bool seen[OPTIONS_MAX])
{
	const struct cli_option common[] = {
	        {"--config", &c->config_file, NULL}, {"--json", NULL, &c->json}, {NULL, NULL, NULL}};
	int i = find(c, options);
	if (i >= 0) {
		bool before = seen[i];
		seen[i] = true;
		return take(c, &options[i], before);
	}
	i = find(c, common);
	if (i < 0)
		return cli_usage(c, "there is no option %s here", c->argv[0]) == CLI_OK;
	return take(c, &common[i], i == 0 ? c->config_file != NULL : c->json);
}

static bool wants_help(const struct cli *c)
{
	return strcmp(c->argv[0], "--help") == 0 || strcmp(c->argv[0], "-h") == 0;
}

bool cli_parse(struct cli *c, const struct cli_option *options, int max_args)
{
	bool seen[OPTIONS_MAX] = {false}, plain_only = false;
	char **words = c->argv;
	int n = 0;
	while (c->argc > 0) {
		if (plain_only || c->argv[0][0] != '-' || c->argv[0][1] == '\0') {
			words[n++] = c->argv[0];
			shift(c, 1);
		} else if (strcmp(c->argv[0], "--") == 0) {
			plain_only = true;
			shift(c, 1);
		} else if (wants_help(c)) {
			print_usage(c, c->out);
			(void)fprintf(c->out, "\n%s\n", c->command == NULL ? "" : c->command->summary);
			c->rc = CLI_OK;
			return false;
		} else if (!take_option(c, options, seen)) {
			return false;
		}
	}
	c->argc = n;
	c->argv = words;
	if (n > max_args)
		return cli_usage(c, "%s is one word too many", words[max_args]) == CLI_OK;
	return true;
}

/* --- commands */

static int print_table(struct cli *c, const struct cli_command *table)
{
	print_usage(c, c->out);
	(void)fputs("\n", c->out);
	for (; table->name != NULL; table++)
		(void)fprintf(c->out, "  %-13s %-22s %.*s\n", table->name, table->args,
		              (int)strcspn(table->summary, "\n"), table->summary);
	return CLI_OK;
}

/* The next word is a verb of the command, so the command's name becomes part of the prefix. */
static void enter(struct cli *c)
{
	size_t n = strlen(c->prefix);
	if (c->command != NULL)
		(void)snprintf(c->prefix + n, sizeof c->prefix - n, " %s", c->command->name);
	c->command = NULL;
}

int cli_dispatch(struct cli *c, const struct cli_command *table)
{
	static const struct cli_option none[] = {{NULL, NULL, NULL}};
	bool seen[OPTIONS_MAX] = {false};
	enter(c);
	while (c->argc > 0 && c->argv[0][0] == '-') {
		if (wants_help(c))
			return print_table(c, table);
		if (!take_option(c, none, seen))
			return c->rc;
	}
	if (c->argc == 0)
		return cli_usage(c, "a command is missing; %s%s --help lists them", NAME, c->prefix);
	for (const struct cli_command *row = table; row->name != NULL; row++) {
		if (strcmp(row->name, c->argv[0]) != 0)
			continue;
		shift(c, 1);
		c->command = row;
		return row->run(c);
	}
	return cli_usage(c, "there is no command %s; %s%s --help lists them", c->argv[0], NAME, c->prefix);
}

/* --- inputs */

bool cli_config_found(struct cli *c, unsigned scope, struct config **ret, struct config_findings *found)
{
	struct config_from from = {.file = c->config_file, .environ_ = c->environ_, .scope = scope};
	struct err e;
	enum err_code code = config_load(&from, ret, found, &e);
	if (code != ERR_OK) {
		(void)fputs(found->problems.p == NULL ? "" : found->problems.p, c->err);
		(void)cli_fail(c, "%s%s", e.msg,
		               code == ERR_INVALID && c->config_file == NULL
		                       ? "; no settings file was named with --config FILE"
		                       : "");
	}
	return code == ERR_OK;
}

bool cli_config(struct cli *c, unsigned scope, struct config **ret)
{
	struct config_findings found;
	config_findings_init(&found);
	bool ok = cli_config_found(c, scope, ret, &found);
	config_findings_done(&found);
	return ok;
}

bool cli_read_secret(struct cli *c, size_t max, struct buf *ret)
{
	if (isatty(fileno(c->in)) == 1)
		(void)fputs("Type the secret (it shows), then Enter and Ctrl-D.\n", c->err);
	buf_init(ret, max + 2);          /* one newline, and one byte to see that it is too long */
	if (buf_reserve(ret, max + 2)) { /* all at once: no copy of a secret is left behind */
		(void)setvbuf(c->in, NULL, _IONBF, 0); /* nor in stdio's buffer */
		ret->len = fread(ret->p, 1, max + 2, c->in);
		ret->p[ret->len] = '\0';
	}
	if (ret->failed)
		return cli_fail(c, "out of memory") == CLI_OK;
	if (ferror(c->in))
		return cli_fail(c, "standard input cannot be read") == CLI_OK;
	if (ret->len > 0 && ret->p[ret->len - 1] == '\n')
		ret->p[--ret->len] = '\0';
	if (ret->len == 0)
		return cli_fail(c, "standard input is empty; a secret is expected there") == CLI_OK;
	if (ret->len > max)
		return cli_fail(c, "the secret on standard input is longer than %zu bytes", max) == CLI_OK;
	if (str_has(buf_view(ret), '\0'))
		return cli_fail(c, "the secret on standard input holds a NUL byte") == CLI_OK;
	return true;
}

/* --- results */

static struct buf *result(struct cli *c)
{
	if (c->result.max == 0)
		buf_init(&c->result, CLI_RESULT_MAX);
	return &c->result;
}

static void begin(struct cli *c, const char *key)
{
	struct buf *out = result(c);
	if (c->json)
		buf_printf(out, "%s\"%s\":", c->members > 0 ? "," : "", key);
	else if (c->list != NULL)
		buf_printf(out, "%s.%zu.%s: ", c->list, c->items, key);
	else
		buf_printf(out, "%s: ", key);
	c->members++;
}

static void end(struct cli *c)
{
	if (!c->json)
		buf_z(&c->result, "\n");
}

/* A value without control characters, which could move a terminal's cursor or forge a line, is printed as it is. */
static bool plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

void cli_str(struct cli *c, const char *key, struct str value)
{
	begin(c, key);
	if (c->json || !plain(value))
		codec_json(&c->result, value);
	else
		buf_str(&c->result, value);
	end(c);
}

void cli_int(struct cli *c, const char *key, int64_t value)
{
	begin(c, key);
	buf_printf(&c->result, "%lld", (long long)value);
	end(c);
}

void cli_bool(struct cli *c, const char *key, bool value)
{
	begin(c, key);
	if (c->json)
		buf_z(&c->result, value ? "true" : "false");
	else
		buf_z(&c->result, value ? "yes" : "no");
	end(c);
}

void cli_list(struct cli *c, const char *key)
{
	struct buf *out = result(c);
	if (c->json)
		buf_printf(out, "%s\"%s\":[", c->members > 0 ? "," : "", key);
	c->list = key;
	c->items = 0;
}

void cli_item(struct cli *c)
{
	if (c->json)
		buf_z(&c->result, c->items > 0 ? "},{" : "{");
	c->items++;
	c->members = 0;
}

void cli_list_end(struct cli *c)
{
	if (c->json)
		buf_z(&c->result, c->items > 0 ? "}]" : "]");
	c->list = NULL;
	c->members = 1; /* the list itself */
}

int cli_text(struct cli *c, struct str text)
{
	size_t done = text.n == 0 ? 0 : fwrite(text.p, 1, text.n, c->out);
	if (done != text.n || fflush(c->out) != 0)
		return cli_fail(c, "the result cannot be written to standard output");
	return CLI_OK;
}

int cli_done(struct cli *c)
{
	struct buf *r = result(c);
	int rc = CLI_OK;
	if (r->failed)
		rc = cli_fail(c, "the result is too large or memory ran out");
	if (rc == CLI_OK && c->json)
		rc = cli_text(c, STR("{"));
	if (rc == CLI_OK)
		rc = cli_text(c, buf_view(r));
	if (rc == CLI_OK && c->json)
		rc = cli_text(c, STR("}\n"));
	buf_done(r);
	return rc;
}

/* --- audit lines */

static bool load_key(struct cli *c, const struct config *cfg)
{
	struct app_keys keys;
	struct err err;
	enum err_code code = crypto_start(&err);
	if (code == ERR_OK)
		code = app_keys_load(cfg, &keys, &err);
	if (code == ERR_OK)
		code = app_keys_audit(&keys, &err);
	app_keys_wipe(&keys);
	if (code != ERR_OK)
		c->rc = cli_fail(c, "%s", err.msg);
	return code == ERR_OK;
}

bool cli_audit_start(struct cli *c)
{
	struct config *cfg;
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return false;
	bool ok = load_key(c, cfg);
	config_free(cfg);
	return ok;
}

static bool key_is_there(struct cli *c, const struct config *cfg)
{
	const char *file = store_file(cfg);
	if (cfg->seal_key.n > 0 || (file != NULL && keyfile_exists(file)))
		return true;
	c->rc = file == NULL
	                ? cli_fail(c, "LINKD_SEAL_KEY is not set: the digests in the log are made with it")
	                : cli_fail(c,
	                           "this user sees no key file %s.key: the service makes it at its first "
	                           "start, so LINKD_STORE may name another database",
	                           file);
	return false;
}

bool cli_audit_load(struct cli *c)
{
	struct config *cfg;
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return false;
	bool ok = key_is_there(c, cfg) && load_key(c, cfg);
	config_free(cfg);
	return ok;
}

void cli_audit_actor(char ret[CLI_AUDIT_ACTOR_MAX])
{
	if (getlogin_r(ret, CLI_AUDIT_ACTOR_MAX) != 0) /* no login session: a container, a timer */
		(void)snprintf(ret, CLI_AUDIT_ACTOR_MAX, "uid %u", (unsigned)getuid());
}

void cli_audit(struct audit a)
{
	char actor[CLI_AUDIT_ACTOR_MAX];
	cli_audit_actor(actor);
	a.way = "cli";
	a.actor = actor;
	audit_line(&a);
}
