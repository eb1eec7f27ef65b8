/* login_visit.h - the login's handlers without a server and with a store that does as told.
 *
 * Included by one file of a program: it defines the request_* and reply_* that handlers call. */
#pragma once
#include "test.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "link/seal.h"
#include "login/login.h"
#include "login/password.h"
#include "login/state.h"
#include "login/throttle.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "service.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define VISIT_NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define VISIT_TOKEN "ARtoken"
#define VISIT_BACK \
	"https://facebook.com/messenger_platform/account_linking/?account_linking_token=" VISIT_TOKEN
#define VISIT_PASSWORD "correct horse"

/* What the next operations of a kind come to. */
struct visit_script {
	enum err_code refuse; /* at start */
	enum err_code code;
	enum store_outcome outcome;
	size_t n;
	struct store_customer customer[2];
	bool hold; /* until the request has ended */
};

struct visit {
	struct config cfg;
	struct service service;
	size_t queue_max; /* of the hash pool */
	struct visit_script script[STORE_KINDS];
	union store_in in[STORE_KINDS]; /* of the last operation of a kind */
	int count[STORE_KINDS];
	struct store_op *held;
	/* the request */
	struct request r;
	const char *origin, *host, *cookie, *device; /* NULL: absent */
	int64_t age_ms;      /* how long ago all of the request was here: a little before a floor */
	int64_t deadline_ms; /* from now */
	/* its answer */
	int answers;
	unsigned status;
	char *body; /* never NULL */
	char headers[8192];
	enum reply_csp csp;
	int64_t took_ms; /* from now to the answer */
	int64_t start_ms;
};

int visit_setup(void **state);
int visit_teardown(void **state);

/* Run a handler to its answer and its end. */
void visit_run(void (*handler)(struct request *r), const char *query, const char *body);
/* Run it until the store holds an operation or a hash runs, then the client is gone. */
void visit_run_and_leave(void (*handler)(struct request *r), const char *body);

void visit_customer(struct store_customer *c, const char *id, const char *email, const char *hash);
const char *visit_hash(void); /* argon2id of VISIT_PASSWORD */
struct state visit_state(const char *psid);
/* "state=...&" + rest; the result is good until the next call.  age_s: how old the state is. */
const char *visit_login_form(const char *psid, int64_t age_s, const char *rest);
const char *visit_consent_form(const struct consent *c);
/* Open what the page holds in the hidden field `name`. */
struct consent visit_consent_of_page(void);
bool visit_has(const char *text);    /* in the body */
bool visit_header(const char *line); /* "Name: value" among the headers */

struct visit visit;

static char *hosts[] = {"facebook.com"};
static char empty[1];
static char form[16384];

/* --- the store */

static enum err_code fake_start(struct store_port *p, struct store_op *op)
{
	const struct visit_script *script = &visit.script[op->kind];
	(void)p;
	visit.in[op->kind] = op->in;
	visit.count[op->kind]++;
	if (script->refuse != ERR_OK)
		return script->refuse;
	op->code = script->code;
	if (op->code != ERR_OK)
		(void)err_set(&op->err, op->code, "as the test says");
	op->out.outcome = script->outcome;
	if (op->code == ERR_OK && script->n > 0) {
		op->out.n = script->n;
		op->out.customers = calloc(script->n, sizeof op->out.customers[0]);
		assert_non_null(op->out.customers);
		memcpy(op->out.customers, script->customer, script->n * sizeof op->out.customers[0]);
	}
	if (script->hold)
		visit.held = op;
	else
		store_finish(op);
	return ERR_OK;
}

static const struct store_vtable vtable = {
        .traits = {.name = "fake", .find_psid = true},
        .start = fake_start,
};
static struct store store = {.vt = &vtable, .in_flight_max = 100};
static struct store_port port = {.store = &store};

/* --- the request */

struct str request_header(const struct request *r, const char *name, size_t *ret_count)
{
	const char *value = str_is(str_c(name), "Origin") ? visit.origin : visit.host;
	(void)r;
	if (ret_count != NULL)
		*ret_count = value != NULL;
	return str_c(value);
}

