#include "test.h"

#include <unistd.h>

#include "base/crypto.h"
#include "obs/audit.h"
#include "obs/log.h"

/* By hand: HKDF-SHA-256 of the key below, then SipHash-2-4. */
#define DIGEST_OF_ABC "05afdbe9ce10a76c"

static int ends[2]; /* of the pipe the log writes to */

static void start_log(enum log_level level, enum log_format format)
{
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(log_start(level, format, ends[1], NULL), ERR_OK);
}

/* All that was logged. */
static const char *logged(void)
{
	static char text[8192];
	log_stop();
	(void)close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof text - 1);
	(void)close(ends[0]);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void test_no_key(void **state)
{
	(void)state;
	assert_string_equal(audit_digest(STR("abc")).s, "-");
}

/* Known answer: SipHash-2-4 under HKDF-SHA-256 of the seal key. */
static void test_digest(void **state)
{
	(void)state;
	assert_int_equal(audit_key(STR("0123456789abcdef0123456789abcdef")), ERR_OK);
	assert_string_equal(audit_digest(STR("abc")).s, DIGEST_OF_ABC);
	assert_string_equal(audit_digest_email(STR("ABC")).s, DIGEST_OF_ABC);
	assert_string_not_equal(audit_digest(STR("ABC")).s, DIGEST_OF_ABC);
	char big[1000];
	memset(big, 'A', sizeof big);
	assert_int_equal(strlen(audit_digest_email((struct str){big, sizeof big}).s), AUDIT_DIGEST_LEN);
	assert_int_equal(audit_key(STR("another key of at least 32 bytes")), ERR_OK);
	assert_string_not_equal(audit_digest(STR("abc")).s, DIGEST_OF_ABC);
	assert_int_equal(audit_key(STR("0123456789abcdef0123456789abcdef")), ERR_OK);
}

static void test_line(void **state)
{
	(void)state;
	start_log(LOG_ERROR, LOG_JSON); /* audit lines know no level */
	log_scope("feed");
	audit_line(&(struct audit){.action = "link",
	                           .result = "linked",
	                           .way = "webhook",
	                           .reason = "r",
	                           .client = "192.0.2.1",
	                           .actor = "someone",
	                           .page_id = "77",
	                           .customer_id = "abc",
	                           .email = "Abc",
	                           .psid = "abc",
	                           .code_digest = "c0de",
	                           .browser_digest = "b0",
	                           .event_time_ms = 5});
	log_scope(NULL);
	assert_non_null(strstr(logged(),
	                       "\"level\":\"info\",\"msg\":\"audit\",\"request_id\":\"feed\","
	                       "\"action\":\"link\",\"result\":\"linked\",\"reason\":\"r\","
	                       "\"way\":\"webhook\",\"client\":\"192.0.2.1\","
	                       "\"actor\":\"someone\",\"customer_digest\":\"" DIGEST_OF_ABC
	                       "\",\"psid_digest\":\"" DIGEST_OF_ABC "\",\"email_digest\":\"" DIGEST_OF_ABC
	                       "\",\"page_id\":\"77\",\"code_digest\":\"c0de\","
	                       "\"browser_digest\":\"b0\",\"event_time_ms\":5,\"audit\":true}\n"));
}

static void test_what_is_not_known_is_left_out(void **state)
{
	(void)state;
	start_log(LOG_INFO, LOG_TEXT);
	audit_line(&(struct audit){.action = "login",
	                           .result = "wrong",
	                           .customer_id = "",
	                           .email = "",
	                           .psid = "",
	                           .client = ""});
	assert_non_null(strstr(logged(), " info  audit action=login result=wrong audit=true\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_no_key),
	        cmocka_unit_test(test_digest),
	        cmocka_unit_test(test_line),
	        cmocka_unit_test(test_what_is_not_known_is_left_out),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
