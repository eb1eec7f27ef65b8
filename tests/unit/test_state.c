/* States and consents: what is put in comes out, for this browser and for now only. */
#include "test.h"

#include "base/crypto.h"
#include "login/state.h"
#include "starve.h"

enum { NOW = 1700000000 };
#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct sealer *sealer;

static struct state sample(void)
{
	struct state s = {.token = "ARabc-_",
	                  .redirect = "https://facebook.com/?x=1",
	                  .psid = "17",
	                  .page_id = "42",
	                  .issued_s = NOW};
	assert_int_equal(state_browser_digest(STR(NONCE), s.browser), ERR_OK);
	return s;
}

static struct consent sample_consent(void)
{
	struct consent c = {.state = sample(),
	                    .key = {"C-1", "Ann@example.com"},
	                    .record = "the-digest-of-a-record",
	                    .salt = "0123456789abcde",
	                    .replaces = {"C-2", "bob@example.com"},
	                    .loses = STATE_LOSES_PROFILE | STATE_LOSES_CUSTOMER};
	return c;
}

static struct buf sealed(const struct state *s)
{
	struct buf out;
	buf_init(&out, SEAL_TEXT_MAX);
	assert_int_equal(state_seal(sealer, s, &out), ERR_OK);
	return out;
}

static struct buf sealed_consent(const struct consent *c)
{
	struct buf out;
	buf_init(&out, SEAL_TEXT_MAX);
	assert_int_equal(state_seal_consent(sealer, c, &out), ERR_OK);
	return out;
}

static void check_same(const struct state *a, const struct state *b)
{
	assert_string_equal(a->token, b->token);
	assert_string_equal(a->redirect, b->redirect);
	assert_string_equal(a->psid, b->psid);
	assert_string_equal(a->page_id, b->page_id);
	assert_true(a->issued_s == b->issued_s);
	assert_memory_equal(a->browser, b->browser, sizeof a->browser);
}

static void test_state(void **unused)
{
	(void)unused;
	struct state s = sample(), got;
	struct buf t = sealed(&s);
	memset(&got, 0xee, sizeof got);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW + 1, &got, NULL), ERR_OK);
	check_same(&got, &s);
	buf_done(&t);
	s.psid[0] = s.page_id[0] = '\0';
	t = sealed(&s);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_OK);
	check_same(&got, &s);
	buf_done(&t);
}

static void test_consent(void **unused)
{
	(void)unused;
	struct consent c = sample_consent(), got;
	struct buf t = sealed_consent(&c);
	memset(&got, 0xee, sizeof got);
	assert_int_equal(state_open_consent(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_OK);
	check_same(&got.state, &c.state);
	assert_string_equal(got.key.id, c.key.id);
	assert_string_equal(got.key.email, c.key.email);
	assert_string_equal(got.record, c.record);
	assert_memory_equal(got.salt, c.salt, sizeof c.salt);
	assert_string_equal(got.replaces.id, c.replaces.id);
	assert_string_equal(got.replaces.email, c.replaces.email);
	assert_int_equal(got.loses, c.loses);
	buf_done(&t);
}

/* The largest of everything still fits a token. */
static void test_largest(void **unused)
{
	(void)unused;
	struct consent c = sample_consent(), got;
	memset(c.state.token, 't', sizeof c.state.token - 1);
	memset(c.state.redirect, 'r', sizeof c.state.redirect - 1);
	memset(c.state.psid, '1', sizeof c.state.psid - 1);
	memset(c.state.page_id, '2', sizeof c.state.page_id - 1);
	memset(c.key.id, 'i', sizeof c.key.id - 1);
	memset(c.key.email, 'e', sizeof c.key.email - 1);
	memset(c.record, 'd', sizeof c.record - 1);
	memset(c.replaces.id, 'j', sizeof c.replaces.id - 1);
	memset(c.replaces.email, 'f', sizeof c.replaces.email - 1);
	struct buf t = sealed_consent(&c);
	assert_int_equal(state_open_consent(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_OK);
	assert_int_equal(strlen(got.state.redirect), REDIRECT_MAX);
	assert_int_equal(strlen(got.replaces.id), STORE_ID_MAX);
	buf_done(&t);
}

static void test_time(void **unused)
{
	(void)unused;
	static const struct {
		int64_t after_s;
		enum err_code state, consent;
	} row[] = {
	        {-61, ERR_DENIED, ERR_DENIED}, {-60, ERR_OK, ERR_OK},           {0, ERR_OK, ERR_OK},
	        {299, ERR_OK, ERR_OK},         {300, ERR_OK, ERR_DENIED},       {599, ERR_OK, ERR_DENIED},
	        {600, ERR_DENIED, ERR_DENIED}, {86400, ERR_DENIED, ERR_DENIED},
	};
	struct state s = sample(), got;
	struct consent c = sample_consent(), got_c;
	struct buf t = sealed(&s), tc = sealed_consent(&c);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		int64_t now = NOW + row[i].after_s;
		assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), now, &got, NULL), row[i].state);
		assert_int_equal(state_open_consent(sealer, buf_view(&tc), STR(NONCE), now, &got_c, NULL),
		                 row[i].consent);
	}
	buf_done(&t);
	buf_done(&tc);
}

