#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include "app.h"
#include "base/crypto.h"
#include "store/store.h"

static bool load_key(struct cli *c, const struct config *cfg)
{
	struct app_keys keys;
	struct err err;
	enum err_code code = crypto_start(&err);
	if (code == ERR_OK)
		code = app_keys_load(cfg, &keys, &err);
	if (code == ERR_OK)
		code = app_keys_audit(&keys, &err);
	app_keys_wipe(&keys);
	if (code != ERR_OK)
		c->rc = cli_fail(c, "%s", err.msg);
	return code == ERR_OK;
}

bool cli_audit_start(struct cli *c)
{
	struct config *cfg;
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return false;
	bool ok = load_key(c, cfg);
	config_free(cfg);
	return ok;
}

static bool key_is_there(struct cli *c, const struct config *cfg)
{
	const char *file = store_file(cfg);
	if (cfg->seal_key.n > 0 || (file != NULL && keyfile_exists(file)))
		return true;
	c->rc = file == NULL
	                ? cli_fail(c, "LINKD_SEAL_KEY is not set: the digests in the log are made with it")
	                : cli_fail(c,
	                           "this user sees no key file %s.key: the service makes it at its first "
	                           "start, so LINKD_STORE may name another database",
	                           file);
	return false;
}

bool cli_audit_load(struct cli *c)
{
	struct config *cfg;
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return false;
	bool ok = key_is_there(c, cfg) && load_key(c, cfg);
	config_free(cfg);
	return ok;
}

void cli_audit_actor(char ret[CLI_AUDIT_ACTOR_MAX])
{
	if (getlogin_r(ret, CLI_AUDIT_ACTOR_MAX) != 0) /* no login session: a container, a timer */
		(void)snprintf(ret, CLI_AUDIT_ACTOR_MAX, "uid %u", (unsigned)getuid());
}

void cli_audit(struct audit a)
{
	char actor[CLI_AUDIT_ACTOR_MAX];
	cli_audit_actor(actor);
	a.way = "cli";
	a.actor = actor;
	audit_line(&a);
}
