/* creds_driver.c - credentials and endpoints for the Python tests; one JSON object a line.
 *   creds_driver get [CONTAINER_HOST]        the first keys, or why there are none
 *   creds_driver watch SECONDS               the keys each time they change; "refuse" on stdin refuses them
 *   creds_driver endpoint SERVICE            where a service is, by the environment
 *   creds_driver compute SERVICE             for each line "REGION FIPS DUAL" (0 or 1): its address
 *   creds_driver words                       for each line (a JSON string): its words
 *   creds_driver expiry                      for each line: the moment in Unix seconds */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "aws/creds/creds.h"
#include "aws/endpoint.h"
#include "aws/private.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"
#include "net/httpc.h"
#include "obs/log.h"

enum { OUT_MAX = 1 << 20, LOOK_MS = 50, WAIT_MS = 30000 };

extern char **environ;

static void member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s\"%s\": ", out->len > 1 ? ", " : "", name);
	if (value == NULL)
		buf_z(out, "null");
	else
		codec_json(out, str_c(value));
}

static void number(struct buf *out, const char *name, int64_t value)
{
	buf_printf(out, "%s\"%s\": %lld", out->len > 1 ? ", " : "", name, (long long)value);
}

static void flush_object(struct buf *out)
{
	printf("%s}\n", out->p);
	(void)fflush(stdout);
	buf_done(out);
}

static struct buf begin_object(void)
{
	struct buf out;
	buf_init(&out, OUT_MAX);
	buf_z(&out, "{");
	return out;
}

static void print_err(const struct err *e)
{
	struct buf out = begin_object();
	member(&out, "error", err_name(e->code));
	member(&out, "message", e->msg);
	flush_object(&out);
}

static void print_keys(const struct creds_keys *k)
{
	struct buf out = begin_object();
	member(&out, "provider", k->provider);
	member(&out, "access_key", k->access_key_id);
	member(&out, "secret_key", k->secret_access_key);
	member(&out, "token", k->session_token);
	member(&out, "token_header", k->token_header);
	member(&out, "account", k->account_id);
	member(&out, "source", k->source);
	number(&out, "expires", k->expires_at_s);
	flush_object(&out);
}

struct rig {
	struct httpc *http;
	struct loop *loop;
	struct creds *creds;
	struct loop_timer timer;
	struct loop_watch in;
	struct creds_keys *last;
	int64_t end_ms;
	bool answered;
};

static void on_keys(void *arg, const struct err *err, struct creds_keys *keys)
{
	struct rig *r = arg;
	r->answered = true;
	if (err != NULL)
		print_err(err);
	else
		print_keys(keys);
	loop_stop(r->loop);
}

static void on_late(struct loop_timer *t)
{
	loop_stop(LIST_ENTRY(t, struct rig, timer)->loop);
}

static void look(struct loop_timer *t)
{
	struct rig *r = LIST_ENTRY(t, struct rig, timer);
	struct creds_keys *now = NULL;
	struct err e;
	if (creds_get(r->creds, &now, &e) != ERR_OK)
		now = NULL;
	if (now != r->last) {
		if (now != NULL)
			print_keys(now);
		else
			print_err(&e);
		creds_keys_release(r->last);
		r->last = now;
	} else
		creds_keys_release(now);
	if (loop_now_ms(r->loop) >= r->end_ms ||
	    loop_timer_set(r->loop, t, loop_now_ms(r->loop) + LOOK_MS) != ERR_OK)
		loop_stop(r->loop);
}

static void on_line(struct loop_watch *w, uint32_t events)
{
	struct rig *r = LIST_ENTRY(w, struct rig, in);
	char line[64];
	(void)events;
	ssize_t n = read(w->fd, line, sizeof line - 1);
	if (n <= 0) {
		loop_watch_del(r->loop, w);
		return;
	}
	struct buf out = begin_object();
	number(&out, "refused", r->last != NULL && creds_refused(r->creds, r->last));
	flush_object(&out);
}

