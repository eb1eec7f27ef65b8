#include "store/dynamodb/item.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/key_text.h"
#include "store/odd.h"

struct str dynamodb_item_str(const struct json *item, const char *attribute)
{
	return json_str(json_get(json_get(item, attribute), "S"));
}

/* Numbers come as text, of others' tools also as "1.7E12" or with a fraction. */
int64_t dynamodb_item_int(const struct json *item, const char *attribute, int64_t otherwise)
{
	struct str text = json_str(json_get(json_get(item, attribute), "N"));
	char *end;
	if (text.n == 0)
		return otherwise;
	errno = 0;
	long long whole = strtoll(text.p, &end, 10);
	if (*end == '\0' && errno == 0)
		return whole;
	double v = strtod(text.p, &end);
	return *end == '\0' && v > -9e15 && v < 9e15 ? (int64_t)v : otherwise;
}

/* What holds a NUL is not what we can name.  False: cut to "". */
static bool copy(char *ret, size_t cap, struct str s)
{
	if (!json_has_nul(s) && str_copy(ret, cap, s))
		return true;
	ret[0] = '\0';
	return false;
}

enum dynamodb_item_state dynamodb_item_state(const struct json *item, const char *attribute, size_t max)
{
	struct str text = dynamodb_item_str(item, attribute);
	if (json_get(item, attribute) == NULL)
		return DYNAMODB_ITEM_ABSENT;
	return text.n > 0 && text.n <= max && !json_has_nul(text) ? DYNAMODB_ITEM_TEXT : DYNAMODB_ITEM_ODD;
}

static void read_link(const struct json *item, struct store_link *ret)
{
	(void)copy(ret->psid, sizeof ret->psid, dynamodb_item_str(item, "fb_psid"));
	(void)copy(ret->page_id, sizeof ret->page_id, dynamodb_item_str(item, "fb_page_id"));
	ret->linked_at_ms = dynamodb_item_int(item, "fb_linked_at", -1);
}

void dynamodb_item_link(const struct json *item, struct store_link *ret)
{
	read_link(item, ret);
	odd_link(ret);
}

/* Our attributes except keys and those that decide nothing; the longest length of a text, 0 for a number. */
static const struct {
	const char *name;
	size_t max;
} ours[] = {
        {"password", STORE_HASH_MAX},
        {"authorization_code", STORE_DIGEST_LEN},
        {"authorization_code_expires_at", 0},
        {"authorization_code_psid", STORE_PSID_MAX},
        {"authorization_code_replaces", KEY_TEXT_MAX},
        {"fb_psid", STORE_PSID_MAX},
        {"fb_page_id", STORE_PSID_MAX},
        {"fb_linked_at", 0},
        {"fb_link_code", STORE_DIGEST_LEN},
        {"login_failures", 0},
        {"login_window_ends", 0},
};

static bool is_odd(const struct json *value, size_t max)
{
	struct str text = json_str(json_get(value, max == 0 ? "N" : "S"));
	return text.n == 0 || (max > 0 && (text.n > max || json_has_nul(text)));
}

void dynamodb_item_tell_odd(const struct json *item)
{
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		const struct json *value = json_get(item, ours[i].name);
		if (value != NULL && is_odd(value, ours[i].max))
			odd_tell(dynamodb_item_str(item, "customer_id"), ours[i].name);
	}
}

void dynamodb_item_customer(const struct json *item, struct store_customer *ret)
{
	bool fits = copy(ret->key.id, sizeof ret->key.id, dynamodb_item_str(item, "customer_id"));
	fits = copy(ret->key.email, sizeof ret->key.email, dynamodb_item_str(item, "email")) && fits;
	fits = copy(ret->hash, sizeof ret->hash, dynamodb_item_str(item, "password")) && fits;
	ret->too_long = !fits || strlen(ret->key.id) + strlen(ret->key.email) > STORE_KEY_MAX;
	read_link(item, &ret->link);
	ret->login_failures = dynamodb_item_int(item, "login_failures", 0);
	ret->login_window_ends_s = dynamodb_item_int(item, "login_window_ends", 0);
	odd_customer(ret);
	dynamodb_item_tell_odd(item);
}
