/* app_keys.h - the source of the seal keys: LINKD_SEAL_KEY or, with SQLite, a file beside the database. */
#pragma once
#include "link/seal.h"
#include "store/keyfile.h"

struct app_keys {
	size_t n;                      /* 0: none is set, and the store keeps none */
	struct str key[SEAL_KEYS_MAX]; /* the first one seals; borrowed from the settings or from `made` */
	uint8_t made[KEYFILE_LEN];
};

/* Errors  of keyfile.h.  Ownership  app_keys_wipe in any case; do not copy the struct. */
MUST_CHECK enum err_code app_keys_load(const struct config *cfg, struct app_keys *ret, struct err *reterr);
void app_keys_wipe(struct app_keys *k);

/* Derive the key of the log's digests (audit.h) from the first seal key.  Without one digests stay "-". */
MUST_CHECK enum err_code app_keys_audit(const struct app_keys *k, struct err *reterr);
