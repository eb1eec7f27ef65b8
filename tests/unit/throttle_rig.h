/* throttle_rig.h - a throttle, and tries of many kinds. */
#pragma once
#include "test.h"

#include "base/crypto.h"
#include "login/throttle.h"

enum { START_MS = 5000000 };

static struct throttle *t;

static inline int setup(void **state)
{
	(void)state;
	return throttle_new(&t, NULL) == ERR_OK ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	throttle_free(t);
	return 0;
}

static inline enum err_code reserve(const char *client, const char *email, const char *device,
                                    int64_t after_s, struct throttle_claim *ret, int64_t *ret_wait_s)
{
	struct throttle_try who = {str_c(client), str_c(email), str_c(device)};
	return throttle_reserve(t, &who, START_MS + after_s * 1000, ret, ret_wait_s);
}

/* 0: a try was given; else the wait in seconds. */
static inline int64_t try_at(const char *client, const char *email, int64_t after_s)
{
	struct throttle_claim c;
	int64_t wait = -1;
	enum err_code code = reserve(client, email, "", after_s, &c, &wait);
	assert_true(code == ERR_OK || code == ERR_THROTTLED);
	assert_int_equal(code == ERR_OK, c.held);
	assert_int_equal(code == ERR_OK, wait == 0);
	return wait;
}

/* So many tries of any e-mails from clients of one network, 10 each. */
static inline int tries_of_network(const char *head, const char *tail, int clients)
{
	char client[48], email[48];
	int got = 0;
	for (int i = 0; i < 10 * clients; i++) {
		(void)snprintf(client, sizeof client, "%s%d%s", head, i / 10, tail);
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		got += try_at(client, email, 0) == 0;
	}
	return got;
}

static inline int64_t try_with(const char *device, const char *client, const char *email, int64_t after_s)
{
	struct throttle_claim c;
	int64_t wait;
	(void)reserve(client, email, device, after_s, &c, &wait);
	return wait != 0 ? wait : c.of_device ? -1 : 0; /* -1: on the device's own count */
}

static inline int64_t right_at(const char *device, const char *client, const char *email, int64_t after_s)
{
	struct throttle_claim c;
	int64_t wait;
	(void)reserve(client, email, device, after_s, &c, &wait);
	throttle_right(t, &c);
	throttle_right(t, &c); /* only once */
	throttle_release(t, &c);
	return wait;
}

static inline enum err_code customer_try(const char *psid, const char *customer, int64_t after_s,
                                         struct throttle_claim *ret)
{
	return throttle_reserve_customer(t, str_c(customer), str_c(psid), START_MS + after_s * 1000, ret);
}
