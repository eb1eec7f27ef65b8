#include "cli/cli.h"

int cli_check_config(struct cli *c)
{
	struct config *cfg;
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0) || !cli_config(c, &cfg))
		return c->rc;
	cli_str(c, "status", STR("ok"));
	cli_list(c, "warnings");
	for (size_t i = 0; i < cfg->warnings.n; i++) {
		cli_item(c);
		cli_str(c, "text", str_c(cfg->warnings.v[i]));
	}
	cli_list_end(c);
	config_free(cfg);
	return cli_done(c);
}
