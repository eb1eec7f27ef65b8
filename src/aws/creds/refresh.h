/* aws/creds/refresh.h - the finder of AWS credentials (creds.c) and its fetches: when, and what each comes to. */
#pragma once
#include <pthread.h>

#include "aws/creds/creds.h"
#include "aws/creds/fetch.h"
#include "aws/creds/wait.h"
#include "net/httpc.h"

/* A message to the finder's loop that survives the finder. */
struct creds_wake {
	struct loop_post post;
	struct creds *creds; /* NULL: gone.  Guarded by posting and freeing on the same loop */
	bool posted;
};

struct creds {
	struct creds_options o;
	pthread_mutex_t lock; /* guards the next eight */
	struct creds_keys *keys;
	bool keeps;    /* usable past their expiry */
	bool fetching; /* a fetch runs or was asked for */
	bool refused;  /* AWS refused the keys in hand: who waits shall have others */
	bool stopped;
	struct err err;     /* of the last fetch; code ERR_OK: it was good, or there was none */
	int64_t refused_ms; /* when a refusal last made us fetch; monotonic, 0: never */
	struct creds_waiters waiters;
	struct creds_wake *wake;
	/* the loop's own */
	struct loop *loop;
	struct httpc *http;
	struct offload *files;
	struct creds_fetch *fetch;
	struct loop_timer timer;
	const char *provider; /* of the first keys */
	unsigned failures;    /* since the last success */
};

void creds_refresh_init(struct creds *c); /* timer and wake; before any of these */
void creds_refresh_now(struct creds *c);  /* on its loop; one is running: a no-op */
void creds_refresh_want(struct creds *c); /* lock held; any thread */
bool creds_usable(const struct creds *c); /* lock held; whether its keys may be given out */