/* Every byte of the time is carried. */
static void test_whole_time(void **unused)
{
	(void)unused;
	struct state s = sample(), got;
	s.issued_s = INT64_C(0x0123456789abcdef);
	struct buf t = sealed(&s);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), s.issued_s, &got, NULL), ERR_OK);
	assert_true(got.issued_s == s.issued_s);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_DENIED);
	buf_done(&t);
}

static void test_starved(void **unused)
{
	(void)unused;
	struct state s = sample(), got;
	struct consent c = sample_consent(), got_c;
	struct buf t = sealed(&s), tc = sealed_consent(&c);
	STARVE(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_OK);
	STARVE(state_open_consent(sealer, buf_view(&tc), STR(NONCE), NOW, &got_c, NULL), ERR_OK);
	buf_done(&t);
	buf_done(&tc);
}

static void test_refused(void **unused)
{
	(void)unused;
	struct err e = {0};
	struct state s = sample(), got;
	struct consent c = sample_consent(), got_c;
	struct buf t = sealed(&s), tc = sealed_consent(&c);
	struct str none = {NULL, 0};
	assert_int_equal(state_open(sealer, buf_view(&t), STR(OTHER), NOW, &got, &e), ERR_DENIED);
	assert_string_equal(e.msg, "made for another browser");
	assert_int_equal(state_open(sealer, buf_view(&t), none, NOW, &got, &e), ERR_DENIED);
	assert_string_equal(e.msg, "no cookie of ours");
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW + 600, &got, &e), ERR_DENIED);
	assert_string_equal(e.msg, "expired");
	assert_int_equal(state_open(sealer, buf_view(&tc), STR(NONCE), NOW, &got, &e), ERR_DENIED);
	assert_string_equal(e.msg, "not a token of ours");
	assert_int_equal(state_open_consent(sealer, buf_view(&t), STR(NONCE), NOW, &got_c, &e), ERR_DENIED);
	assert_int_equal(state_open_consent(sealer, buf_view(&tc), STR(OTHER), NOW, &got_c, &e), ERR_DENIED);
	assert_int_equal(state_open_consent(sealer, buf_view(&tc), none, NOW, &got_c, &e), ERR_DENIED);
	assert_int_equal(state_open(sealer, none, STR(NONCE), NOW, &got, &e), ERR_DENIED);
	assert_int_equal(state_open(sealer, STR("x"), STR(NONCE), NOW, &got, &e), ERR_DENIED);
	buf_done(&t);
	buf_done(&tc);
}