static int run(const char *mode, const char *arg)
{
	bool watch = strcmp(mode, "watch") == 0;
	struct rig r = {.timer.fn = watch ? look : on_late, .in = {.fd = STDIN_FILENO, .fn = on_line}};
	struct creds_options o = {.environ_ = environ, .container_host = watch ? NULL : arg};
	struct creds_wait *wait = NULL;
	struct err e;
	if (loop_new(&r.loop, &e) != ERR_OK || creds_new(&o, &r.creds, &e) != ERR_OK ||
	    httpc_new(r.loop, &r.http, &e) != ERR_OK || creds_start(r.creds, r.loop, r.http, &e) != ERR_OK)
		return 2;
	r.end_ms = loop_now_ms(r.loop) + (watch ? strtol(arg, NULL, 10) * 1000 : WAIT_MS);
	if (loop_timer_set(r.loop, &r.timer, watch ? loop_now_ms(r.loop) : r.end_ms) != ERR_OK)
		return 2;
	if (watch && loop_watch_add(r.loop, &r.in, EPOLLIN, &e) != ERR_OK)
		return 2;
	if (!watch && creds_wait(r.creds, r.loop, on_keys, &r, &wait) != ERR_OK)
		return 2;
	loop_run(r.loop);
	if (!watch && !r.answered)
		creds_wait_cancel(wait);
	loop_timer_clear(r.loop, &r.timer);
	creds_stop(r.creds);
	loop_drain(r.loop);
	creds_keys_release(r.last);
	creds_free(r.creds);
	httpc_free(r.http);
	loop_free(r.loop);
	return 0;
}

static void print_endpoint(enum err_code code, const struct endpoint *p, const struct err *e)
{
	if (code != ERR_OK) {
		print_err(e);
		return;
	}
	struct buf out = begin_object();
	member(&out, "url", p->url);
	member(&out, "host", p->host);
	member(&out, "region", p->region);
	member(&out, "sign_region", p->sign_region);
	member(&out, "region_from", p->region_from);
	member(&out, "url_from", p->url_from);
	flush_object(&out);
}

static void compute(const char *service, struct str line)
{
	char region[64];
	struct str name, rest, fips, dual;
	struct endpoint p = {.region_from = ""};
	struct err e;
	(void)str_cut(line, ' ', &name, &rest);
	(void)str_cut(rest, ' ', &fips, &dual);
	if (!str_copy(region, sizeof region, name))
		region[0] = '\0';
	print_endpoint(endpoint_compute(service, region, str_is(fips, "1"), str_is(dual, "1"), &p, &e), &p,
	               &e);
}

static void words(struct str line)
{
	const struct json_limits limits = {2, 10};
	struct json *j = NULL;
	struct shell_words w = {0};
	struct err e;
	enum err_code code = json_parse(line, &limits, &j, &e);
	if (code == ERR_OK)
		code = shell_split(json_str(j), &w, &e);
	json_free(j);
	if (code != ERR_OK) {
		print_err(&e);
		return;
	}
	struct buf out = begin_object();
	buf_z(&out, "\"words\": [");
	for (size_t i = 0; i < w.n; i++) {
		buf_z(&out, i > 0 ? ", " : "");
		codec_json(&out, str_c(w.v[i]));
	}
	buf_z(&out, "]");
	flush_object(&out);
	shell_split_free(&w);
}

static void expiry(struct str line)
{
	int64_t s = -1;
	struct buf out = begin_object();
	if (!time_read_rfc3339(line, &s))
		s = -1;
	number(&out, "expires", s);
	flush_object(&out);
}

static void lines(const char *mode, const char *arg)
{
	char *line = NULL;
	size_t cap = 0;
	for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
		struct str s = {line, (size_t)(line[n - 1] == '\n' ? n - 1 : n)};
		if (strcmp(mode, "compute") == 0)
			compute(arg, s);
		else if (strcmp(mode, "words") == 0)
			words(s);
		else
			expiry(s);
	}
	free(line);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : NULL;
	struct endpoint p = {.region_from = ""};
	struct err e;
	if (crypto_start(&e) != ERR_OK || httpc_global_start(&e) != ERR_OK ||
	    log_start(LOG_WARN, LOG_TEXT, STDERR_FILENO, &e) != ERR_OK)
		return 2;
	int code = 0;
	if (strcmp(mode, "get") == 0 || strcmp(mode, "watch") == 0)
		code = run(mode, arg);
	else if (strcmp(mode, "endpoint") == 0) {
		struct endpoint_options o = {.environ_ = environ, .service = arg};
		enum err_code got = endpoint_load(&o, &p, &e);
		print_endpoint(got, &p, &e);
	} else
		lines(mode, arg);
	log_stop();
	return code;
}
