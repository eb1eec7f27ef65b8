/* The device cookie: only what this service sealed lately tells that a browser knows a customer. */
#include "test.h"

#include "base/crypto.h"
#include "login/device.h"
#include "starve.h"

enum { NOW = 1700000000 };

static struct sealer *sealer;
static const struct store_key ann = {"C-1", "Ann@example.com"}, bob = {"C-2", "bob@example.com"};
static char value[4096]; /* of the cookie made last */

static struct sealer *sealer_of(struct str a, struct str b)
{
	struct str keys[] = {a, b};
	struct sealer *s = NULL;
	assert_int_equal(sealer_new(keys, b.n > 0 ? 2 : 1, &s, NULL), ERR_OK);
	return s;
}

#define KEY_OLD STR("an old key of at least 32 bytes..")
#define KEY_NEW STR("a newer key of at least 32 bytes.")

static int setup(void **state)
{
	(void)state;
	sealer = sealer_of(KEY_OLD, STR(""));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sealer_free(sealer);
	return 0;
}

/* -> the whole Set-Cookie, good until the next call; its value is in `value`. */
static const char *cookie_of(const struct sealer *s, const struct device *d, bool https)
{
	static char line[4096];
	struct config cfg = {.public_https = https};
	struct buf out;
	buf_init(&out, sizeof line - 1);
	assert_int_equal(device_cookie(&cfg, s, d, &out), ERR_OK);
	assert_true(str_copy(line, sizeof line, buf_view(&out)));
	buf_done(&out);
	const char *from = strchr(line, '=') + 1;
	assert_true(str_copy(value, sizeof value, (struct str){from, strcspn(from, ";")}));
	return line;
}

static struct device opened(const struct sealer *s, const char *cookie, int64_t now_s)
{
	struct device d;
	device_open(s, str_c(cookie), now_s, &d);
	return d;
}

static struct device anns(void)
{
	struct device d = {.n = 0};
	assert_int_equal(device_add(&d, STR("ann@example.com"), &ann, NOW), ERR_OK);
	(void)cookie_of(sealer, &d, true);
	return d;
}

static void test_there_and_back(void **state)
{
	(void)state;
	struct device made = anns(), d = opened(sealer, value, NOW);
	assert_int_equal(d.n, 1);
	assert_memory_equal(d.id, made.id, sizeof d.id);
	const struct device_customer *c = device_find(&d, STR("ANN@example.com"));
	assert_ptr_equal(c, &d.customer[0]);
	assert_true(device_is(c, &ann));
	assert_int_equal(c->at_s, NOW);
	struct device other = anns();
	assert_memory_not_equal(other.id, made.id, sizeof d.id);
}

/* Of this customer only: neither another e-mail nor another customer who has the e-mail now. */
static void test_of_one_customer(void **state)
{
	(void)state;
	static const struct store_key heir = {"C-3", "Ann@example.com"}, parted = {"C-1Ann", "@example.com"};
	anns();
	struct device d = opened(sealer, value, NOW);
	assert_null(device_find(&d, STR("bob@example.com")));
	assert_null(device_find(&d, STR("")));
	assert_false(device_is(&d.customer[0], &bob));
	assert_false(device_is(&d.customer[0], &heir));
	assert_false(device_is(&d.customer[0], &parted));
}

static void test_names(void **state)
{
	(void)state;
	struct device d = anns();
	const char *line = cookie_of(sealer, &d, true);
	static const char tail[] = "; Max-Age=15552000; Path=/; HttpOnly; SameSite=Lax";
	assert_true(str_starts(str_c(line), STR("__Host-linkd-device=AQ")));
	assert_non_null(strstr(line, tail));
	assert_string_equal(strstr(line, tail) + sizeof tail - 1, "; Secure");
	assert_null(strstr(line, "example"));
	line = cookie_of(sealer, &d, false);
	assert_true(str_starts(str_c(line), STR("linkd-device=AQ")));
	assert_string_equal(strstr(line, tail), tail);
}

static void check_none(const char *cookie)
{
	struct device d = opened(sealer, cookie, NOW);
	assert_int_equal(d.n, 0);
	assert_null(device_find(&d, STR("ann@example.com")));
}

/* Forged, altered, cut, lengthened, oversized, or a token of another kind. */
static void test_what_is_none(void **state)
{
	(void)state;
	struct str fields[] = {STR("0123456789abcdef"), STR("x")};
	static char big[9000];
	struct buf token;
	check_none(NULL);
	check_none("");
	check_none("no token at all");
	memset(big, 'A', sizeof big - 1);
	check_none(big);
	anns();
	for (size_t i = 0; value[i] != '\0'; i++) {
		char was = value[i];
		value[i] = was == 'A' ? 'B' : 'A';
		check_none(value);
		value[i] = '\0';
		check_none(value);
		value[i] = was;
	}
	size_t n = strlen(value);
	value[n] = 'A';
	value[n + 1] = '\0';
	check_none(value);
	buf_init(&token, SEAL_TEXT_MAX);
	for (enum seal_type type = SEAL_STATE; type <= SEAL_DEVICE; type++) { /* as DEVICE: an odd shape */
		buf_reset(&token);
		assert_int_equal(seal_make(sealer, type, NULL, fields, 2, &token), ERR_OK);
		check_none(token.p);
	}
	buf_reset(&token);
	assert_int_equal(seal_make(sealer, SEAL_DEVICE, NULL, fields + 1, 1, &token), ERR_OK);
	check_none(token.p);
	buf_reset(&token);
	assert_int_equal(seal_make(sealer, SEAL_DEVICE, NULL, fields, 0, &token), ERR_OK);
	check_none(token.p);
	buf_done(&token);
}

