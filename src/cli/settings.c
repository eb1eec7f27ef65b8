/* account-linkd check-config, print-config */
#include "app.h"
#include "cli/cli.h"

/* Print one item per line. */
static void list_lines(struct cli *c, const char *key, const struct buf *lines)
{
	struct str rest = buf_view(lines), line;
	cli_list(c, key);
	while (str_next(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		cli_item(c);
		cli_str(c, "text", line);
	}
	cli_list_end(c);
}

/* As text, the errors are already on `err`, and nothing is printed; in JSON they are in the result too. */
static int show_findings(struct cli *c, bool ok, const struct config_findings *found)
{
	if (!ok && !c->json)
		return c->rc;
	cli_str(c, "status", ok ? STR("ok") : STR("failed"));
	if (!ok)
		list_lines(c, "errors", &found->problems);
	list_lines(c, "warnings", &found->warnings);
	int rc = cli_done(c);
	return ok ? rc : c->rc;
}

int cli_check_config(struct cli *c)
{
	struct config *cfg = NULL;
	struct config_findings found;
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	config_findings_init(&found);
	bool ok = cli_config_found(c, CONFIG_SERVICE, &cfg, &found);
	int rc = show_findings(c, ok, &found);
	config_free(cfg);
	config_findings_done(&found);
	return rc;
}

static int finish(struct cli *c, struct buf *text)
{
	int rc = text->failed ? cli_fail(c, "out of memory") : cli_text(c, buf_view(text));
	buf_done(text);
	return rc;
}

/* Fill in the values that serve computes from the machine when a setting is automatic. */
static void compute_automatic(struct config *cfg)
{
	if (cfg->workers == 0)
		cfg->workers = app_cpus_count("");
	if (cfg->hash_threads == 0)
		cfg->hash_threads = app_cpus_count("");
}

int cli_print_config(struct cli *c)
{
	bool readme = false;
	const struct cli_option options[] = {{"--readme", NULL, &readme}, {NULL, NULL, NULL}};
	struct config *cfg;
	struct buf text;
	if (!cli_parse(c, options, 0))
		return c->rc;
	buf_init(&text, CLI_RESULT_MAX);
	if (readme) {
		config_readme(&text);
		return finish(c, &text);
	}
	if (!cli_config(c, CONFIG_EVERY, &cfg))
		return c->rc;
	compute_automatic(cfg);
	if (c->json)
		config_print_json(cfg, &text);
	else
		config_print(cfg, &text);
	config_free(cfg);
	return finish(c, &text);
}
