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

static void put_s(struct buf *out, const char *z)
{
	buf_z(out, "{\"S\":");
	codec_json(out, str_c(z));
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
	put_s(b->out, key->id);
	if (b->sort_key) {
		buf_z(b->out, ",\"email\":");
		put_s(b->out, key->email);
	}
	buf_z(b->out, "}");
}

static void put_s_of(struct buf *out, const struct json *item, const char *attribute)
{
	buf_printf(out, "\"%s\":{\"S\":", attribute);
	codec_json(out, dynamodb_item_str(item, attribute));
	buf_z(out, "}");
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

static void put_holder(struct buf *out, const struct store_in *in)
{
	char packed[KEY_TEXT_MAX + 1];
	struct store_key key;
	(void)str_copy(key.id, sizeof key.id, str_c(in->replaces));
	(void)str_copy(key.email, sizeof key.email, str_c(in->replaces_email));
	key_text_make(&key, packed);
	put_s(out, packed);
}

static void put_value(struct buf *out, const struct store_in *in, char letter)
{
	switch (letter) {
	case 'd': put_s(out, in->digest); break;
	case 'p': put_s(out, in->psid); break;
	case 'g': put_s(out, in->page_id); break;
	case 't': put_n(out, in->time_ms); break;
	case 's': put_n(out, in->now_s); break;
	case 'e': put_n(out, in->expires_s); break;
	case 'w': put_n(out, in->window_s); break;
	case 'r': put_holder(out, in); break;
	case 'm': put_s(out, in->me); break;
	case 'o': put_s(out, in->old_hash); break;
	case 'n': put_s(out, in->new_hash); break;
	case 'l': put_s(out, in->email); break;
	case 'k': put_s(out, in->key.id); break;
	case 'j': put_n(out, odd_latest_ms()); break;
	case 'u': put_n(out, in->window_s + ODD_WINDOW_MAX_S / 2); break;
	case 'c': put_n(out, ODD_FAILURES_MAX); break;
	case 'h': put_s(out, in->hash_seen); break;
	case 'x': put_s(out, in->code_seen); break;
	case 'y': put_s(out, in->link_code_seen); break;
	default: put_n(out, 1); break;
	}
}

/* DynamoDB takes neither a value no expression names nor one named twice.  The end of an expression is always
 * seen. */
static void put_values(const struct dynamodb_body *b, const char *expression, char *seen)
{
	for (const char *p = strchr(expression, ':'); p != NULL; p = strchr(p + 1, ':')) {
		if (strchr(seen, p[1]) != NULL)
			continue;
		buf_z(b->out, seen[0] == '\0' ? "\":" : ",\":");
		buf_put(b->out, p + 1, 1);
		buf_z(b->out, "\":");
		put_value(b->out, &b->op->in, p[1]);
		seen[strlen(seen)] = p[1];
	}
}

void dynamodb_body_values(const struct dynamodb_body *b, const char *first, const char *second)
{
	char seen[32] = ""; /* more than there are letters */
	member(b, "ExpressionAttributeValues");
	buf_z(b->out, "{");
	put_values(b, first, seen);
	if (second != NULL)
		put_values(b, second, seen);
	buf_z(b->out, "}");
}
