/* account-linkd doctor: checks the store, the pages at Facebook and the public address, and gives the remedy for each
 * fault. */
#include "cli/doctor.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "net/httpc.h"

void doctor_note(struct doctor *d, const char *check, enum doctor_verdict v, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "advice", "fault", "skipped"};
	struct cli *c = d->c;
	char text[DOCTOR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	cli_item(c);
	cli_str(c, "check", str_c(check));
	cli_str(c, "result", str_c(words[v]));
	cli_str(c, "text", str_c(text));
	d->faults += v == DOCTOR_FAULT;
}

void doctor_clock(struct doctor *d, const char *check, const char *whose, int64_t off_ms)
{
	int64_t size = off_ms < 0 ? -off_ms : off_ms;
	enum doctor_verdict v = size >= DOCTOR_CLOCK_BAD_MS    ? DOCTOR_FAULT
	                        : size >= DOCTOR_CLOCK_WARN_MS ? DOCTOR_ADVICE
	                                                       : DOCTOR_OK;
	doctor_note(d, check, v, "this machine's clock is %lld s %s %s clock%s", (long long)(size / 1000),
	            off_ms < 0 ? "ahead of" : "behind", whose,
	            v == DOCTOR_OK ? ""
	                           : ": synchronise this machine's clock by NTP (chrony, systemd-timesyncd)");
}

static void check_keys(struct doctor *d)
{
	const struct strlist *keys = &d->cfg->seal_key;
	if (keys->n > 0)
		doctor_note(d, "seal_key", DOCTOR_OK, "%zu set; the first seals, all open", keys->n);
	else if (store_file(d->cfg) != NULL)
		doctor_note(d, "seal_key", DOCTOR_OK,
		            "kept beside the database; serve makes it at its first start");
	else
		doctor_note(
		        d, "seal_key", DOCTOR_ADVICE,
		        "LINKD_SEAL_KEY is not set here; serve needs it, the same on every instance: make "
		        "one with: openssl rand -hex 32");
}

/* One read through the whole store, as the service does it. */
static void try_store(struct doctor *d)
{
	struct cli_store s = {.cfg = NULL};
	struct store_out out = {.n = 0};
	struct err err = {.msg = ""};
	int64_t began_us = clock_mono_us();
	if (cli_store_exists(d->cfg, &err) != ERR_OK)
		doctor_note(d, "store", DOCTOR_FAULT, "%s", err.msg);
	else if (store_open(d->cfg, &s.store, &err) != ERR_OK)
		doctor_note(d, "store", DOCTOR_FAULT, "serve would not start with it: %s", err.msg);
	else if (cli_store_try(&s, cli_store_op(STORE_PING), &out, &err) != ERR_OK)
		doctor_note(d, "store", DOCTOR_FAULT, "opens, but does not answer: %s", err.msg);
	else
		doctor_note(d, "store", DOCTOR_OK, "opens and answers (%lld ms in all)",
		            (long long)((clock_mono_us() - began_us) / 1000));
	cli_store_drop(&out);
	cli_store_close(&s);
}

/* After a fault this check is skipped: it would only report the same fault again. */
static void check_answer(struct doctor *d)
{
	if (d->faults == 0)
		try_store(d);
	else
		doctor_note(d, "store", DOCTOR_SKIPPED, "fix the fault above, then run doctor again");
}

static int examine(struct doctor *d)
{
	struct err err;
	if (crypto_start(&err) != ERR_OK || httpc_global_start(&err) != ERR_OK)
		return cli_fail(d->c, "%s", err.msg);
	cli_str(d->c, "store", str_c(d->cfg->store));
	cli_list(d->c, "checks");
	if (store_file(d->cfg) == NULL)
		doctor_dynamodb(d);
	check_answer(d);
	check_keys(d);
	doctor_facebook(d);
	cli_list_end(d->c);
	cli_int(d->c, "faults", (int64_t)d->faults);
	int rc = cli_done(d->c);
	return rc == CLI_OK && d->faults > 0 ? CLI_FAILED : rc;
}

int cli_doctor(struct cli *c)
{
	struct config *cfg;
	const char *token = NULL;
	const struct cli_option options[] = {{"--token", &token, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(c, options, 0))
		return c->rc;
	if (token != NULL)
		return doctor_explain(c, token);
	if (!cli_config(c, CONFIG_STORE | CONFIG_KEYS, &cfg))
		return c->rc;
	struct doctor d = {.c = c, .cfg = cfg};
	int rc = examine(&d);
	config_free(cfg);
	return rc;
}