static void test_too_many_fields(void **state)
{
	(void)state;
	struct str fields[SEAL_FIELDS_MAX] = {STR("0123456789abcdef")};
	struct buf token;
	buf_init(&token, SEAL_TEXT_MAX);
	for (size_t i = 1; i < SEAL_FIELDS_MAX; i++)
		fields[i] = STR("0123456789abcdef0123456789abcdef\0\0\0\0\x65\x53\xf1\x00");
	assert_int_equal(seal_make(sealer, SEAL_DEVICE, NULL, fields, 1 + DEVICE_CUSTOMERS_MAX, &token),
	                 ERR_OK);
	assert_int_equal(opened(sealer, token.p, NOW).n, DEVICE_CUSTOMERS_MAX);
	buf_reset(&token);
	assert_int_equal(seal_make(sealer, SEAL_DEVICE, NULL, fields, 2 + DEVICE_CUSTOMERS_MAX, &token),
	                 ERR_OK);
	check_none(token.p);
	buf_done(&token);
}

static void test_ends(void **state)
{
	(void)state;
	anns();
	assert_int_equal(opened(sealer, value, NOW + DEVICE_TTL_S - 1).n, 1);
	assert_int_equal(opened(sealer, value, NOW + DEVICE_TTL_S).n, 0);
	assert_int_equal(opened(sealer, value, NOW - DEVICE_SKEW_S).n, 1); /* another instance's clock */
	assert_int_equal(opened(sealer, value, NOW - DEVICE_SKEW_S - 1).n, 0);
}

/* A right login renews the customer's entry and keeps the browser's id, as long as it has one. */
static void test_renewed(void **state)
{
	(void)state;
	struct device d = anns(), made = d;
	assert_int_equal(device_add(&d, STR("ann@example.com"), &ann, NOW + 1000), ERR_OK);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.customer[0].at_s, NOW + 1000);
	assert_memory_equal(d.id, made.id, sizeof d.id);
	d = opened(sealer, value, NOW + DEVICE_TTL_S);
	assert_int_equal(device_add(&d, STR("ann@example.com"), &ann, NOW), ERR_OK);
	assert_memory_not_equal(d.id, made.id, sizeof d.id);
}

static struct store_key numbered(int i)
{
	struct store_key key;
	(void)snprintf(key.id, sizeof key.id, "C-%d", i);
	(void)snprintf(key.email, sizeof key.email, "user%d@example.com", i);
	return key;
}

/* The oldest goes, and the cookie keeps its bound. */
static void test_many_customers(void **state)
{
	(void)state;
	struct device d = {.n = 0};
	for (int i = 0; i < 20; i++) {
		struct store_key key = numbered(i);
		assert_int_equal(device_add(&d, str_c(key.email), &key, NOW + i), ERR_OK);
		(void)cookie_of(sealer, &d, true);
		assert_in_range(strlen(value), 1, DEVICE_TEXT_MAX);
		d = opened(sealer, value, NOW + i);
		assert_int_equal(d.n, i < DEVICE_CUSTOMERS_MAX ? i + 1 : DEVICE_CUSTOMERS_MAX);
	}
	for (int i = 0; i < 20; i++) {
		struct store_key key = numbered(i);
		const struct device_customer *c = device_find(&d, str_c(key.email));
		assert_int_equal(c != NULL, i >= 20 - DEVICE_CUSTOMERS_MAX);
		assert_true(c == NULL || device_is(c, &key));
	}
}

static void test_key_rotation(void **state)
{
	(void)state;
	struct sealer *both = sealer_of(KEY_NEW, KEY_OLD), *new = sealer_of(KEY_NEW, STR(""));
	anns();
	struct device d = opened(both, value, NOW);
	assert_int_equal(d.n, 1);                       /* the old key still opens */
	assert_int_equal(opened(new, value, NOW).n, 0); /* it was dropped: just unknown */
	(void)cookie_of(both, &d, true);                /* renewed by the next right login */
	assert_int_equal(opened(new, value, NOW).n, 1);
	sealer_free(both);
	sealer_free(new);
}

static enum err_code whole(void)
{
	struct config cfg = {.public_https = true};
	struct device d = {.n = 0};
	struct buf out;
	buf_init(&out, 4096);
	enum err_code code = device_add(&d, STR("ann@example.com"), &ann, NOW);
	if (code == ERR_OK)
		code = device_cookie(&cfg, sealer, &d, &out);
	buf_done(&out);
	return code;
}

static enum err_code reopened(void)
{
	struct device d = opened(sealer, value, NOW);
	const struct device_customer *c = device_find(&d, STR("ann@example.com"));
	return c != NULL && device_is(c, &ann) ? ERR_OK : ERR_NOMEM; /* without memory: unknown */
}

static void test_starve(void **state)
{
	(void)state;
	STARVE(whole(), ERR_OK);
	anns();
	STARVE(reopened(), ERR_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_there_and_back), TEST(test_of_one_customer), TEST(test_names),
	        TEST(test_what_is_none),   TEST(test_too_many_fields), TEST(test_ends),
	        TEST(test_renewed),        TEST(test_many_customers),  TEST(test_key_rotation),
	        TEST(test_starve),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
