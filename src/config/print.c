#include "base/codec.h"
#include "config/config.h"
#include "config/row.h"

static const char mask[] = "********";

static bool is_set(struct config *c, const struct config_row *row)
{
	return row->kind == CONFIG_K_LIST ? config_row_list(c, row)->n > 0
	                                  : (*config_row_text(c, row))[0] != '\0';
}

static void put_list(struct buf *out, const struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ",", l->v[i]);
}

static void put_plain(struct buf *out, struct config *c, const struct config_row *row)
{
	if (row->secret)
		buf_z(out, is_set(c, row) ? mask : "");
	else if (row->kind == CONFIG_K_STR)
		buf_z(out, *config_row_text(c, row));
	else if (row->kind == CONFIG_K_LIST)
		put_list(out, config_row_list(c, row));
	else if (row->kind == CONFIG_K_INT)
		buf_printf(out, "%lld", (long long)*config_row_number(c, row));
	else
		buf_z(out, config_row_words(row->kind)[*config_row_number(c, row)]);
}

/* The getters want a `struct config *`; nothing is written through it. */
static struct config *readable(const struct config *c)
{
	return (struct config *)(uintptr_t)c;
}

void config_print(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		buf_printf(out, "%s: ", config_row_table[i].field);
		put_plain(out, readable(c), &config_row_table[i]);
		buf_z(out, "\n");
	}
}

static void put_json_list(struct buf *out, const struct strlist *l)
{
	buf_z(out, "[");
	for (size_t i = 0; i < l->n; i++) {
		buf_z(out, i == 0 ? "" : ",");
		codec_json(out, str_c(l->v[i]));
	}
	buf_z(out, "]");
}

static void put_json(struct buf *out, struct config *c, const struct config_row *row)
{
	struct buf text;
	if (row->kind == CONFIG_K_LIST && !row->secret) {
		put_json_list(out, config_row_list(c, row));
		return;
	}
	if (row->kind == CONFIG_K_INT) {
		put_plain(out, c, row);
		return;
	}
	if (row->kind == CONFIG_K_BOOL) {
		buf_z(out, *config_row_number(c, row) != 0 ? "true" : "false");
		return;
	}
	buf_init(&text, out->max);
	put_plain(&text, c, row);
	codec_json(out, buf_view(&text));
	out->failed |= text.failed;
	buf_done(&text);
}

void config_print_json(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		buf_printf(out, "%s\"%s\":", i == 0 ? "{" : ",", config_row_table[i].field);
		put_json(out, readable(c), &config_row_table[i]);
	}
	buf_z(out, "}\n");
}
