#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	struct cli c = {.argc = argc > 0 ? argc - 1 : 0,
	                .argv = argv + (argc > 0),
	                .environ_ = environ,
	                .in = stdin,
	                .out = stdout,
	                .err = stderr};
	return cli_main(&c);
}
