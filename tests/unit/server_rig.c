#include "server_rig.h"

#include <pthread.h>

#include "base/crypto.h"
#include "obs/log.h"

struct loop *loop;
struct server *server;
struct config cfg;
_Atomic bool draining;
static pthread_t thread;
int port;
atomic_int cleaned, handled;

/* --- toy routes */

static void on_ok(struct request *r)
{
	atomic_fetch_add(&handled, 1);
	reply_text(r, 200, STR("ok"));
}

static void on_echo(struct request *r)
{
	atomic_fetch_add(&handled, 1);
	reply_text(r, 200, r->body);
}

static void on_page(struct request *r)
{
	struct buf b;
	buf_init(&b, 100);
	buf_z(&b, "<p>page</p>");
	reply_header(r, "X-Extra", STR("1"));
	reply_html(r, 200, REPLY_CSP_CONSENT, &b);
}

/* More than the system's buffers take. */
static void on_large(struct request *r)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1 << 14; i++)
		buf_z(&b, "0123456789abcdef0123456789abcdef0123456789abcdef");
	reply_json(r, 200, &b);
}

struct later {
	struct loop_timer timer;
	struct request *r;
};

static void later_done(struct loop_timer *t)
{
	reply_text(LIST_ENTRY(t, struct later, timer)->r, 200, STR("later"));
}

static void later_cleanup(struct request *r)
{
	struct later *l = r->flow;
	loop_timer_clear(r->loop, &l->timer);
	free(l);
	atomic_fetch_add(&cleaned, 1);
}

static void wait_ms(struct request *r, int64_t ms)
{
	struct later *l = calloc(1, sizeof *l);
	if (l == NULL) {
		reply_error(r, ERR_NOMEM, NULL, NULL);
		return;
	}
	*l = (struct later){.timer = {.fn = later_done}, .r = r};
	r->flow = l;
	r->cleanup = later_cleanup;
	if (loop_timer_set(r->loop, &l->timer, loop_now_ms(r->loop) + ms) != ERR_OK)
		reply_error(r, ERR_NOMEM, NULL, NULL);
}

static void on_later(struct request *r)
{
	wait_ms(r, 5);
}

static void on_slow(struct request *r)
{
	wait_ms(r, 100);
}

static void on_never(struct request *r)
{
	wait_ms(r, 3600000);
}

/* The loop is held past the time at which the connection ends, and answers in that very turn. */
static struct loop_timer hold;

static void on_hold(struct loop_timer *t)
{
	(void)t;
	(void)usleep(150000);
}

static void on_late(struct request *r)
{
	wait_ms(r, DEADLINE_MS + 200);
	hold = (struct loop_timer){.fn = on_hold};
	assert_int_equal(loop_timer_set(r->loop, &hold, loop_now_ms(r->loop) + DEADLINE_MS + 150), ERR_OK);
}

static void on_client(struct request *r)
{
	reply_text(r, 200, str_c(r->client));
}

static void on_arg(struct request *r)
{
	reply_text(r, 200, str_c(r->arg));
}

/* --- answers no handler should give */

static void on_many_headers(struct request *r)
{
	for (int i = 0; i < 11; i++)
		reply_header(r, "X-More", STR("1"));
	reply_text(r, 200, STR("not this"));
}

static void on_bad_header(struct request *r)
{
	static const struct {
		const char *p;
		size_t n;
	} values[] = {{"a\nX-Evil: 1", 11}, {"a\rb", 3}, {"\xff", 1}};
	int which = r->arg[0] - '0';
	reply_header(r, "X-Bad", (struct str){values[which].p, values[which].n});
	reply_redirect(r, STR("https://example.com/"));
}

static void on_twice(struct request *r)
{
	reply_text(r, 200, STR("once"));
	reply_text(r, 500, STR("twice"));
	reply_empty(r, 204);
	reply_header(r, "X-Late", STR("1"));
	reply_error(r, ERR_INTERNAL, NULL, NULL);
}

static void on_busy(struct request *r)
{
	reply_header(r, "X-First", STR("1"));
	reply_header(r, "Retry-After", STR("7"));
	reply_error(r, ERR_BUSY, "the detail", NULL);
}

static void on_error_page(struct request *r, enum err_code code, const char *detail)
{
	struct buf b;
	buf_init(&b, 100);
	buf_printf(&b, "<h1>%s</h1>%s", err_name(code), detail != NULL ? detail : "");
	reply_html(r, err_http_status(code), REPLY_CSP_PAGE, &b);
}

static enum err_code refuse(struct request *r, struct err *reterr)
{
	return request_header(r, "X-Key", NULL).p != NULL ? ERR_OK : err_set(reterr, ERR_DENIED, "no key");
}

