#include "facebook/graph_post.h"

#include "obs/log.h"

static void end(struct graph_post *p)
{
	p->done(p);
	log_scope(NULL);
}

/* Of several page tokens: a failure that a later try may overcome counts most.  A page that does not know the person
 * counts more than one that refuses the call itself. */
static void note(struct graph_post *p, const struct graph_answer *a)
{
	static const int weight[GRAPH_CLASSES] = {
	        [GRAPH_DONE] = 4,        [GRAPH_RETRY] = 3,      [GRAPH_RATE_LIMITED] = 3,
	        [GRAPH_UNAVAILABLE] = 3, [GRAPH_TOKEN_DEAD] = 2, [GRAPH_NOT_ALLOWED] = 2,
	        [GRAPH_NOBODY] = 1};
	if (weight[a->class] >= weight[p->answer.class])
		p->answer = *a;
}

static enum err_code ask(struct graph_post *p, struct err *reterr);

/* True: the next page token is tried. */
static bool next_page(struct graph_post *p)
{
	struct err err;
	if (!p->each || p->answer.class == GRAPH_DONE || ++p->page == graph_pages(p->graph))
		return false;
	if (ask(p, &err) == ERR_OK)
		return true;
	note(p, &(struct graph_answer){.class = GRAPH_RETRY});
	return false;
}

static void on_answer(void *arg, long status, struct str body, const char *error)
{
	struct graph_post *p = arg;
	p->call = NULL;
	log_scope(p->scope);
	struct graph_answer a = graph_answer_accepted(status, body);
	if (a.class != GRAPH_DONE && a.class != GRAPH_NOBODY && a.class != GRAPH_UNAVAILABLE)
		graph_tell_failure(p->page, p->path, &a, error);
	p->maybe_done |= a.class == GRAPH_DONE || (a.class == GRAPH_RETRY && status != GRAPH_NOT_SENT);
	note(p, &a);
	if (next_page(p))
		log_scope(NULL);
	else
		end(p);
}

static enum err_code ask(struct graph_post *p, struct err *reterr)
{
	struct graph_request r = {.http = p->http,
	                          .page = p->page,
	                          .path = p->path,
	                          .json = p->json,
	                          .once = p->once,
	                          .timeout_ms = p->deadline_ms - loop_now_ms(p->loop)};
	if (r.timeout_ms <= 0)
		return err_set(reterr, ERR_TIMEOUT, "no time left for a call to Graph");
	return graph_start(p->graph, &r, on_answer, p, &p->call, reterr);
}

enum err_code graph_post_start(struct graph_post *p, struct err *reterr)
{
	size_t pages = graph_pages(p->graph);
	bool known = p->page_id[0] != '\0';
	p->answer = (struct graph_answer){.class = GRAPH_REFUSED}; /* of the least weight */
	p->maybe_done = false;
	p->each = !known && pages > 1 && !p->once;
	p->page = known ? graph_page_of(p->graph, p->page_id) : p->each || pages == 1 ? 0 : pages;
	if (p->page == pages)
		return err_set(reterr, ERR_NOT_FOUND, "there is no token for the page");
	return ask(p, reterr);
}

void graph_post_cancel(struct graph_post *p)
{
	graph_cancel(p->call);
	p->call = NULL;
}
