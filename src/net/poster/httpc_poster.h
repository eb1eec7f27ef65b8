/* httpc_poster.h - the connections of httpc_post.h: idle, or with a call on each; the files of net/poster/ only. */
#pragma once
#include "base/buf.h"
#include "net/poster/httpc_answer.h"
#include "net/poster/httpc_post.h"

struct httpc_poster {
	struct httpc_poster_options o;
	struct list_node idle, busy; /* of idle the longest unused first */
	size_t idle_n;
};

/* A connection, and the call on it. */
struct httpc_post {
	struct list_node node; /* in busy or idle */
	struct httpc_poster *owner;
	struct httpc_call *conn; /* NULL: none */
	int64_t opened_ms, idle_since_ms;
	struct buf out, in;
	size_t sent;
	bool begun; /* the connection was given something of the request */
	struct httpc_answer answer;
	/* of the call */
	bool used_before; /* the connection, by another call */
	unsigned sends;
	struct loop_timer timer;
	int64_t connect_ms;
	httpc_done_fn *done;
	void *arg;
};

/* An idle connection, or one that is still to be opened, now in busy; NULL: no memory. */
struct httpc_post *httpc_poster_take(struct httpc_poster *p);
/* Its call has ended well: it waits for the next, and one that nobody needs is let go. */
void httpc_poster_keep(struct httpc_post *c);
void httpc_poster_drop(struct httpc_post *c); /* an idle one */
void httpc_post_hang_up(struct httpc_post *c);
int64_t httpc_post_now_ms(const struct httpc_post *c);
