#include "login/device.h"

#include "base/crypto.h"

#include <string.h>

enum { TIME_LEN = 8, ENTRY_LEN = 2 * DEVICE_DIGEST_LEN + TIME_LEN, FIELDS_MAX = 1 + DEVICE_CUSTOMERS_MAX };

_Static_assert((int)FIELDS_MAX <= (int)SEAL_FIELDS_MAX, "the customers fit into a token");
_Static_assert((SEAL_OVERHEAD + 2 + DEVICE_ID_LEN + DEVICE_CUSTOMERS_MAX * (2 + ENTRY_LEN) + 2) / 3 * 4 <=
                       DEVICE_TEXT_MAX,
               "a full token is not too long to be read again");

static enum err_code digest(struct str text, uint8_t ret[DEVICE_DIGEST_LEN])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	enum err_code code = crypto_sha256(text, sum);
	memcpy(ret, sum, DEVICE_DIGEST_LEN);
	return code;
}

static enum err_code digest_email(struct str email, uint8_t ret[DEVICE_DIGEST_LEN])
{
	char lower[STORE_EMAIL_MAX + 1];
	(void)str_copy(lower, sizeof lower, email);
	(void)str_lower(lower);
	return digest(str_c(lower), ret);
}

/* Neither text contains a NUL, so two different keys never give the same text. */
enum err_code device_key_digest(const struct store_key *key, uint8_t ret[DEVICE_DIGEST_LEN])
{
	char text[sizeof key->id + sizeof key->email];
	size_t id = strlen(key->id) + 1, email = strlen(key->email);
	memcpy(text, key->id, id);
	memcpy(text + id, key->email, email);
	return digest((struct str){text, id + email}, ret);
}

/* --- the sealed token */

static void put_entry(const struct device_customer *c, uint8_t ret[ENTRY_LEN])
{
	memcpy(ret, c->key, DEVICE_DIGEST_LEN);
	memcpy(ret + DEVICE_DIGEST_LEN, c->email, DEVICE_DIGEST_LEN);
	for (int i = 0; i < TIME_LEN; i++)
		ret[2 * DEVICE_DIGEST_LEN + i] = (uint8_t)((uint64_t)c->at_s >> (56 - 8 * i));
}

static struct device_customer get_entry(const char *p)
{
	struct device_customer c;
	uint64_t at_s = 0;
	memcpy(c.key, p, DEVICE_DIGEST_LEN);
	memcpy(c.email, p + DEVICE_DIGEST_LEN, DEVICE_DIGEST_LEN);
	for (int i = 0; i < TIME_LEN; i++)
		at_s = at_s << 8 | (uint8_t)p[2 * DEVICE_DIGEST_LEN + i];
	c.at_s = (int64_t)at_s;
	return c;
}

static bool is_current(const struct device_customer *c, int64_t now_s)
{
	return c->at_s <= now_s + DEVICE_SKEW_S && c->at_s > now_s - DEVICE_TTL_S;
}

static void read_fields(const struct seal_open *o, int64_t now_s, struct device *ret)
{
	if (o->n < 1 || o->n > FIELDS_MAX || o->field[0].n != DEVICE_ID_LEN)
		return;
	memcpy(ret->id, o->field[0].p, DEVICE_ID_LEN);
	for (size_t i = 1; i < o->n; i++) {
		if (o->field[i].n != ENTRY_LEN)
			continue;
		ret->customer[ret->n] = get_entry(o->field[i].p);
		ret->n += is_current(&ret->customer[ret->n], now_s);
	}
}

void device_open(const struct sealer *s, struct str cookie, int64_t now_s, struct device *ret)
{
	struct seal_open o NOT_ZEROED;
	*ret = (struct device){.n = 0};
	if (cookie.n > DEVICE_TEXT_MAX || seal_open(s, SEAL_DEVICE, cookie, &o) != ERR_OK)
		return;
	read_fields(&o, now_s, ret);
	seal_open_done(&o);
}

/* --- the customers in it */

static const struct device_customer *find(const struct device *d, const uint8_t email[DEVICE_DIGEST_LEN])
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(d->customer[i].email, email, DEVICE_DIGEST_LEN) == 0)
			return &d->customer[i];
	return NULL;
}

const struct device_customer *device_find(const struct device *d, struct str email)
{
	uint8_t sum[DEVICE_DIGEST_LEN];
	if (d->n == 0 || digest_email(email, sum) != ERR_OK)
		return NULL;
	return find(d, sum);
}

bool device_is(const struct device_customer *c, const struct store_key *key)
{
	uint8_t sum[DEVICE_DIGEST_LEN];
	return device_key_digest(key, sum) == ERR_OK && memcmp(c->key, sum, sizeof sum) == 0;
}

static size_t oldest(const struct device *d)
{
	size_t at = 0;
	for (size_t i = 1; i < d->n; i++)
		if (d->customer[i].at_s < d->customer[at].at_s)
			at = i;
	return at;
}

/* The index for the customer with this e-mail: its present one, else a free one, else the oldest one. */
static size_t place_of(struct device *d, const uint8_t email[DEVICE_DIGEST_LEN])
{
	const struct device_customer *known = find(d, email);
	if (known != NULL)
		return (size_t)(known - d->customer);
	return d->n < DEVICE_CUSTOMERS_MAX ? d->n++ : oldest(d);
}

enum err_code device_add(struct device *d, struct str email, const struct store_key *key, int64_t now_s)
{
	struct device_customer c = {.at_s = now_s};
	enum err_code code = d->n == 0 ? crypto_random(d->id, sizeof d->id) : ERR_OK;
	if (code == ERR_OK)
		code = digest_email(email, c.email);
	if (code == ERR_OK)
		code = device_key_digest(key, c.key);
	if (code == ERR_OK)
		d->customer[place_of(d, c.email)] = c;
	return code;
}

/* --- the cookie */

static enum err_code seal(const struct sealer *s, const struct device *d, struct buf *out)
{
	uint8_t entry[DEVICE_CUSTOMERS_MAX][ENTRY_LEN];
	struct str field[FIELDS_MAX] = {{(const char *)d->id, DEVICE_ID_LEN}};
	for (size_t i = 0; i < d->n; i++) {
		put_entry(&d->customer[i], entry[i]);
		field[i + 1] = (struct str){(const char *)entry[i], ENTRY_LEN};
	}
	return seal_make(s, SEAL_DEVICE, NULL, field, d->n + 1, out);
}

const char *device_cookie_name(const struct config *cfg)
{
	return cfg->public_https ? "__Host-linkd-device" : "linkd-device";
}

enum err_code device_cookie(const struct config *cfg, const struct sealer *s, const struct device *d,
                            struct buf *out)
{
	buf_printf(out, "%s=", device_cookie_name(cfg));
	enum err_code code = seal(s, d, out);
	buf_printf(out, "; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax%s", DEVICE_TTL_S,
	           cfg->public_https ? "; Secure" : "");
	return code == ERR_OK && out->failed ? ERR_NOMEM : code;
}
