#include "base/version.h"
#include "base/crypto.h"
#include "base/json.h"
#include "cli/cli.h"
#include "http/server.h"
#include "net/httpc.h"
#include "store/store.h"

int cli_version(struct cli *c)
{
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	cli_str(c, "name", STR("account-linkd"));
	cli_str(c, "version", STR(LINKD_VERSION));
	cli_str(c, "libmicrohttpd", str_c(server_version()));
	cli_str(c, "libcurl", str_c(httpc_version()));
	cli_str(c, "openssl", str_c(crypto_version()));
	cli_str(c, "cjson", str_c(json_version()));
	cli_str(c, "sqlite", str_c(store_version()));
	return cli_done(c);
}
