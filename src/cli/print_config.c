#include "app_cpus.h"
#include "cli/cli.h"

static int finish(struct cli *c, struct buf *text)
{
	int rc = text->failed ? cli_fail(c, "out of memory") : cli_text(c, buf_view(text));
	buf_done(text);
	return rc;
}

/* Fill in the values that serve computes from the machine when a setting is automatic. */
static void compute(struct config *cfg)
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
	compute(cfg);
	if (c->json)
		config_print_json(cfg, &text);
	else
		config_print(cfg, &text);
	config_free(cfg);
	return finish(c, &text);
}
