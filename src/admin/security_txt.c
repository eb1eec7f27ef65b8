#include "admin/admin.h"

#include "base/clock.h"
#include "base/time.h"
#include "service.h"

enum { TEXT_MAX = 4096, VALID_S = 180 * 24 * 3600 }; /* RFC 9116 section 2.5.5: less than a year */

void security_txt(struct request *r)
{
	const struct config *cfg = r->service->cfg;
	char expires[TIME_RFC3339_LEN + 1];
	struct buf text;
	if (cfg->security_contact[0] == '\0' ||
	    !time_write_rfc3339(clock_wall_ms() / 1000 + VALID_S, expires)) {
		reply_error(r, ERR_NOT_FOUND, NULL, NULL);
		return;
	}
	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "Contact: %s\n", cfg->security_contact);
	buf_printf(&text, "Expires: %s\n", expires);
	buf_z(&text, "Preferred-Languages: en\n");
	if (cfg->public_https) /* section 2.5.2: an https address */
		buf_printf(&text, "Canonical: %s/.well-known/security.txt\n", cfg->public_url);
	reply_body(r, 200, "text/plain; charset=utf-8", &text);
}
