/* Answers of DynamoDB.  Input: the status, a line end, header lines, an empty line, the body.  A header
 * "x-amz-crc32: =" is replaced by the right sum. */
#include <stdio.h>
#include <string.h>

#include "aws/ddb/private.h"
#include "fuzz.h"
#include "store/dynamodb/private.h"

enum { HEADERS_MAX = 8, HEAD_MAX = 1 << 20 };

/* Bit by bit, as ISO 3309 has it. */
static uint32_t crc32(struct str s)
{
	uint32_t sum = UINT32_MAX;
	for (size_t i = 0; i < s.n; i++) {
		sum ^= (uint8_t)s.p[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
	}
	return ~sum;
}

static struct httpc_response response(struct str in)
{
	static struct buf head = {.max = HEAD_MAX};
	struct httpc_response r = {.code = ERR_OK, .sends = 1};
	struct str line, lines[HEADERS_MAX];
	uint64_t status = 0;
	size_t n = 0;
	(void)str_u64(fuzz_part(&in, '\n'), 999, &status);
	r.status = (long)status;
	while ((line = fuzz_part(&in, '\n')).n > 0 && n < HEADERS_MAX)
		lines[n++] = line;
	r.body = in;
	buf_reset(&head);
	for (size_t i = 0; i < n; i++) {
		struct str name, value;
		(void)str_cut(lines[i], ':', &name, &value);
		buf_str(&head, name);
		buf_z(&head, ":");
		if (str_ieq(name, STR("x-amz-crc32")) && str_is(str_trim(value), "="))
			buf_printf(&head, "%u", crc32(r.body));
		else
			buf_str(&head, value);
		buf_z(&head, "\r\n");
	}
	r.head = buf_view(&head);
	return r;
}

static bool sum_is_right(const struct httpc_response *r)
{
	uint64_t v;
	struct str text = httpc_header(r, "x-amz-crc32");
	return text.n == 0 || (str_u64(text, UINT32_MAX, &v) && v == crc32(r->body));
}

static bool ended(const char *z, size_t cap)
{
	return memchr(z, '\0', cap) != NULL;
}

static void check_customer(const struct json *item)
{
	struct store_customer c = {0};
	dynamodb_item_customer(item, &c);
	FUZZ_MUST(ended(c.key.id, sizeof c.key.id) && ended(c.key.email, sizeof c.key.email));
	FUZZ_MUST(ended(c.hash, sizeof c.hash) && ended(c.link.psid, sizeof c.link.psid));
	FUZZ_MUST(ended(c.link.page_id, sizeof c.link.page_id));
	struct str id = dynamodb_item_str(item, "customer_id"), email = dynamodb_item_str(item, "email");
	FUZZ_MUST(c.too_long ||
	          (str_is(id, c.key.id) && str_is(email, c.key.email) && id.n + email.n <= STORE_KEY_MAX));
	FUZZ_MUST(!c.too_long || id.n + email.n > STORE_KEY_MAX || c.key.id[0] == '\0' ||
	          c.key.email[0] == '\0' || c.hash[0] == '\0');
	FUZZ_MUST(!json_has_nul(str_c(c.key.id)) && !json_has_nul(str_c(c.key.email)));
	FUZZ_MUST(!json_has_nul(str_c(c.hash)) && !json_has_nul(str_c(c.link.psid)));
}

static void check_items(const struct json *j)
{
	check_customer(json_get(j, "Item"));
	check_customer(json_get(j, "Attributes"));
	for (const struct json *i = json_first(json_get(j, "Items")); i != NULL; i = json_next(i))
		check_customer(i);
}

/* The service's own words may quote what was stored: they are told of calls about tables only.  Of others the
 * message is the same whatever they are. */
static void check_words(const struct ddb_answer *a)
{
	static const char *const operations[] = {"Query", "DescribeTable"};
	struct ddb_error other = a->error;
	if (!a->error.own_text)
		(void)snprintf(other.text, sizeof other.text, "other words");
	for (size_t i = 0; i < 2; i++) {
		struct ddb_context x = {operations[i], "customers", "eu-central-1", "the profile",
		                        a->request_id};
		struct err err = {.code = ERR_OK}, err_other = err;
		enum err_code code = ddb_error_say(&a->error, &x, &err);
		FUZZ_MUST(code == err.code && (code == ERR_STORE || code == ERR_INVALID));
		FUZZ_MUST(str_printable(str_c(err.msg)));
		FUZZ_MUST(ddb_error_say(&other, &x, &err_other) == code);
		FUZZ_MUST(i > 0 || strcmp(err.msg, err_other.msg) == 0);
	}
}

/* An object; what it holds of items is of the right kind. */
static bool has_shape(const struct json *j)
{
	for (const struct json *m = json_first(j); json_is_object(j) && m != NULL; m = json_next(m)) {
		struct str key = str_c(json_key(m));
		bool one = str_is(key, "Item") || str_is(key, "Attributes");
		if ((one && !json_is_object(m)) || (str_is(key, "Items") && !json_is_array(m)))
			return false;
	}
	return json_is_object(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct httpc_response r = response((struct str){(const char *)data, n});
	struct ddb_answer a;
	ddb_answer_read(&r, INT64_C(1760000000000), &a);
	bool good = r.status == 200 && has_shape(a.json) && sum_is_right(&r);
	FUZZ_MUST((a.error.class == DDB_SUCCESS) == good);
	FUZZ_MUST(a.unanswered == (a.error.class == DDB_TRANSIENT));
	FUZZ_MUST(a.after_ms >= -1 && a.after_ms <= 600000);
	FUZZ_MUST(ended(a.request_id, sizeof a.request_id) && str_printable(str_c(a.request_id)));
	FUZZ_MUST(str_printable(str_c(a.error.name)) && str_printable(str_c(a.error.text)));
	if (a.error.class == DDB_SUCCESS) {
		check_items(a.json);
	} else {
		FUZZ_MUST(a.error.name[0] != '\0');
		check_words(&a);
	}
	json_free(a.json);
	return 0;
}
