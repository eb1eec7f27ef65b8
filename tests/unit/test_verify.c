/* The handshake by which Facebook registers a webhook. */
#include "test.h"

#include "admin_rig.h"
#include "webhook/webhook.h"

#define C256                                                                                               \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void handshake(void **state)
{
	(void)state;
	static char right_token[] = "a verify token";
	static const struct {
		const char *query, *challenge; /* NULL: 403 */
	} table[] = {
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=1158201444", "1158201444"},
	        {"hub.challenge=a%3Cb%3E%26&hub.verify_token=a%20verify%20token&hub.mode=subscribe&x=1",
	         "a<b>&"},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=" C256, C256},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=x" C256, NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=a%0Ab", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=%C3%A4", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=a%00b", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+toke&hub.challenge=1", NULL},
	        {"hub.mode=subscribe&hub.verify_token=&hub.challenge=1", NULL},
	        {"hub.mode=subscribe&hub.challenge=1", NULL},
	        {"hub.mode=unsubscribe&hub.verify_token=a+verify+token&hub.challenge=1", NULL},
	        {"hub.verify_token=a+verify+token&hub.challenge=1", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=1&hub.challenge=1", NULL},
	        {"hub.mode=subscribe&hub.verify_token=a+verify+token&hub.challenge=%zz", NULL},
	        {"", NULL},
	};
	set_up(&fake_sharp);
	for (int set = 1; set >= 0; set--)
		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
			const char *want = set ? table[i].challenge : NULL;
			rig.cfg.verify_token = set ? right_token : none;
			new_request();
			q.r.query = str_c(table[i].query);
			webhook_verify(&q.r);
			assert_int_equal(q.status, want != NULL ? 200 : 403);
			assert_string_equal(q.body, want != NULL ? want : "");
			if (want != NULL)
				assert_string_equal(q.type, "text/plain; charset=utf-8");
		}
	new_request();
	q.r.query = (struct str){NULL, 0};
	webhook_verify(&q.r);
	assert_int_equal(q.status, 403);
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(handshake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
