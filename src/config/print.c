#include "base/codec.h"
#include "config/private.h"

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
		buf_z(out, row->words[*config_row_choice(c, row)]);
}

/* config_row_text and its like take a `struct config *`; this file writes nothing through it. */
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

/* --- config/README.md */

static const char intro[] =
        "# Settings\n"
        "\n"
        "`make readme` writes this page with `account-linkd print-config --readme`, from "
        "`src/config/settings.def`.\n"
        "\n"
        "## Where a setting comes from\n"
        "\n"
        "The first of these that has the setting:\n"
        "\n"
        "1. the environment variable, such as `LINKD_WORKERS`, also when it is empty;\n"
        "2. the file that the variable with `_FILE` at its end names, such as `LINKD_APP_SECRET_FILE`\n"
        "   (for mounted secrets; every setting takes it);\n"
        "3. the settings file given with `--config FILE` (none by default);\n"
        "4. the default.\n"
        "\n"
        "The variable with and without `_FILE` together are an error, because one of them would be ignored.\n"
        "White space and line ends around a value are removed. Quotes around a value are an error, because\n"
        "docker's `--env-file` and systemd's `LoadCredential=` keep them. Secrets are printable ASCII.\n"
        "\n"
        "A command reads only the settings it needs: `create-table`, `customer` and `link` those of the "
        "store,\n"
        "`doctor` also `LINKD_SEAL_KEY` and the settings of Facebook, `healthcheck` `LINKD_LISTEN`. `serve` "
        "and "
        "`check-config` need all "
        "that are required.\n"
        "`account-linkd check-config` names every problem at once and what to do about it;\n"
        "`account-linkd print-config` shows the values in use, with secrets masked. A variable that begins "
        "with `LINKD_`\n"
        "but is not a setting is a warning only, since Kubernetes makes some. An unknown key in the file is "
        "an error.\n"
        "\n"
        "## The settings file\n"
        "\n"
        "Lines of `key = value`. The key is the setting's name without `LINKD_`, in lower case. `[sections]` "
        "are\n"
        "allowed and have no meaning. A line that begins with `;` or `#` is a comment, and so is the rest of "
        "a "
        "line\n"
        "after ` ;`. Lists are comma separated; an indented line continues the list above it. "
        "If the file\n"
        "holds secrets, make it readable by the service's user only.\n"
        "\n"
        "```ini\n"
        "[public]\n"
        "listen = 0.0.0.0:8080\n"
        "public_url = https://link.example.com\n"
        "trusted_proxies = 10.0.0.0/8\n"
        "\n"
        "[facebook]\n"
        "; or name files: LINKD_APP_SECRET_FILE, LINKD_VERIFY_TOKEN_FILE\n"
        "app_secret = 00112233445566778899aabbccddeeff\n"
        "verify_token = choose-a-long-random-text\n"
        "\n"
        "[data]\n"
        "store = sqlite:/var/lib/account-linkd/account-linkd.db\n"
        "legacy_sha1 = refuse\n"
        "\n"
        "[pages]\n"
        "brand_name = Example Company\n"
        "privacy_url = https://example.com/privacy\n"
        "```\n"
        "\n"
        "Settings are read once, at start. How to change a secret while the service is in use, and what to "
        "do when one leaked:\n"
        "[deploy/](../deploy/README.md#secrets).\n"
        "\n"
        "## All settings\n"
        "\n"
        "| variable | key in the file | default | range | secret | meaning |\n"
        "|---|---|---|---|---|---|\n";

static void put_range(struct buf *out, const struct config_row *row)
{
	const char *const *words = row->words;
	if (row->kind == CONFIG_K_INT)
		buf_printf(out, "%lld to %lld", (long long)row->min, (long long)row->max);
	else if (words == NULL)
		buf_printf(out, "%s%lld bytes", row->min > 0 ? "1 to " : "at most ", (long long)row->max);
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		buf_printf(out, "%s`%s`", i == 0 ? "" : ", ", words[i]);
}

static void put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_printf(out, *text == '|' ? "\\%c" : "%c", *text);
}

void config_readme(struct buf *out)
{
	buf_z(out, intro);
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		const char *tick = row->def[0] == '\0' ? "" : "`";
		buf_printf(out, "| `LINKD_%s` | `%s` | %s%s%s | ", row->key, row->field, tick, row->def,
		           tick);
		put_range(out, row);
		buf_printf(out, " | %s | ", row->secret ? "yes" : "");
		put_cell(out, row->help);
		buf_z(out, " |\n");
	}
}
