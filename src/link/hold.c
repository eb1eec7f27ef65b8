#include "link/hold.h"

#include <stdlib.h>

struct link_hold {
	struct link_answer_hold *owner; /* NULL: it has left */
	size_t n;
};

struct link_hold *link_hold_take(struct link_answer_hold *a)
{
	if (a == NULL)
		return NULL;
	if (a->taken == NULL) {
		a->taken = calloc(1, sizeof *a->taken);
		if (a->taken == NULL)
			return NULL;
		a->taken->owner = a;
	}
	a->taken->n++;
	return a->taken;
}

void link_hold_release(struct link_hold *h)
{
	if (h == NULL || --h->n > 0)
		return;
	struct link_answer_hold *owner = h->owner;
	free(h);
	if (owner == NULL)
		return;
	owner->taken = NULL;
	if (!owner->waits)
		return;
	owner->waits = false;
	owner->released(owner);
}

bool link_hold_wait(struct link_answer_hold *a)
{
	a->waits = a->taken != NULL;
	return a->waits;
}

void link_hold_leave(struct link_answer_hold *a)
{
	if (a->taken != NULL)
		a->taken->owner = NULL;
	a->taken = NULL;
	a->waits = false;
}