struct str request_cookie(const struct request *r, const char *name)
{
	(void)r;
	if (strcmp(name, "__Host-linkd-device") == 0)
		return str_c(visit.device);
	assert_string_equal(name, "__Host-linkd");
	return str_c(visit.cookie);
}

static void answered(unsigned status, struct buf *body)
{
	size_t n = 0;
	assert_int_equal(visit.answers++, 0);
	visit.status = status;
	visit.took_ms = clock_mono_ms() - visit.start_ms;
	if (body != NULL) {
		assert_false(body->failed);
		visit.body = buf_take(body, &n);
	}
	if (visit.body == NULL)
		visit.body = empty;
	loop_stop(visit.r.loop);
}

void reply_header(struct request *r, const char *name, struct str value)
{
	size_t n = strlen(visit.headers);
	(void)r;
	(void)snprintf(visit.headers + n, sizeof visit.headers - n, "%s: %.*s\n", name, (int)value.n,
	               value.p);
}

void reply_html(struct request *r, unsigned status, enum reply_csp csp, struct buf *html)
{
	(void)r;
	visit.csp = csp;
	answered(status, html);
}

void reply_redirect(struct request *r, struct str url)
{
	reply_header(r, "Location", url);
	answered(303, NULL);
}

void reply_error(struct request *r, enum err_code code, const char *detail, const struct err *e)
{
	(void)r, (void)detail, (void)e;
	answered(err_http_status(code), NULL);
}

void reply_body(struct request *r, unsigned status, const char *content_type, struct buf *body)
{
	reply_header(r, "Content-Type", str_c(content_type));
	answered(status, body);
}

void reply_cacheable(struct request *r, const char *cache_control)
{
	reply_header(r, "Cache-Control", str_c(cache_control));
}

/* --- runs */

static void begin(const char *query, const char *body)
{
	struct password_pool_options o = {.threads = 1, .places = visit.queue_max};
	if (visit.body != empty)
		free(visit.body);
	visit.body = empty;
	visit.headers[0] = '\0';
	visit.answers = 0;
	visit.held = NULL;
	visit.r = (struct request){
	        .service = &visit.service, .id = "0123456789abcdef", .client = "192.0.2.1"};
	assert_int_equal(loop_new(&visit.r.loop, NULL), ERR_OK);
	assert_int_equal(password_pool_new(&o, &visit.service.hashes, NULL), ERR_OK);
	visit.service.loop = visit.r.loop;
	port = (struct store_port){.store = &store, .loop = visit.r.loop};
	visit.r.query = str_c(query);
	visit.r.body = str_c(body);
	visit.start_ms = clock_mono_ms();
	visit.r.arrived_ms = visit.r.received_ms = visit.start_ms - visit.age_ms;
	visit.r.deadline_ms = visit.start_ms + visit.deadline_ms;
}

static void end(void)
{
	if (visit.r.cleanup != NULL)
		visit.r.cleanup(&visit.r);
	assert_null(visit.r.flow);
	assert_int_equal(metric_value(M_HASH_PLACES), 0); /* no place is kept by a login that is over */
	password_pool_free(visit.service.hashes);
	if (visit.held != NULL)
		store_finish(visit.held);
	loop_drain(visit.r.loop);
	loop_free(visit.r.loop);
}

void visit_run(void (*handler)(struct request *r), const char *query, const char *body)
{
	begin(query, body);
	handler(&visit.r);
	if (visit.answers == 0)
		loop_run(visit.r.loop);
	end();
	assert_int_equal(visit.answers, 1);
}

