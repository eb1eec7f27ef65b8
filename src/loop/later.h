/* later.h - a bounded list of work that is done after the answer of its request: tried by a schedule until a try
 * succeeds or the schedule ends.
 *
 * later_free drops open work.  So use the list only for work that a later event or look-up would also do.
 * Bound    `max` pieces of work, running ones included; beyond it new work is dropped, counted and logged.
 * Threads  the loop's thread. */
#pragma once
#include "base/str.h"
#include "loop/loop.h"

struct later; /* opaque: the list of one loop */
struct later_work;

/* A kind of work.  Static. */
struct later_kind {
	/* Milliseconds before each try, counted from later_add or from the end of the previous try; 0 ends the array. */
	const int64_t *delays_ms;
	/* Begin a try.  ERR_OK: later_done will be called, or was.  Another code: the try has failed. */
	enum err_code (*start)(struct later_work *w);
	void (*cancel)(struct later_work *w); /* the running try; later_done is not called any more */
	void (*free)(struct later_work *w);
};

/* Embed it in the struct of the kind. */
struct later_work {
	struct list_node node;
	struct later *list;
	const struct later_kind *kind;
	struct loop_timer timer;
	size_t tries;
	bool running;
};

struct later_options {
	struct loop *loop;
	size_t max;
	const char *name;  /* msg of the log line for dropped work; static */
	int open, dropped; /* enum metric: the gauge of open work, the counter of dropped work */
};

MUST_CHECK enum err_code later_new(const struct later_options *o, struct later **ret, struct err *reterr);
bool later_stops(const struct later *l); /* later_free runs, which ends the work */
void later_free(struct later *l);        /* cancels what runs, frees all work; NULL is a no-op */

/* The list takes ownership of `w`, and frees it at once if the list is full.  `w` NULL: there was no memory for it;
 * that is counted as dropped. */
void later_add(struct later *l, const struct later_kind *kind, struct later_work *w);
/* A try has ended.  `again`: wait for the next one, if the schedule has one. */
void later_done(struct later_work *w, bool again);
/* A try has ended, and the next one comes after wait_ms.  It is not one of the schedule. */
void later_wait(struct later_work *w, int64_t wait_ms);
/* The schedule of open work begins again.  A try that is due sooner stays. */
void later_restart(struct later_work *w);
/* Open work of this kind for which `is` holds, or NULL. */
struct later_work *later_find(const struct later *l, const struct later_kind *kind,
                              bool (*is)(struct later_work *w, const char *what), const char *what);
