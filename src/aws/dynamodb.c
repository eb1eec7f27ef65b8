#include "aws/dynamodb.h"

#include <stdlib.h>

#include "aws/dynamodb_client.h"
#include "log.h"

enum {
	IN_FLIGHT = 64,
};

enum err_code dynamodb_new(const struct dynamodb_options *o, struct dynamodb **ret, struct err *reterr)
{
	struct dynamodb *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a DynamoDB client");
	d->o = *o;
	d->bucket.tokens = DYNAMODB_TOKENS;
	list_init(&d->calls);
	dynamodb_gate_init(&d->gate, o->in_flight > 0 ? o->in_flight : IN_FLIGHT);
	enum err_code code = sigv4_cache_new(&d->signer, reterr);
	struct httpc_poster_options to = {
	        .loop = o->loop, .url = o->endpoint->url, .host = o->endpoint->host, .idle_max = d->gate.max};
	if (code == ERR_OK)
		code = httpc_poster_new(&to, &d->poster, reterr);
	if (code != ERR_OK) {
		dynamodb_free(d);
		return code;
	}
	*ret = d;
	return ERR_OK;
}

void dynamodb_free(struct dynamodb *d)
{
	if (d == NULL)
		return;
	d->ending = true;
	while (!list_empty(&d->calls))
		dynamodb_cancel(LIST_ENTRY(d->calls.next, struct dynamodb_call, node));
	dynamodb_gate_end(&d->gate);
	httpc_poster_free(d->poster);
	sigv4_cache_free(d->signer);
	free(d);
}

const char *dynamodb_keys_from(const struct dynamodb *d)
{
	return d->keys_from;
}

int64_t dynamodb_idle_since_ms(const struct dynamodb *d)
{
	return d->sent_at_ms;
}

bool dynamodb_full(const struct dynamodb *d, int64_t deadline_ms)
{
	return dynamodb_gate_full(&d->gate, deadline_ms - loop_now_ms(d->o.loop));
}

void dynamodb_let_in(struct dynamodb *d)
{
	if (d->letting_in) /* the one that does goes on */
		return;
	d->letting_in = true;
	for (struct dynamodb_pass *p; (p = dynamodb_gate_next(&d->gate)) != NULL;)
		p->turn(p);
	d->letting_in = false;
}

bool dynamodb_line(struct dynamodb *d, struct dynamodb_turn *t)
{
	return dynamodb_gate_line(&d->gate, t);
}

void dynamodb_follow_clock(struct dynamodb *d)
{
	int64_t off = d->clock_seen_ms;
	if (off > -DYNAMODB_CLOCK_OFF_MS && off < DYNAMODB_CLOCK_OFF_MS)
		off = 0;
	if ((off != 0) != (d->clock_off_ms != 0)) {
		if (off != 0)
			log_line(LOG_WARN, "clock_is_wrong", log_int("seconds", -off / 1000),
			         log_z("remedy", "set the clock of this machine, for instance by NTP"));
		else
			log_line(LOG_INFO, "clock_is_right_again", log_z("by", "DynamoDB"));
	}
	d->clock_off_ms = off;
}
