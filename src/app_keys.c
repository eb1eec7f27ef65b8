#include "app_keys.h"

#include "base/crypto.h"
#include "obs/audit.h"
#include "store/store.h"

enum err_code app_keys_load(const struct config *cfg, struct app_keys *ret, struct err *reterr)
{
	*ret = (struct app_keys){.n = 0};
	for (; ret->n < cfg->seal_key.n && ret->n < SEAL_KEYS_MAX; ret->n++)
		ret->key[ret->n] = str_c(cfg->seal_key.v[ret->n]);
	if (ret->n > 0 || store_file(cfg) == NULL)
		return ERR_OK;
	enum err_code code = keyfile_load_or_make(store_file(cfg), ret->made, reterr);
	if (code == ERR_OK)
		ret->key[ret->n++] = (struct str){(const char *)ret->made, sizeof ret->made};
	return code;
}

void app_keys_wipe(struct app_keys *k)
{
	crypto_wipe(k, sizeof *k);
}

enum err_code app_keys_audit(const struct app_keys *k, struct err *reterr)
{
	enum err_code code = k->n > 0 ? audit_key(k->key[0]) : ERR_OK;
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "no memory for the key of the log's digests");
}
