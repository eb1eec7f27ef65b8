#include <string.h>

#include "base/codec.h"
#include "cli/cli.h"

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

/* Shown as it is: nothing that could move a terminal's cursor or forge a line. */
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
