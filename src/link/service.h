/* service.h - what the handlers of one loop work with; made by app.c, one per worker.
 *
 * Ownership  everything here is borrowed and outlives every request. */
#pragma once
#include "config.h"
#include "loop/loop.h"
#include "loop/offload.h"
#include "store/store.h"

struct sealer;
struct signature_keys;
struct throttle;
struct link_events;
struct link_later;
struct health;

struct service {
	const struct config *cfg;
	struct loop *loop;
	struct store *store;
	const struct sealer *sealer;           /* link/seal.h */
	struct signature_keys *signature_keys; /* webhook/signature.h: of this loop's thread */
	struct offload *hashes;                /* password hashes, nice 19 */
	struct offload *parses;                /* large webhook bodies */
	struct throttle *throttle;             /* login/throttle.h; shared by all workers */
	const struct link_events *events;      /* link/events.h: who hears of links made, removed, refused */
	struct link_later *later;              /* link/link_later.h: look-ups to repeat, bounded list of this
	                                          loop; NULL when the index does not lag */
	const _Atomic bool *draining;
	struct health *health; /* admin/health.h: store state, refreshed in the background; shared */
};
