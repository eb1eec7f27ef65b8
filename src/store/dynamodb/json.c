/* DynamoDB's JSON: items that were read, bodies of requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "store/dynamodb/private.h"
#include "store/record.h"

enum { BODY_FIRST = 1500 }; /* bytes: the body of a link needs no other allocation */

/* --- items */

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
	record_link(ret);
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
        {"authorization_code_replaces", RECORD_PACKED_MAX},
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
			record_tell_odd(dynamodb_item_str(item, "customer_id"), ours[i].name);
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
	record_customer(ret);
	dynamodb_item_tell_odd(item);
}

/* --- bodies */

void dynamodb_body_begin(struct dynamodb_body *b)
{
	httpc_outgoing_init(&b->http, DYNAMODB_BODY_MAX, BODY_FIRST);
	b->out = &b->http.bytes;
	buf_z(b->out, "{\"TableName\":");
	codec_json(b->out, str_c(b->table));
}

void dynamodb_body_end(const struct dynamodb_body *b)
{
	buf_z(b->out, "}");
}

static void member(const struct dynamodb_body *b, const char *name)
{
	buf_z(b->out, ",\"");
	buf_z(b->out, name);
	buf_z(b->out, "\":");
}

void dynamodb_body_text(const struct dynamodb_body *b, const char *name, struct str value)
{
	member(b, name);
	buf_z(b->out, "\"");
	buf_str(b->out, value);
	buf_z(b->out, "\"");
}

void dynamodb_body_raw(const struct dynamodb_body *b, const char *name, const char *json)
{
	member(b, name);
	buf_z(b->out, json);
}

static void put_s(struct buf *out, struct str s)
{
	buf_z(out, "{\"S\":");
	codec_json(out, s);
	buf_z(out, "}");
}

static void put_n(struct buf *out, int64_t n)
{
	buf_z(out, "{\"N\":\"");
	buf_int(out, n);
	buf_z(out, "\"}");
}

void dynamodb_body_key(const struct dynamodb_body *b, const char *name, const struct store_key *key)
{
	member(b, name);
	buf_z(b->out, "{\"customer_id\":");
	put_s(b->out, str_c(key->id));
	if (b->sort_key) {
		buf_z(b->out, ",\"email\":");
		put_s(b->out, str_c(key->email));
	}
	buf_z(b->out, "}");
}

static void put_s_of(struct buf *out, const struct json *item, const char *attribute)
{
	buf_printf(out, "\"%s\":", attribute);
	put_s(out, dynamodb_item_str(item, attribute));
}

void dynamodb_body_key_of(const struct dynamodb_body *b, const char *name, const struct json *item)
{
	member(b, name);
	buf_z(b->out, "{");
	put_s_of(b->out, item, "customer_id");
	if (b->sort_key) {
		buf_z(b->out, ",");
		put_s_of(b->out, item, "email");
	}
	buf_z(b->out, "}");
}

void dynamodb_body_item(const struct dynamodb_body *b, const struct store_key *key, struct str hash)
{
	member(b, "Item");
	buf_z(b->out, "{\"customer_id\":");
	put_s(b->out, str_c(key->id));
	buf_z(b->out, ",\"email\":");
	put_s(b->out, str_c(key->email));
	if (hash.n > 0) {
		buf_z(b->out, ",\"password\":");
		put_s(b->out, hash);
	}
	buf_z(b->out, "}");
}

static void put_packed(struct buf *out, const struct store_key *key)
{
	char packed[RECORD_PACKED_MAX + 1];
	record_pack_key(key, packed);
	put_s(out, str_c(packed));
}

/* What a letter stands for in every expression, as :d. */
static void put_value(const struct dynamodb_body *b, const struct store_values *v, char letter)
{
	struct buf *out = b->out;
	switch (letter) {
	case 'k': put_s(out, str_c(v->id)); break;
	case 'l': put_s(out, str_c(v->email)); break;
	case 'a': put_s(out, str_c(v->past)); break;
	case 'd': put_s(out, str_c(v->digest)); break;
	case 'p': put_s(out, str_c(v->psid)); break;
	case 'g': put_s(out, str_c(v->page_id)); break;
	case 't': put_n(out, v->time_ms); break;
	case 's': put_n(out, v->now_s); break;
	case 'e': put_n(out, v->expires_s); break;
	case 'w': put_n(out, v->window_s); break;
	case 'r': put_packed(out, v->replaces); break;
	case 'm': put_s(out, str_c(v->me)); break;
	case 'n': put_s(out, str_c(v->hash)); break;
	case 'o': put_s(out, str_c(v->old_hash)); break;
	case 'j': put_n(out, record_latest_ms()); break; /* the latest valid time of a link */
	case 'u': put_n(out, v->window_s + RECORD_WINDOW_MAX_S / 2); break; /* the latest end of a window */
	case 'c': put_n(out, RECORD_FAILURES_MAX); break;
	/* what the item was seen to hold before an ISSUE */
	case 'h': put_s(out, dynamodb_item_str(b->seen, "password")); break;
	case 'x': put_s(out, dynamodb_item_str(b->seen, "authorization_code")); break;
	case 'y': put_s(out, dynamodb_item_str(b->seen, "fb_link_code")); break;
	default: put_n(out, 1); break;
	}
}

/* DynamoDB takes neither a value no expression names nor one named twice.  The end of an expression is always
 * seen. */
void dynamodb_body_values(const struct dynamodb_body *b, const char *first, const char *second)
{
	const char *const expression[] = {first, second == NULL ? "" : second};
	char seen[32] = ""; /* more than there are letters */
	struct store_values v = store_values(b->op);
	member(b, "ExpressionAttributeValues");
	buf_z(b->out, "{");
	for (size_t i = 0; i < 2; i++)
		for (const char *p = strchr(expression[i], ':'); p != NULL; p = strchr(p + 1, ':')) {
			if (strchr(seen, p[1]) != NULL)
				continue;
			buf_z(b->out, seen[0] == '\0' ? "\":" : ",\":");
			buf_put(b->out, p + 1, 1);
			buf_z(b->out, "\":");
			put_value(b, &v, p[1]);
			seen[strlen(seen)] = p[1];
		}
	buf_z(b->out, "}");
}
