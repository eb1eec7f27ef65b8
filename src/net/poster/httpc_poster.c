#include "net/poster/httpc_poster.h"

#include <stdlib.h>

#include "base/crypto.h"

enum {
	IDLE_MS = 45000, /* servers drop theirs at about 60 s */
	LIFETIME_MS = 300000,
	REQUEST_MAX = 2 << 20,
	KEEP_BYTES = 16384, /* of a buffer between two calls */
};

int64_t httpc_post_now_ms(const struct httpc_post *c)
{
	return loop_now_ms(c->owner->o.loop);
}

static long connections(const struct httpc_poster *p)
{
	return 2 * (long)p->o.idle_max + 1;
}

enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                               struct err *reterr)
{
	struct httpc_poster *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP client");
	p->o = *o;
	httpc_add_connections(p->o.http, connections(p));
	p->o.idle_ms = o->idle_ms > 0 ? o->idle_ms : IDLE_MS;
	p->o.lifetime_ms = o->lifetime_ms > 0 ? o->lifetime_ms : LIFETIME_MS;
	list_init(&p->idle);
	list_init(&p->busy);
	*ret = p;
	return ERR_OK;
}

void httpc_post_hang_up(struct httpc_post *c)
{
	if (c->conn != NULL)
		httpc_cancel(c->conn);
	c->conn = NULL;
}

/* Request and answer may hold keys and password hashes. */
void httpc_post_cancel(struct httpc_post *c)
{
	list_del(&c->node);
	loop_timer_clear(c->owner->o.loop, &c->timer);
	httpc_post_hang_up(c);
	crypto_wipe_buf(&c->out);
	crypto_wipe_buf(&c->in);
	free(c);
}

static struct httpc_post *first(struct list_node *l)
{
	return list_empty(l) ? NULL : LIST_ENTRY(l->next, struct httpc_post, node);
}

void httpc_poster_free(struct httpc_poster *p)
{
	if (p == NULL)
		return;
	for (struct httpc_post *c; (c = first(&p->idle)) != NULL || (c = first(&p->busy)) != NULL;)
		httpc_post_cancel(c);
	httpc_add_connections(p->o.http, -connections(p));
	free(p);
}

static bool expired(const struct httpc_post *c)
{
	return httpc_post_now_ms(c) - c->idle_since_ms >= c->owner->o.idle_ms ||
	       httpc_post_now_ms(c) - c->opened_ms >= c->owner->o.lifetime_ms;
}

void httpc_poster_drop(struct httpc_post *c)
{
	c->owner->idle_n--;
	httpc_post_cancel(c);
}

void httpc_poster_keep(struct httpc_post *c)
{
	struct httpc_poster *p = c->owner;
	loop_timer_clear(p->o.loop, &c->timer);
	c->done = NULL;
	crypto_reset_buf(&c->out, KEEP_BYTES);
	crypto_reset_buf(&c->in, KEEP_BYTES);
	list_del(&c->node);
	list_push(&p->idle, &c->node);
	c->idle_since_ms = httpc_post_now_ms(c);
	p->idle_n++;
	struct httpc_post *oldest = LIST_ENTRY(p->idle.next, struct httpc_post, node);
	if (p->idle_n > p->o.idle_max || expired(oldest))
		httpc_poster_drop(oldest);
}

/* The last used, which is the least likely to be closed meanwhile. */
static struct httpc_post *take_idle(struct httpc_poster *p)
{
	while (p->idle_n > 0) {
		struct httpc_post *c = LIST_ENTRY(p->idle.prev, struct httpc_post, node);
		if (!expired(c)) {
			list_del(&c->node);
			p->idle_n--;
			c->used_before = true;
			return c;
		}
		httpc_poster_drop(c);
	}
	return NULL;
}

struct httpc_post *httpc_poster_take(struct httpc_poster *p)
{
	struct httpc_post *c = take_idle(p);
	if (c == NULL && (c = calloc(1, sizeof *c)) != NULL) {
		c->owner = p;
		buf_init(&c->out, REQUEST_MAX);
	}
	if (c != NULL)
		list_push(&p->busy, &c->node);
	return c;
}
