/* link_repair.h - one survivor of several holders of a PSID: the newest link by (linked_at_ms, customer_id).
 * Private to link/.
 *
 * Every process that meets the same holders picks the same survivor, and each removal is conditional on being
 * older, so concurrent repairs in any order leave exactly one. */
#pragma once
#include "link/link_op.h"

void link_repair_begin(struct link_op *o); /* pick the winner of o->holder */
/* Remove the next loser, then go on with `next`; `done` when none is left. */
int link_repair_step(struct link_op *o, int next, int done);
void link_repair_note(struct link_op *o); /* after a settled step: tell what was removed */
