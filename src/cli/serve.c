#include "app.h"
#include "app_signals.h"
#include "cli/cli.h"

int cli_serve(struct cli *c)
{
	struct config *cfg;
	struct err e;
	app_signals_block(); /* also while the settings are read */
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	if (c->json)
		return cli_usage(c, "serve has no --json; LINKD_LOG_FORMAT decides how the log looks");
	if (!cli_config(c, CONFIG_SERVICE, &cfg))
		return c->rc;
	enum err_code code = app_serve(cfg, &e);
	config_free(cfg);
	return code == ERR_OK ? CLI_OK : cli_fail(c, "%s", e.msg);
}
