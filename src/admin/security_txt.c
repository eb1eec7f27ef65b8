#include "admin/security_txt.h"

#include <time.h>

#include "base/clock.h"
#include "service.h"

enum { TEXT_MAX = 4096, VALID_S = 180 * 24 * 3600 }; /* RFC 9116 section 2.5.5: less than a year */

static void put_expiry(struct buf *out)
{
	char text[sizeof "2026-01-31T23:59:59Z"] = "";
	time_t at = (time_t)(clock_wall_ms() / 1000 + VALID_S);
	struct tm utc;
	if (gmtime_r(&at, &utc) != NULL)
		(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	buf_printf(out, "Expires: %s\n", text);
}

void security_txt(struct request *r)
{
	const struct config *cfg = r->service->cfg;
	struct buf text;
	if (cfg->security_contact[0] == '\0') {
		reply_error(r, ERR_NOT_FOUND, NULL, NULL);
		return;
	}
	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "Contact: %s\n", cfg->security_contact);
	put_expiry(&text);
	buf_z(&text, "Preferred-Languages: en\n");
	if (cfg->public_https) /* section 2.5.2: an https address */
		buf_printf(&text, "Canonical: %s/.well-known/security.txt\n", cfg->public_url);
	reply_body(r, 200, "text/plain; charset=utf-8", &text);
}
