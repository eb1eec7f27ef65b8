#include "link/link.h"

#include "link/link_op.h"

static const char *const names[] = {
        [LINK_R_LINKED] = "linked",
        [LINK_R_ALREADY] = "already_done",
        [LINK_R_UNLINKED_SINCE] = "unlinked_since",
        [LINK_R_USED] = "used",
        [LINK_R_SUPERSEDED] = "superseded",
        [LINK_R_REFUSED] = "refused",
        [LINK_R_UNLINKED] = "unlinked",
        [LINK_R_MISS] = "miss",
        [LINK_R_UNSETTLED] = "unsettled",
};

const char *link_result_name(enum link_result r)
{
	return (unsigned)r < sizeof names / sizeof names[0] ? names[r] : "unknown";
}

void link_cancel(struct link_op *op)
{
	if (op->running != NULL)
		store_cancel(op->running);
	link_op_free(op);
}
