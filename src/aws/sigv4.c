#include "aws/sigv4.h"

#include <stdio.h>
#include <string.h>

#include "aws/creds/creds.h"
#include "aws/sigv4_key.h"
#include "base/codec.h"
#include "base/crypto.h"

enum { TEXT_MAX = 1 << 20, DAY_S = 86400 };

/* The civil date of a day count since 1970-01-01 (proleptic Gregorian, years of 400 in eras). */
static void civil(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468, era = z / 146097, day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
	                      365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153; /* months from March */
	*ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

static char *digits(char *at, int value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + width;
}

bool sigv4_date(int64_t time_s, char ret[SIGV4_DATE_LEN + 1])
{
	int year, month, day, rest = (int)(time_s % DAY_S);
	if (time_s < 0 || time_s > INT64_C(253402300799)) /* the last second of 9999 */
		return false;
	civil(time_s / DAY_S, &year, &month, &day);
	char *at = digits(digits(digits(ret, year, 4), month, 2), day, 2);
	*at++ = 'T';
	at = digits(digits(digits(at, rest / 3600, 2), rest / 60 % 60, 2), rest % 60, 2);
	*at++ = 'Z';
	*at = '\0';
	return true;
}

enum err_code sigv4_string_to_sign(const struct sigv4_scope *scope, struct str canonical, struct buf *out,
                                   struct err *reterr)
{
	char date[SIGV4_DATE_LEN + 1];
	uint8_t sum[CRYPTO_SHA256_LEN];
	enum err_code code = sigv4_key_check(scope, date, reterr);
	if (code != ERR_OK)
		return code;
	if (crypto_sha256(canonical, sum) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a digest");
	buf_printf(out, "AWS4-HMAC-SHA256\n%s\n%.8s/%.*s/%.*s/aws4_request\n", date, date,
	           (int)scope->region.n, scope->region.p, (int)scope->service.n, scope->service.p);
	codec_hex(out, sum, sizeof sum);
	return out->failed ? err_set(reterr, ERR_NOMEM, "no memory for a string to sign") : ERR_OK;
}

enum err_code sigv4_signature(const struct sigv4_scope *scope, struct str secret, struct str string_to_sign,
                              char ret[SIGV4_SIGNATURE_LEN + 1], struct err *reterr)
{
	char date[SIGV4_DATE_LEN + 1];
	uint8_t key[CRYPTO_SHA256_LEN], sum[CRYPTO_SHA256_LEN];
	enum err_code code = sigv4_key_check(scope, date, reterr);
	if (code != ERR_OK)
		return code;
	code = sigv4_key_derive(scope, secret, date, key, reterr);
	if (code != ERR_OK)
		return code;
	code = crypto_hmac_sha256((struct str){(const char *)key, sizeof key}, string_to_sign, sum);
	crypto_wipe(key, sizeof key);
	if (code != ERR_OK)
		return err_set(reterr, code, "no memory for a signature");
	sigv4_key_hex(sum, ret);
	return ERR_OK;
}

static enum err_code authorize(const struct sigv4_scope *scope, const struct creds_keys *keys,
                               struct str canonical, struct str names, struct buf *out, struct err *reterr)
{
	char signature[SIGV4_SIGNATURE_LEN + 1], date[SIGV4_DATE_LEN + 1];
	struct buf to_sign;
	buf_init(&to_sign, TEXT_MAX);
	enum err_code code = sigv4_string_to_sign(scope, canonical, &to_sign, reterr);
	if (code == ERR_OK)
		code = sigv4_signature(scope, str_c(keys->secret_access_key), buf_view(&to_sign), signature,
		                       reterr);
	buf_done(&to_sign);
	if (code != ERR_OK || !sigv4_date(scope->time_s, date))
		return code;
	buf_printf(out,
	           "AWS4-HMAC-SHA256 Credential=%s/%.8s/%.*s/%.*s/aws4_request, SignedHeaders=%.*s, "
	           "Signature=%s",
	           keys->access_key_id, date, (int)scope->region.n, scope->region.p, (int)scope->service.n,
	           scope->service.p, (int)names.n, names.p, signature);
	return out->failed ? err_set(reterr, ERR_NOMEM, "no memory for a signature") : ERR_OK;
}

enum err_code sigv4_authorize(const struct sigv4_scope *scope, const struct creds_keys *keys,
                              const struct sigv4_request *req, struct buf *out, struct err *reterr)
{
	struct buf canonical, names;
	enum err_code code = sigv4_key_check_keys(keys, reterr);
	if (code != ERR_OK)
		return code;
	buf_init(&canonical, TEXT_MAX);
	buf_init(&names, TEXT_MAX);
	code = sigv4_canonical(req, &canonical, &names, reterr);
	if (code == ERR_OK)
		code = authorize(scope, keys, buf_view(&canonical), buf_view(&names), out, reterr);
	crypto_wipe_buf(&canonical); /* it holds the token */
	buf_done(&names);
	return code;
}
