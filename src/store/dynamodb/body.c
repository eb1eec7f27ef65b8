#include "store/dynamodb/body.h"

#include <string.h>

#include "base/codec.h"
#include "store/dynamodb/item.h"
#include "store/key_text.h"
#include "store/odd.h"

enum { BODY_FIRST = 1500 }; /* bytes: a link's body without another allocation */

void dynamodb_body_begin(const struct dynamodb_body *b)
{
	buf_reset(b->out);
	(void)buf_reserve(b->out, BODY_FIRST);
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

static void put_text(struct buf *out, struct str s)
{
	buf_z(out, "{\"S\":");
	codec_json(out, s);
	buf_z(out, "}");
}

static void put_s(struct buf *out, const char *z)
{
	put_text(out, str_c(z));
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
	put_s(b->out, key->id);
	if (b->sort_key) {
		buf_z(b->out, ",\"email\":");
		put_s(b->out, key->email);
	}
	buf_z(b->out, "}");
}

static void put_s_of(struct buf *out, const struct json *item, const char *attribute)
{
	buf_printf(out, "\"%s\":", attribute);
	put_text(out, dynamodb_item_str(item, attribute));
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
	put_s(b->out, key->id);
	buf_z(b->out, ",\"email\":");
	put_s(b->out, key->email);
	if (hash.n > 0) {
		buf_z(b->out, ",\"password\":");
		put_s(b->out, hash.p);
	}
	buf_z(b->out, "}");
}

static void put_packed(struct buf *out, const struct store_key *key)
{
	char packed[KEY_TEXT_MAX + 1];
	key_text_make(key, packed);
	put_s(out, packed);
}

/* What a letter stands for in every expression, as :d. */
static void put_value(const struct dynamodb_body *b, const struct store_values *v, char letter)
{
	struct buf *out = b->out;
	switch (letter) {
	case 'k': put_s(out, v->id); break;
	case 'l': put_s(out, v->email); break;
	case 'a': put_s(out, v->past); break;
	case 'd': put_s(out, v->digest); break;
	case 'p': put_s(out, v->psid); break;
	case 'g': put_s(out, v->page_id); break;
	case 't': put_n(out, v->time_ms); break;
	case 's': put_n(out, v->now_s); break;
	case 'e': put_n(out, v->expires_s); break;
	case 'w': put_n(out, v->window_s); break;
	case 'r': put_packed(out, v->replaces); break;
	case 'm': put_s(out, v->me); break;
	case 'n': put_s(out, v->hash); break;
	case 'o': put_s(out, v->old_hash); break;
	case 'j': put_n(out, odd_latest_ms()); break;                    /* the latest valid time of a link */
	case 'u': put_n(out, v->window_s + ODD_WINDOW_MAX_S / 2); break; /* the latest end of a window */
	case 'c': put_n(out, ODD_FAILURES_MAX); break;
	/* what the item was seen to hold before an ISSUE */
	case 'h': put_text(out, dynamodb_item_str(b->seen, "password")); break;
	case 'x': put_text(out, dynamodb_item_str(b->seen, "authorization_code")); break;
	case 'y': put_text(out, dynamodb_item_str(b->seen, "fb_link_code")); break;
	default: put_n(out, 1); break;
	}
}

/* DynamoDB takes neither a value no expression names nor one named twice.  The end of an expression is always
 * seen. */
static void put_values(const struct dynamodb_body *b, const struct store_values *v, const char *expression,
                       char *seen)
{
	for (const char *p = strchr(expression, ':'); p != NULL; p = strchr(p + 1, ':')) {
		if (strchr(seen, p[1]) != NULL)
			continue;
		buf_z(b->out, seen[0] == '\0' ? "\":" : ",\":");
		buf_put(b->out, p + 1, 1);
		buf_z(b->out, "\":");
		put_value(b, v, p[1]);
		seen[strlen(seen)] = p[1];
	}
}

void dynamodb_body_values(const struct dynamodb_body *b, const char *first, const char *second)
{
	char seen[32] = ""; /* more than there are letters */
	struct store_values v = store_values(b->op);
	member(b, "ExpressionAttributeValues");
	buf_z(b->out, "{");
	put_values(b, &v, first, seen);
	if (second != NULL)
		put_values(b, &v, second, seen);
	buf_z(b->out, "}");
}
