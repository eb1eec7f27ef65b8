#include "cli/cli_audit.h"

#include <stdio.h>
#include <unistd.h>

#include "app_keys.h"
#include "base/crypto.h"

enum { ACTOR_MAX = 64 };

bool cli_audit_start(struct cli *c, bool *ret_keyed)
{
	struct config *cfg;
	struct app_keys keys;
	struct err err;
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return false;
	enum err_code code = crypto_start(&err);
	if (code == ERR_OK)
		code = app_keys_load(cfg, &keys, &err);
	if (code == ERR_OK)
		code = app_keys_audit(&keys, &err);
	if (code == ERR_OK && ret_keyed != NULL)
		*ret_keyed = keys.n > 0;
	app_keys_wipe(&keys);
	config_free(cfg);
	if (code != ERR_OK)
		c->rc = cli_fail(c, "%s", err.msg);
	return code == ERR_OK;
}

void cli_audit(struct audit a)
{
	char actor[ACTOR_MAX];
	if (getlogin_r(actor, sizeof actor) != 0) /* nobody logged in: a container, a timer */
		(void)snprintf(actor, sizeof actor, "uid %u", (unsigned)getuid());
	a.way = "cli";
	a.actor = actor;
	audit_line(&a);
}
