#include "config/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "config/private.h"

enum { FINDINGS_MAX = 1 << 20, TEXT_MAX = 1024 };

/* --- rows */

const struct config_row config_row_table[CONFIG_ROWS] = {
#define WORD(name, text) text,
#define SETTING(field, KEY, type, def, min, max, secret, help) \
	{#field, #KEY, def, help, min, max, offsetof(struct config, field), CONFIG_K_##type, secret, NULL},
#define CHOICE(field, KEY, def, words, help) \
	{#field,                             \
	 #KEY,                               \
	 def,                                \
	 help,                               \
	 0,                                  \
	 0,                                  \
	 offsetof(struct config, field),     \
	 CONFIG_K_CHOICE,                    \
	 false,                              \
	 (const char *const[]){words NULL}},
#include "config/settings.def"
};

/* Not listed: CONFIG_OTHERS. */
static const unsigned char scopes[CONFIG_ROWS] = {
        [CONFIG_ROW_STORE] = CONFIG_STORE,
        [CONFIG_ROW_STORE_IN_FLIGHT] = CONFIG_STORE,
        [CONFIG_ROW_PSID_LOOKUP] = CONFIG_STORE,
        [CONFIG_ROW_CODE_STYLE] = CONFIG_STORE,
        [CONFIG_ROW_ARGON2_MEMORY_KIB] = CONFIG_STORE,
        [CONFIG_ROW_ARGON2_PASSES] = CONFIG_STORE,
        [CONFIG_ROW_SEAL_KEY] = CONFIG_KEYS,
        [CONFIG_ROW_LISTEN] = CONFIG_LISTEN,
        [CONFIG_ROW_PUBLIC_URL] = CONFIG_FACEBOOK,
        [CONFIG_ROW_APP_SECRET] = CONFIG_FACEBOOK,
        [CONFIG_ROW_VERIFY_TOKEN] = CONFIG_FACEBOOK,
        [CONFIG_ROW_PAGE_IDS] = CONFIG_FACEBOOK,
        [CONFIG_ROW_PAGE_ACCESS_TOKEN] = CONFIG_FACEBOOK,
        [CONFIG_ROW_GRAPH_URL] = CONFIG_FACEBOOK,
        [CONFIG_ROW_GRAPH_VERSION] = CONFIG_FACEBOOK,
        [CONFIG_ROW_GRAPH_TIMEOUT_MS] = CONFIG_FACEBOOK,
        [CONFIG_ROW_REQUIRE_PSID_BINDING] = CONFIG_FACEBOOK,
        [CONFIG_ROW_LINK_CONFLICT] = CONFIG_FACEBOOK,
};

unsigned config_row_scope(int row)
{
	return scopes[row] == 0 ? CONFIG_OTHERS : scopes[row];
}

const struct config_row *config_row_by_key(struct str key)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		if (str_is(key, config_row_table[i].key))
			return &config_row_table[i];
	return NULL;
}

const struct config_row *config_row_by_field(struct str field)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		if (str_is(field, config_row_table[i].field))
			return &config_row_table[i];
	return NULL;
}

static void *member(struct config *c, const struct config_row *row)
{
	return (char *)c + row->offset;
}

