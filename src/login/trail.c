#include "login/trail.h"

_Static_assert(REQUEST_BROWSER_LEN <= 2 * BROWSER_DIGEST_LEN, "as many digits are there");

/* The digest of 32 random bytes reveals nobody, so it needs no key. */
void trail_browser(struct request *r, const struct state *s)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < REQUEST_BROWSER_LEN; i++)
		r->browser[i] = digits[i % 2 == 0 ? s->browser[i / 2] >> 4 : s->browser[i / 2] & 15];
	r->browser[REQUEST_BROWSER_LEN] = '\0';
}

void trail_line(const struct request *r, const struct state *s, struct audit a)
{
	a.way = "password";
	a.client = r->client;
	a.browser_digest = r->browser;
	a.psid = s->psid;
	a.page_id = s->page_id;
	audit_line(&a);
}
