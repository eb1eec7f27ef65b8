/* Keys that come as JSON or as XML of STS, and moments.  Input: a byte that chooses the reader, a byte for
 * the shape or status, the text. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/creds/creds.h"
#include "aws/creds/private.h"
#include "base/json.h"
#include "base/time.h"
#include "fuzz.h"

static const int64_t last_s = INT64_C(253402300799); /* of 9999 */

static size_t count(struct str text, const char *part)
{
	size_t n = 0, len = strlen(part);
	const char *at;
	while (len > 0 && text.n >= len && (at = memmem(text.p, text.n, part, len)) != NULL) {
		size_t used = (size_t)(at - text.p) + len;
		text = (struct str){text.p + used, text.n - used};
		n++;
	}
	return n;
}

static void check_key(const char *key, size_t max)
{
	struct str s = str_c(key);
	FUZZ_MUST(s.n > 0 && s.n <= max && str_printable(s) && !str_has(s, ' '));
}

/* What needs no decoding stands in the text as it was taken. */
static void check_verbatim(const struct creds_plan *p, struct str text)
{
	if (str_has(text, '&') || str_has(text, '\\'))
		return;
	FUZZ_MUST(fuzz_holds(text, str_c(p->keys.id)) && fuzz_holds(text, str_c(p->keys.secret)));
	FUZZ_MUST(p->keys.token == NULL || fuzz_holds(text, str_c(p->keys.token)));
}

static void check_taken(const struct creds_plan *p, struct str text)
{
	struct creds_keys *k = NULL;
	check_verbatim(p, text);
	check_key(p->keys.id, 128);
	check_key(p->keys.secret, 256);
	if (p->keys.token != NULL)
		check_key(p->keys.token, 16384);
	FUZZ_MUST(p->keys.expires_at_s >= 0 && p->keys.expires_at_s <= last_s);
	FUZZ_MUST(creds_keys_new(p, &k, NULL) == ERR_OK && strcmp(k->access_key_id, p->keys.id) == 0);
	FUZZ_MUST(strcmp(k->secret_access_key, p->keys.secret) == 0);
	creds_keys_release(k);
}

/* A secret that stands in the text once, as a member of JSON or an element of XML, is in no message. */
static void check_message(const char *msg, struct str text)
{
	static const char mark[] = "SeCrEtOfFuZz";
	bool json = str_starts(str_trim(text), STR("{"));
	const char *member = json ? "\"SecretAccessKey\":\"SeCrEt" : "<SecretAccessKey>SeCrEt";
	FUZZ_MUST(str_printable(str_c(msg)));
	FUZZ_MUST(count(text, mark) != 1 || count(text, member) != 1 || strstr(msg, mark) == NULL);
}

static void read_json(struct str in)
{
	static const struct creds_json_shape shapes[] = {
	        {"Token", true, true, 0, "the container's credentials service"},
	        {"SessionToken", false, false, 1, "credential_process"},
	        {"Token", true, true, 0, "instance metadata"},
	};
	const struct creds_json_shape *shape = &shapes[fuzz_byte(&in) % 3];
	struct creds_plan p;
	struct err err = {.code = ERR_OK};
	creds_plan_init(&p);
	enum err_code code = creds_json_take(in, shape, &p, &err);
	if (code == ERR_OK) {
		check_taken(&p, in);
		FUZZ_MUST(!shape->token_needed || p.keys.token != NULL);
		FUZZ_MUST(!shape->expiry_needed || p.keys.expires_at_s > 0);
	} else {
		FUZZ_MUST(err.code == code && code != ERR_NOMEM);
		check_message(err.msg, in);
	}
	creds_plan_free(&p);
}

static void read_sts(struct str in)
{
	static const long statuses[] = {200, 403, 500, 400};
	long status = statuses[fuzz_byte(&in) % 4];
	struct exchange_answer a = {status, in};
	struct creds_plan p;
	struct err err = {.code = ERR_OK};
	creds_plan_init(&p);
	enum exchange_next next = creds_sts_take(&p, "AssumeRole", &a, &err);
	if (next == EXCHANGE_DONE) {
		FUZZ_MUST(status == 200 && p.keys.token != NULL && p.keys.expires_at_s > 0);
		check_taken(&p, in);
	} else {
		FUZZ_MUST((next == EXCHANGE_FAILED || next == EXCHANGE_AGAIN) && err.code != ERR_OK &&
		          err.code != ERR_NOMEM);
		FUZZ_MUST(p.keys.id == NULL && p.keys.secret == NULL);
		check_message(err.msg, in);
	}
	creds_plan_free(&p);
}

/* The C library, asked for the same moment, writes the same date and time. */
static void read_moment(struct str in)
{
	int64_t s = -1;
	struct tm tm;
	char z[32];
	if (!time_read_rfc3339(in, &s)) {
		FUZZ_MUST(s == -1);
		return;
	}
	FUZZ_MUST(s > 0 && s <= last_s && in.n >= 20);
	time_t local = s;
	if (in.p[in.n - 1] != 'Z' && in.p[in.n - 1] != 'z') {
		size_t sign = in.n - 1;
		while (in.p[sign] != '+' && in.p[sign] != '-')
			sign--;
		int hours = (in.p[sign + 1] - '0') * 10 + in.p[sign + 2] - '0';
		int minutes = (in.p[in.n - 2] - '0') * 10 + in.p[in.n - 1] - '0';
		local += (in.p[sign] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	}
	bool leap_second = in.p[17] == '6';
	local -= leap_second ? 1 : 0;
	FUZZ_MUST(gmtime_r(&local, &tm) != NULL && strftime(z, sizeof z, "%Y-%m-%dT%H:%M:%S", &tm) == 19);
	FUZZ_MUST(memcmp(z, in.p, 10) == 0 && memcmp(z + 11, in.p + 11, leap_second ? 6 : 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const readers[])(struct str) = {read_json, read_sts, read_moment};
	struct str in = {(const char *)data, n};
	readers[fuzz_byte(&in) % 3](in);
	return 0;
}