char **config_row_text(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

struct strlist *config_row_list(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

int64_t *config_row_number(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

unsigned *config_row_choice(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

/* --- lists */

bool config_list_add(struct strlist *l, struct str item)
{
	char **v = realloc(l->v, (l->n + 1) * sizeof *v);
	if (v == NULL)
		return false;
	l->v = v;
	char *copy = strndup(item.n > 0 ? item.p : "", item.n);
	if (copy == NULL)
		return false;
	v[l->n++] = copy;
	return true;
}

void config_list_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		crypto_wipe(l->v[i], strlen(l->v[i]));
		free(l->v[i]);
	}
	free(l->v);
	*l = (struct strlist){0, NULL};
}

/* --- the report */

void config_report_problem(struct config_report *r, int row, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	if (row >= 0 && r->checking && r->failed[row])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->n++;
	if (row >= 0) {
		r->failed[row] |= !r->checking;
		buf_printf(r->problems, "LINKD_%s", config_row_table[row].key);
		if (r->raw != NULL && r->raw[row].from != NULL)
			buf_printf(r->problems, " (%s)", r->raw[row].from);
		buf_z(r->problems, ": ");
	}
	buf_printf(r->problems, "%s\n", text);
}

void config_report_warning(struct config_report *r, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!config_list_add(r->warnings, str_c(text)))
		r->nomem = true;
}

struct config_quoted config_report_quote(struct str text)
{
	enum { SHOWN = 30, SHOWN_PLAIN = 90 }; /* bytes; an escape takes at most 6 for one */
	struct config_quoted q;
	struct buf out;
	buf_over(&out, q.s, sizeof q.s);
	bool all = text.n <= SHOWN_PLAIN && str_printable(text);
	size_t n = all ? text.n : text.n < SHOWN ? text.n : SHOWN;
	codec_json(&out, (struct str){text.p, n});
	if (n < text.n)
		buf_z(&out, "...");
	return q;
}

/* --- loading */

/* Every text is at least "". */
static struct config *new_config(void)
{
	struct config *c = calloc(1, sizeof *c);
	for (size_t i = 0; c != NULL && i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		if (row->kind != CONFIG_K_STR || (*config_row_text(c, row) = strdup("")) != NULL)
			continue;
		config_free(c);
		return NULL;
	}
	return c;
}

static enum err_code outcome(const struct config_report *r, struct err *reterr)
{
	if (r->nomem)
		return err_set(reterr, ERR_NOMEM, "no memory for the settings");
	if (r->n > 0)
		return err_set(reterr, ERR_INVALID, "%zu problem%s in the settings", r->n,
		               r->n == 1 ? "" : "s");
	return ERR_OK;
}

void config_findings_init(struct config_findings *f)
{
	buf_init(&f->problems, FINDINGS_MAX);
	buf_init(&f->warnings, FINDINGS_MAX);
}

void config_findings_done(struct config_findings *f)
{
	buf_done(&f->problems);
	buf_done(&f->warnings);
}

static void put_warnings(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->warnings.n; i++)
		buf_printf(out, "%s\n", c->warnings.v[i]);
}

enum err_code config_load(const struct config_from *from, struct config **ret, struct config_findings *found,
                          struct err *reterr)
{
	struct config_raw raw[CONFIG_ROWS] = {{NULL, NULL}};
	struct config *c = new_config();
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the settings");
	struct config_report r = {
	        .scope = from->scope, .problems = &found->problems, .warnings = &c->warnings};
	config_source_read(from->file, from->environ_, raw, &r);
	for (size_t i = 0; i < CONFIG_ROWS && !r.nomem; i++) {
		const char *text = raw[i].text;
		config_value_set(c, &config_row_table[i], text == NULL ? config_row_table[i].def : text, &r);
	}
	r.checking = true;
	if (!r.nomem)
		config_check(c, &r);
	if (!r.nomem && (r.scope & CONFIG_OTHERS) != 0)
		config_danger(c, &r);
	config_source_done(raw);
	put_warnings(c, &found->warnings);
	r.nomem |= found->warnings.failed;
	enum err_code code = outcome(&r, reterr);
	if (code == ERR_OK)
		*ret = c;
	else
		config_free(c);
	return code;
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		if (row->kind == CONFIG_K_LIST)
			config_list_free(config_row_list(c, row));
		if (row->kind != CONFIG_K_STR || *config_row_text(c, row) == NULL)
			continue;
		char *text = *config_row_text(c, row);
		crypto_wipe(text, strlen(text));
		free(text);
	}
	config_list_free(&c->warnings);
	free(c);
}