void visit_run_and_leave(void (*handler)(struct request *r), const char *body)
{
	begin(NULL, body);
	handler(&visit.r);
	for (int i = 0; i < 20 && visit.held == NULL; i++) {
		loop_drain(visit.r.loop);
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_int_equal(visit.answers, 0);
	end();
	assert_int_equal(visit.answers, 0);
}

/* --- what goes in */

static int quiet_log(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd;
}

int visit_setup(void **state)
{
	static char url[] = "https://link.example";
	struct str key = STR("0123456789abcdef0123456789abcdef");
	struct sealer *sealer = NULL;
	(void)state;
	memset(&visit, 0, sizeof(visit));
	visit.queue_max = 8;
	visit.age_ms = 1150;
	visit.deadline_ms = 10000;
	visit.cfg.brand_name = visit.cfg.privacy_url = visit.cfg.signup_url = visit.cfg.forgot_url = empty;
	visit.cfg.public_url = url;
	visit.cfg.public_https = true;
	visit.cfg.redirect_hosts = (struct strlist){1, hosts};
	visit.cfg.code_ttl = 300;
	visit.cfg.argon2_memory_kib = 8;
	visit.cfg.argon2_passes = 1;
	visit.body = empty;
	visit.origin = "https://link.example";
	visit.cookie = VISIT_NONCE;
	if (crypto_start(NULL) != ERR_OK || sealer_new(&key, 1, &sealer, NULL) != ERR_OK ||
	    throttle_new(&visit.service.throttle, NULL) != ERR_OK ||
	    log_start(LOG_DEBUG, LOG_JSON, quiet_log(), NULL) != ERR_OK)
		return -1;
	visit.service.cfg = &visit.cfg;
	visit.service.sealer = sealer;
	visit.service.store = &port;
	return 0;
}

int visit_teardown(void **state)
{
	(void)state;
	log_stop();
	if (visit.body != empty)
		free(visit.body);
	throttle_free(visit.service.throttle);
	sealer_free((struct sealer *)(uintptr_t)visit.service.sealer);
	return port.in_flight == 0 ? 0 : -1;
}

const char *visit_hash(void)
{
	static char hash[STORE_HASH_MAX + 1];
	if (hash[0] == '\0')
		assert_int_equal(password_hash(STR(VISIT_PASSWORD), 8, 1, hash, sizeof hash, NULL), ERR_OK);
	return hash;
}

void visit_customer(struct store_customer *c, const char *id, const char *email, const char *hash)
{
	*c = (struct store_customer){.link = {.linked_at_ms = -1}};
	assert_true(str_copy(c->key.id, sizeof c->key.id, str_c(id)));
	assert_true(str_copy(c->key.email, sizeof c->key.email, str_c(email)));
	assert_true(str_copy(c->hash, sizeof c->hash, str_c(hash)));
}

struct state visit_state(const char *psid)
{
	struct state s = {.token = VISIT_TOKEN, .redirect = VISIT_BACK, .issued_s = clock_wall_ms() / 1000};
	assert_true(str_copy(s.psid, sizeof s.psid, str_c(psid)));
	assert_int_equal(state_browser_digest(STR(VISIT_NONCE), s.browser), ERR_OK);
	return s;
}

static const char *form_of(const char *name, struct buf *token, const char *rest)
{
	(void)snprintf(form, sizeof form, "%s=%s%s", name, token->p, rest);
	buf_done(token);
	return form;
}

const char *visit_login_form(const char *psid, int64_t age_s, const char *rest)
{
	struct state s = visit_state(psid);
	struct buf token;
	s.issued_s -= age_s;
	buf_init(&token, SEAL_TEXT_MAX);
	assert_int_equal(state_seal(visit.service.sealer, &s, &token), ERR_OK);
	return form_of("state", &token, rest);
}

const char *visit_consent_form(const struct consent *c)
{
	struct buf token;
	buf_init(&token, SEAL_TEXT_MAX);
	assert_int_equal(state_seal_consent(visit.service.sealer, c, &token), ERR_OK);
	return form_of("consent", &token, "");
}

/* --- what came out */

struct consent visit_consent_of_page(void)
{
	static const char mark[] = "name=\"consent\" value=\"";
	struct consent c;
	const char *from = strstr(visit.body, mark);
	assert_non_null(from);
	struct str token = {from + sizeof mark - 1, strcspn(from + sizeof mark - 1, "\"")};
	assert_int_equal(state_open_consent(visit.service.sealer, token, STR(VISIT_NONCE),
	                                    clock_wall_ms() / 1000, &c, NULL),
	                 ERR_OK);
	return c;
}

bool visit_has(const char *text)
{
	return strstr(visit.body, text) != NULL;
}

bool visit_header(const char *line)
{
	char whole[8192];
	int n = snprintf(whole, sizeof whole, "%s\n", line);
	const char *at = strstr(visit.headers, whole);
	return n > 0 && at != NULL && (at == visit.headers || at[-1] == '\n');
}
