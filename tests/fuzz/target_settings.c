/* The settings file.  Input: the file.  What is taken must be within the bounds of its row, and is the same
 * when it comes from the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/config.h"
#include "config/private.h"
#include "fuzz.h"

enum { VALUE_MAX = 8192 };
static const char secret[] = "CanaryOfTheFuzz";

static void check_text(const struct config_row *row, const char *text)
{
	size_t n = strlen(text);
	FUZZ_MUST(n >= (row->kind == CONFIG_K_LIST ? 1 : (size_t)row->min) && n <= (size_t)row->max);
	FUZZ_MUST(str_utf8(str_c(text)));
	for (size_t i = 0; i < n; i++)
		FUZZ_MUST((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_row(struct config *c, const struct config_row *row)
{
	const char *const *words = row->words;
	if (row->kind == CONFIG_K_STR) {
		check_text(row, *config_row_text(c, row));
	} else if (row->kind == CONFIG_K_LIST) {
		struct strlist *l = config_row_list(c, row);
		for (size_t i = 0; i < l->n; i++) {
			check_text(row, l->v[i]);
			FUZZ_MUST(str_eq(str_trim(str_c(l->v[i])), str_c(l->v[i])) &&
			          strchr(l->v[i], ',') == NULL);
		}
	} else if (words == NULL) {
		FUZZ_MUST(*config_row_number(c, row) >= row->min && *config_row_number(c, row) <= row->max);
	} else {
		unsigned count = 0;
		while (words[count] != NULL)
			count++;
		FUZZ_MUST(*config_row_choice(c, row) < count);
	}
}

/* "LINKD_X=value" of one row. */
static char *variable(struct config *c, const struct config_row *row)
{
	struct buf out;
	size_t n;
	buf_init(&out, VALUE_MAX);
	buf_printf(&out, "LINKD_%s=", row->key);
	if (row->kind == CONFIG_K_STR)
		buf_z(&out, *config_row_text(c, row));
	else if (row->kind == CONFIG_K_LIST)
		for (size_t i = 0; i < config_row_list(c, row)->n; i++)
			buf_printf(&out, "%s%s", i > 0 ? "," : "", config_row_list(c, row)->v[i]);
	else if (row->kind == CONFIG_K_INT)
		buf_printf(&out, "%lld", (long long)*config_row_number(c, row));
	else
		buf_z(&out, row->words[*config_row_choice(c, row)]);
	char *text = buf_take(&out, &n);
	FUZZ_MUST(text != NULL);
	return text;
}

static void check_same(struct config *a, struct config *b)
{
	FUZZ_MUST(a->public_https == b->public_https && a->public_loopback == b->public_loopback);
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		char *x = variable(a, &config_row_table[i]), *y = variable(b, &config_row_table[i]);
		FUZZ_MUST(strcmp(x, y) == 0);
		free(x);
		free(y);
	}
}

static void check_environment(struct config *c)
{
	char *environ_[CONFIG_ROWS + 1] = {NULL};
	struct config_from from = {.environ_ = environ_, .scope = CONFIG_SERVICE};
	struct config *again = NULL;
	struct config_findings found;
	config_findings_init(&found);
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		environ_[i] = variable(c, &config_row_table[i]);
	FUZZ_MUST(config_load(&from, &again, &found, NULL) == ERR_OK);
	check_same(c, again);
	config_free(again);
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		free(environ_[i]);
	config_findings_done(&found);
}

/* print-config: JSON with every setting, no secret in it. */
static void check_printed(struct config *c)
{
	const struct json_limits limits = {8, 100000};
	struct buf text, lines;
	struct json *j;
	buf_init(&text, 1 << 20);
	buf_init(&lines, 1 << 20);
	config_print_json(c, &text);
	config_print(c, &lines);
	FUZZ_MUST(!text.failed && !lines.failed);
	FUZZ_MUST(!fuzz_holds(buf_view(&text), str_c(secret)) &&
	          !fuzz_holds(buf_view(&lines), str_c(secret)));
	FUZZ_MUST(json_parse(str_trim(buf_view(&text)), &limits, &j, NULL) == ERR_OK);
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		FUZZ_MUST(json_get(j, config_row_table[i].field) != NULL);
	json_free(j);
	buf_done(&text);
	buf_done(&lines);
}

static void check_problems(const struct buf *problems)
{
	FUZZ_MUST(problems->len > 0 && problems->p[problems->len - 1] == '\n');
	FUZZ_MUST(!fuzz_holds(buf_view(problems), str_c(secret)));
}

/* The input and a last line with the secret. */
static int whole_file(struct str text)
{
	struct buf out;
	buf_init(&out, text.n + 128);
	buf_str(&out, text);
	buf_printf(&out, "\napp_secret = %s0123456789", secret);
	int fd = fuzz_file(0, buf_view(&out));
	buf_done(&out);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	static char token[64], path[64];
	char *environ_[] = {n % 2 ? token : NULL, NULL};
	struct config_from from = {.file = path, .environ_ = environ_, .scope = CONFIG_SERVICE};
	struct config *c = NULL;
	struct config_findings found;
	struct err err = {.code = ERR_OK};
	if (fuzz_holds(text, STR("Canary")))
		return 0;
	if (n == 0) /* this one is good */
		text = STR("listen = 127.0.0.1:0");
	(void)snprintf(token, sizeof token, "LINKD_ADMIN_TOKEN=%s%s", secret, n % 16 == 1 ? "" : "123456");
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", whole_file(text));
	config_findings_init(&found);
	enum err_code code = config_load(&from, &c, &found, &err);
	FUZZ_MUST(code == ERR_OK || (code == ERR_INVALID && err.code == code && n > 0));
	if (code == ERR_OK) {
		FUZZ_MUST(found.problems.len == 0 && c->app_secret.n == 1);
		for (size_t i = 0; i < CONFIG_ROWS; i++)
			check_row(c, &config_row_table[i]);
		check_printed(c);
		check_environment(c);
	} else {
		check_problems(&found.problems);
	}
	config_free(c);
	config_findings_done(&found);
	return 0;
}
