#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aws/creds/creds.h"
#include "aws/creds/plan.h"
#include "base/crypto.h"

static const char header[] = "X-Amz-Security-Token: ";

struct counted {
	struct creds_keys keys; /* first: a pointer to one is a pointer to the other */
	atomic_size_t refs;
	size_t size; /* of all, texts included */
	char text[];
};

static struct counted *counted(struct creds_keys *k)
{
	return (struct counted *)(void *)k;
}

static size_t room(const char *s)
{
	return s == NULL ? 0 : strlen(s) + 1;
}

/* Copy to *at, which moves on.  NULL stays NULL. */
static const char *put(char **at, const char *s)
{
	char *p = *at;
	if (s == NULL)
		return NULL;
	memcpy(p, s, strlen(s) + 1);
	*at += strlen(s) + 1;
	return p;
}

enum err_code creds_keys_new(const struct creds_plan *p, struct creds_keys **ret, struct err *reterr)
{
	const struct creds_draft *d = &p->keys;
	size_t size = sizeof(struct counted) + room(d->id) + room(d->secret) + room(d->account) +
	              room(p->source);
	if (d->token != NULL)
		size += sizeof header - 1 + room(d->token);
	struct counted *c = calloc(1, size);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for credentials");
	char *at = c->text;
	atomic_init(&c->refs, 1);
	c->size = size;
	c->keys = (struct creds_keys){.access_key_id = put(&at, d->id),
	                              .secret_access_key = put(&at, d->secret),
	                              .account_id = put(&at, d->account),
	                              .source = put(&at, p->source),
	                              .provider = p->provider,
	                              .expires_at_s = d->expires_at_s};
	if (d->token != NULL) {
		c->keys.token_header = at;
		memcpy(at, header, sizeof header - 1);
		at += sizeof header - 1;
		c->keys.session_token = put(&at, d->token);
	}
	*ret = &c->keys;
	return ERR_OK;
}

struct creds_keys *creds_keys_acquire(struct creds_keys *k)
{
	atomic_fetch_add_explicit(&counted(k)->refs, 1, memory_order_relaxed);
	return k;
}

void creds_keys_release(struct creds_keys *k)
{
	if (k == NULL || atomic_fetch_sub_explicit(&counted(k)->refs, 1, memory_order_acq_rel) != 1)
		return;
	crypto_wipe(k, counted(k)->size);
	free(counted(k));
}
