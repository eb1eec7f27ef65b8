/* service.h - the objects that the handlers of one loop use; app_worker.c fills one for each worker.
 *
 * Ownership  everything here is borrowed and outlives every request. */
#pragma once
#include "config/config.h"
#include "loop/loop.h"
#include "loop/offload.h"
#include "store/store.h"

struct httpc;
struct graph;
struct sealer;
struct signature_keys;
struct throttle;
struct link_listener;
struct later;
struct graph_later;
struct health;
struct password_pool;

struct service {
	const struct config *cfg;
	struct loop *loop;
	struct httpc *http;          /* net/httpc.h: all outgoing requests of this loop */
	struct store_port *store;    /* of this loop */
	struct graph *graph;         /* facebook/graph.h; shared by all workers; NULL without a page token */
	const struct sealer *sealer; /* link/seal.h */
	struct signature_keys *signature_keys; /* webhook/signature.h: of this loop's thread */
	struct password_pool *hashes; /* login/password.h: threads at nice 19; shared by all workers */
	struct offload *parses;       /* large webhook bodies */
	struct throttle *throttle;    /* login/throttle.h; shared by all workers */
	const struct link_listener *const *listeners; /* link/change.h: who hears of links; NULL-terminated */
	struct later *later; /* loop/later.h: look-ups to repeat (link/link.h); of this loop */
	struct graph_later *
	        graph_later; /* link/graph_later.h: calls to Graph after the answer; of this loop; NULL without a page token */
	struct later *confirms; /* link/confirm_message.h: messages to be sent; NULL: none are */
	const _Atomic bool *draining;
	struct health *health; /* admin/health.h: store state, refreshed in the background; shared */
};
