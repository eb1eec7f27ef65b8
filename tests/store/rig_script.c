#include "rig_script.h"

#include <unistd.h>

#include "net/httpc.h"
#include "obs/log.h"

struct config rig_script_config = {.store = "dynamodb:shop"};

static enum err_code open_scripted(const char *dir, struct store **ret, struct err *reterr)
{
	(void)dir;
	return store_open(&rig_script_config, ret, reterr);
}

static void plant_nothing(const char *dir, const struct store_customer *c)
{
	(void)dir;
	(void)c;
}

const struct rig_backend rig_scripted = {.name = "scripted", .open = open_scripted, .plant = plant_nothing};

void rig_script_open(struct rig *r, const char *table)
{
	script_table(table);
	rig_open(r, &rig_scripted);
}

int rig_script_start(void **state)
{
	static struct rig r;
	if (httpc_global_start(NULL) != ERR_OK ||
	    log_start(LOG_ERROR, LOG_TEXT, STDERR_FILENO, NULL) != ERR_OK)
		return -1;
	script_start();
	rig_script_open(&r, SCRIPT_TABLE("0", SCRIPT_EMAIL "," SCRIPT_PSID "," SCRIPT_CODE));
	*state = &r;
	return 0;
}

int rig_script_end(void **state)
{
	rig_close(*state);
	script_stop();
	log_stop();
	return 0;
}