const struct route table[] = {
        {.method = "GET",
         .path = "/healthz",
         .handler = on_ok,
         .label = "h",
         .deadline_ms = DEADLINE_MS,
         .stays = true},
        {.method = "GET", .path = "/ok", .handler = on_ok, .label = "ok", .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/large",
         .handler = on_large,
         .label = "large",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/page", .handler = on_page, .label = "page", .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/later",
         .handler = on_later,
         .label = "later",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/slow", .handler = on_slow, .label = "slow", .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/never",
         .handler = on_never,
         .label = "never",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/client",
         .handler = on_client,
         .label = "client",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/late", .handler = on_late, .label = "late", .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/arg/{}/x", .handler = on_arg, .label = "arg", .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/many",
         .handler = on_many_headers,
         .label = "m",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/bad/{}",
         .handler = on_bad_header,
         .label = "b",
         .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/twice", .handler = on_twice, .label = "t", .deadline_ms = DEADLINE_MS},
        {.method = "GET", .path = "/busy", .handler = on_busy, .label = "u", .deadline_ms = DEADLINE_MS},
        {.method = "GET",
         .path = "/people",
         .handler = on_busy,
         .label = "p",
         .deadline_ms = DEADLINE_MS,
         .people = true},
        {.method = "POST",
         .path = "/json",
         .handler = on_echo,
         .label = "json",
         .deadline_ms = DEADLINE_MS,
         .body = ROUTE_JSON,
         .body_max = BODY_MAX},
        {.method = "POST",
         .path = "/any",
         .handler = on_echo,
         .label = "any",
         .deadline_ms = DEADLINE_MS,
         .body = ROUTE_ANY_BODY,
         .body_max = BODY_MAX},
        {.method = "POST",
         .path = "/form",
         .handler = on_echo,
         .label = "form",
         .deadline_ms = DEADLINE_MS,
         .body = ROUTE_FORM,
         .body_max = BODY_MAX},
        {.method = "POST",
         .path = "/key",
         .handler = on_echo,
         .admit = refuse,
         .label = "key",
         .deadline_ms = DEADLINE_MS,
         .body = ROUTE_ANY_BODY,
         .body_max = 10000000},
        {.handler = NULL},
};

/* --- the server on a thread */

static void *run(void *arg)
{
	(void)arg;
	loop_run(loop);
	return NULL;
}

int server_rig_open(void)
{
	static char us[] = "127.0.0.1", net[] = "10.0.0.0/8";
	static char *proxies[] = {us, net};
	char addr[LISTEN_ADDR_MAX];
	struct server_options o = {
	        .table = table, .cfg = &cfg, .draining = &draining, .error_page = on_error_page};
	cfg = (struct config){.trusted_proxies = {2, proxies},
	                      .max_connections = CONNS,
	                      .header_timeout = 10,
	                      .send_timeout = 30,
	                      .keepalive_timeout = 75,
	                      .webhook_deadline_ms = DEADLINE_MS,
	                      .webhook_max_body = BODY_MAX,
	                      .webhook_body_budget = 1 << 24};
	atomic_store(&draining, false);
	atomic_store(&cleaned, 0);
	atomic_store(&handled, 0);
	if (loop_new(&loop, NULL) != ERR_OK ||
	    listen_open("127.0.0.1:0", LISTEN_FIRST, &o.fd, addr, NULL) != ERR_OK)
		return -1;
	port = (int)strtol(strrchr(addr, ':') + 1, NULL, 10);
	o.loop = loop;
	return server_new(&o, &server, NULL) == ERR_OK ? 0 : -1;
}

int server_rig_setup(void **state)
{
	(void)state;
	return server_rig_open() != 0 ? -1 : pthread_create(&thread, NULL, run, NULL);
}

static void on_moment(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

void server_rig_run_for(int64_t ms)
{
	struct loop_timer t = {.fn = on_moment};
	assert_int_equal(loop_timer_set(loop, &t, clock_mono_ms() + ms), ERR_OK);
	loop_run(loop);
}

void server_rig_close(void)
{
	server_free(server);
	loop_free(loop);
}

int server_rig_setup_here(void **state)
{
	(void)state;
	return server_rig_open();
}

int server_rig_teardown_here(void **state)
{
	(void)state;
	server_rig_close();
	return 0;
}

int server_rig_teardown(void **state)
{
	(void)state;
	loop_stop(loop);
	(void)pthread_join(thread, NULL);
	server_rig_close();
	return 0;
}

char text[70000];

bool ask(const char *request)
{
	int fd = raw_connect(port);
	assert_true(fd >= 0);
	raw_send(fd, request, strlen(request));
	bool closed = raw_read(fd, text, sizeof text, QUIET_MS);
	(void)close(fd);
	return closed;
}

int status_of(const char *request)
{
	(void)ask(request);
	return raw_status(text, 0);
}

int server_rig_run(const struct CMUnitTest *tests, size_t n)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (crypto_start(NULL) != ERR_OK || log_start(LOG_ERROR, LOG_JSON, STDERR_FILENO, NULL) != ERR_OK)
		return 1;
	int failed = _cmocka_run_group_tests("server", tests, n, NULL, NULL);
	log_stop();
	return failed;
}
