#include "obs/audit.h"

#include "base/crypto.h"
#include "obs/log.h"

enum { FIELDS_MAX = 13, LOWER_MAX = 256 };

static struct {
	bool set;
	uint8_t key[CRYPTO_SIPHASH_KEY_LEN];
} audit_;

enum err_code audit_key(struct str seal_key)
{
	enum err_code code = crypto_hkdf_sha256(seal_key, STR(""), STR("account-linkd log digest"),
	                                        audit_.key, sizeof audit_.key);
	audit_.set = code == ERR_OK;
	return code;
}

struct audit_digest audit_digest(struct str value)
{
	static const char digits[] = "0123456789abcdef";
	struct audit_digest ret = {"-"};
	if (!audit_.set)
		return ret;
	uint64_t sum = crypto_siphash(audit_.key, value);
	for (size_t i = AUDIT_DIGEST_LEN; i-- > 0; sum >>= 4)
		ret.s[i] = digits[sum & 15];
	return ret;
}

struct audit_digest audit_digest_email(struct str email)
{
	char lower[LOWER_MAX];
	if (email.n > sizeof lower)
		return audit_digest(email);
	for (size_t i = 0; i < email.n; i++) {
		char c = email.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		lower[i] = c;
	}
	return audit_digest((struct str){lower, email.n});
}

struct line {
	size_t n;
	struct log_field field[FIELDS_MAX];
};

static void put(struct line *l, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		l->field[l->n++] = log_z(key, value);
}

/* `digest` must stay in place until the line is written. */
static void put_digest(struct line *l, const char *key, const char *value, struct audit_digest *digest)
{
	if (value == NULL || value[0] == '\0')
		return;
	*digest = audit_digest(str_c(value));
	put(l, key, digest->s);
}

void audit_line(const struct audit *a)
{
	struct line l = {.n = 0};
	struct audit_digest customer, psid, email;
	put(&l, "action", a->action);
	put(&l, "result", a->result);
	put(&l, "reason", a->reason);
	put(&l, "way", a->way);
	put(&l, "client", a->client);
	put(&l, "actor", a->actor);
	put_digest(&l, "customer_digest", a->customer_id, &customer);
	put_digest(&l, "psid_digest", a->psid, &psid);
	if (a->email != NULL && a->email[0] != '\0') {
		email = audit_digest_email(str_c(a->email));
		put(&l, "email_digest", email.s);
	}
	put(&l, "page_id", a->page_id);
	put(&l, "code_digest", a->code_digest);
	put(&l, "browser_digest", a->browser_digest);
	if (a->event_time_ms != 0)
		l.field[l.n++] = log_int("event_time_ms", a->event_time_ms);
	log_audit(l.field, l.n);
}