/* Authentic, right type, wrong fields. */
static void test_shape(void **unused)
{
	(void)unused;
	static char big[REDIRECT_MAX + 2];
	memset(big, 'x', sizeof big);
	struct state s = sample(), got;
	struct str good[] = {STR("t"),
	                     STR("r"),
	                     STR(""),
	                     STR(""),
	                     STR("\0\0\0\0\x65\x53\xf1\x00"),
	                     {(char *)s.browser, 32},
	                     STR("Ada")};
	struct {
		size_t field;
		struct str value;
	} row[] = {
	        {0, STR("t")},
	        {0, {big, REDIRECT_TOKEN_MAX + 1}},
	        {1, {big, REDIRECT_MAX + 1}},
	        {2, {big, 65}},
	        {3, {big, 65}},
	        {4, STR("\0\0\0\0\x65\x53\xf1")},
	        {5, {(char *)s.browser, 31}},
	        {6, {big, GRAPH_NAME_MAX + 1}},
	        {2, STR("1\0002")},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct str fields[7];
		struct buf t;
		memcpy(fields, good, sizeof fields);
		fields[row[i].field] = row[i].value;
		buf_init(&t, SEAL_TEXT_MAX);
		assert_int_equal(seal_make(sealer, SEAL_STATE, NULL, fields, 7, &t), ERR_OK);
		assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL),
		                 i == 0 ? ERR_OK : ERR_DENIED);
		buf_done(&t);
	}
	struct buf t;
	buf_init(&t, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(sealer, SEAL_STATE, NULL, good, 6, &t), ERR_OK);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_DENIED);
	buf_reset(&t);
	struct str more[8] = {{NULL, 0}};
	memcpy(more, good, sizeof good);
	assert_int_equal(seal_make(sealer, SEAL_STATE, NULL, more, 8, &t), ERR_OK);
	assert_int_equal(state_open(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL), ERR_DENIED);
	buf_done(&t);
}

static enum err_code open_consent_of(const struct str *fields, size_t n)
{
	struct consent got;
	struct buf t;
	buf_init(&t, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(sealer, SEAL_CONSENT, NULL, fields, n, &t), ERR_OK);
	enum err_code code = state_open_consent(sealer, buf_view(&t), STR(NONCE), NOW, &got, NULL);
	buf_done(&t);
	return code;
}

/* The same of a consent: one field too few, too many, and each that may be too long. */
static void test_consent_shape(void **unused)
{
	(void)unused;
	static char big[STORE_ID_MAX + 2];
	memset(big, 'x', sizeof big);
	struct state s = sample();
	struct str good[15] = {STR("t"),
	                       STR("r"),
	                       STR(""),
	                       STR(""),
	                       STR("\0\0\0\0\x65\x53\xf1\x00"),
	                       {(char *)s.browser, 32},
	                       STR("Ada"),
	                       STR("C-1"),
	                       STR("e@x"),
	                       STR("0123456789abcdef"),
	                       STR(""),
	                       STR(""),
	                       STR("\1"),
	                       STR("digest"),
	                       STR("more")};
	static const struct {
		size_t field;
		struct str value;
	} bad[] = {
	        {4, {big, 9}},
	        {5, {big, 31}},
	        {6, {big, GRAPH_NAME_MAX + 1}},
	        {7, {big, STORE_ID_MAX + 1}},
	        {8, {big, STORE_EMAIL_MAX + 1}},
	        {9, {big, 15}},
	        {10, {big, STORE_ID_MAX + 1}},
	        {11, {big, STORE_EMAIL_MAX + 1}},
	        {12, {big, 2}},
	        {12, {big, 0}},
	        {13, {big, STORE_DIGEST_LEN + 1}},
	};
	assert_int_equal(open_consent_of(good, 14), ERR_OK);
	assert_int_equal(open_consent_of(good, 13), ERR_DENIED);
	assert_int_equal(open_consent_of(good, 15), ERR_DENIED);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct str fields[14];
		memcpy(fields, good, sizeof fields);
		fields[bad[i].field] = bad[i].value;
		assert_int_equal(open_consent_of(fields, 14), ERR_DENIED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_state),         cmocka_unit_test(test_consent),
	        cmocka_unit_test(test_largest),       cmocka_unit_test(test_time),
	        cmocka_unit_test(test_refused),       cmocka_unit_test(test_shape),
	        cmocka_unit_test(test_whole_time),    cmocka_unit_test(test_starved),
	        cmocka_unit_test(test_consent_shape),
	};
	struct str key = STR("0123456789abcdef0123456789abcdef");
	if (crypto_start(NULL) != ERR_OK || sealer_new(&key, 1, &sealer, NULL) != ERR_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sealer_free(sealer);
	return failed;
}
