#include "cli/cli.h"
#include "config/config.h"

int main(int argc, char **argv)
{
	struct err e;
	struct cli c = {.argc = argc > 0 ? argc - 1 : 0,
	                .argv = argv + (argc > 0),
	                .in = stdin,
	                .out = stdout,
	                .err = stderr};
	if (config_env_take(&c.environ_, &e) != ERR_OK)
		return cli_fail(&c, "%s", e.msg);
	return cli_main(&c);
}
