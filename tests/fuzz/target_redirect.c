/* The return address.  Input: the outer token, a line end, the address. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "login/redirect.h"

static const char *const hosts[] = {"www.facebook.com", "facebook.com", "http://127.0.0.1:8099"};

/* By searching rather than cutting: the address is one of the few that may be, letter for letter. */
static bool origin_and_path(const char *uri, size_t *ret_end, bool loopback)
{
	static const char *const may[] = {
	        "https://www.facebook.com/messenger_platform/account_linking",
	        "https://www.facebook.com:443/messenger_platform/account_linking",
	        "https://facebook.com/messenger_platform/account_linking",
	        "https://facebook.com:443/messenger_platform/account_linking",
	        "http://127.0.0.1:8099/messenger_platform/account_linking",
	};
	for (size_t i = 0; i < sizeof may / sizeof *may - (loopback ? 0 : 1); i++) {
		size_t n = strlen(may[i]);
		if (strncmp(uri, may[i], n) != 0)
			continue;
		n += uri[n] == '/' ? 1 : 0;
		*ret_end = n;
		return uri[n] == '?' || uri[n] == '\0';
	}
	return false;
}

/* How often a pair of the query, which begins with its '?', has this name or begins with this "name=value".
 */
static size_t count_pairs(const char *query, const char *name)
{
	size_t count = 0, n = strlen(name);
	for (const char *at = query; (at = strstr(at, name)) != NULL; at += n)
		count += (at == query + 1 || at[-1] == '&') &&
		         (at[n] == '=' || at[n] == '&' || at[n] == '\0');
	return count;
}

static void check_accepted(struct str token, struct str uri, bool loopback)
{
	char z[REDIRECT_MAX + 1], want[REDIRECT_TOKEN_MAX + 32], token_z[REDIRECT_TOKEN_MAX + 1];
	size_t end;
	FUZZ_MUST(str_copy(z, sizeof z, uri) && str_copy(token_z, sizeof token_z, token));
	FUZZ_MUST(strspn(token_z, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
	          token.n);
	FUZZ_MUST(token.n > 0 && origin_and_path(z, &end, loopback) && z[end] == '?');
	for (size_t i = 0; i < uri.n; i++)
		FUZZ_MUST(z[i] > 0x20 && z[i] < 0x7f && strchr("\\#", z[i]) == NULL);
	FUZZ_MUST(count_pairs(z + end, "account_linking_token") == 1);
	FUZZ_MUST(count_pairs(z + end, "authorization_code") == 0);
	(void)snprintf(want, sizeof want, "account_linking_token=%s", token_z);
	FUZZ_MUST(count_pairs(z + end, want) == 1);
}

/* With the code it would be refused, and is the address and one pair more. */
static void check_appended(const struct config *cfg, struct str token, struct str uri)
{
	struct buf out;
	buf_init(&out, REDIRECT_MAX + 64);
	redirect_append(&out, uri, STR("CoDe_1-x"));
	struct str with = buf_view(&out);
	FUZZ_MUST(str_starts(with, uri) && with.n == uri.n + strlen("&authorization_code=CoDe_1-x"));
	enum redirect_verdict v = redirect_check(cfg, token, with);
	FUZZ_MUST(v == REDIRECT_CODE || (v == REDIRECT_TOO_LONG && with.n > REDIRECT_MAX));
	buf_done(&out);
}

static void judge(struct str token, struct str uri, bool loopback)
{
	char *list[3] = {(char *)(uintptr_t)hosts[0], (char *)(uintptr_t)hosts[1],
	                 (char *)(uintptr_t)hosts[2]};
	struct config cfg = {.redirect_hosts = {3, list}, .public_loopback = loopback};
	enum redirect_verdict v = redirect_check(&cfg, token, uri);
	FUZZ_MUST(redirect_reason(v) != NULL);
	if (v != REDIRECT_OK)
		return;
	FUZZ_MUST(redirect_token_ok(token));
	check_accepted(token, uri, loopback);
	check_appended(&cfg, token, uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str uri = {(const char *)data, n}, token = fuzz_part(&uri, '\n');
	judge(token, uri, false);
	judge(token, uri, true);
	return 0;
}
