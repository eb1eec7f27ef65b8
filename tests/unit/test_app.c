/* The whole service started and stopped while each allocation, thread and cryptographic call fails once: it
 * says why it does not start, or it starts; nothing is left behind. */
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "refuse.h"

static char dir[] = "/tmp/linkd-app-XXXXXX";
static char setting[64];
static char *environment[] = {setting,
                              (char[]){"LINKD_APP_SECRET=0123456789abcdef0123"},
                              (char[]){"LINKD_PUBLIC_URL=http://127.0.0.1:8080"},
                              (char[]){"LINKD_LISTEN=127.0.0.1:0"},
                              (char[]){"LINKD_ADMIN_LISTEN=127.0.0.1:0"},
                              (char[]){"LINKD_ADMIN_TOKEN=0123456789abcdef0123456789abcdef"},
                              (char[]){"LINKD_WORKERS=2"},
                              (char[]){"LINKD_LOG_LEVEL=error"},
                              (char[]){"LINKD_ARGON2_MEMORY_KIB=64"},
                              (char[]){"LINKD_ARGON2_PASSES=1"},
                              NULL};
static struct config *cfg;

static void take_signal(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigtimedwait(&set, NULL, &(struct timespec){0});
}

/* Told to stop before it began: it starts, then stops. */
static enum err_code serve(struct err *err)
{
	*err = (struct err){.msg = ""};
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	enum err_code code = app_serve(cfg, err);
	take_signal();
	return code;
}

static size_t descriptors(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void starve(const char *function)
{
	struct err err;
	size_t failures = 0, before = descriptors();
	for (size_t nth = 1, met = 1; met; nth++) {
		assert_true(nth < 1000);
		starve_only(function);
		starve_nth(nth);
		enum err_code code = serve(&err);
		met = starve_calls() >= nth;
		starve_only(NULL);
		failures += code != ERR_OK;
		assert_true(code == ERR_OK || (met && err.msg[0] != '\0'));
		assert_int_equal(descriptors(), before);
	}
	assert_true(failures > 0);
	assert_int_equal(serve(&err), ERR_OK);
}

static void test_starts_and_stops(void **state)
{
	struct err err;
	(void)state;
	assert_int_equal(serve(&err), ERR_OK);
}

static void test_without_memory(void **state)
{
	(void)state;
	starve(NULL);
}

static void test_without_threads(void **state)
{
	(void)state;
	starve("pthread_create");
}

/* Again and again: one that comes before the first was taken is none. */
static void *stop_later(void *ended)
{
	while (!atomic_load((atomic_bool *)ended)) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		(void)kill(getpid(), SIGTERM);
	}
	return NULL;
}

/* The drain delay is ended by a second signal. */
static void test_the_delay(void **state)
{
	struct err err;
	pthread_t t;
	struct timespec began, ended;
	atomic_bool over = false;
	(void)state;
	cfg->drain_delay = 30;
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	assert_int_equal(pthread_create(&t, NULL, stop_later, &over), 0);
	assert_int_equal(serve(&err), ERR_OK);
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	atomic_store(&over, true);
	(void)pthread_join(t, NULL);
	take_signal();
	assert_true(ended.tv_sec - began.tv_sec < 20);
	cfg->drain_delay = 0;
}

static int start(void **state)
{
	sigset_t set;
	struct config_from from = {.environ_ = environment, .scope = CONFIG_SERVICE};
	struct config_findings found;
	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(setting, sizeof setting, "LINKD_STORE=sqlite:%s/x.db", dir);
	config_findings_init(&found);
	enum err_code code = config_load(&from, &cfg, &found, NULL);
	config_findings_done(&found);
	return code == ERR_OK ? 0 : -1;
}

static int end(void **state)
{
	struct dirent *e;
	char path[512];
	(void)state;
	config_free(cfg);
	(void)prctl(PR_SET_DUMPABLE, 1); /* who looks for leaks must look */
	DIR *d = opendir(dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		(void)unlink(path);
	}
	(void)closedir(d);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_starts_and_stops),
	        cmocka_unit_test(test_without_memory),
	        cmocka_unit_test(test_without_threads),
	        cmocka_unit_test(test_the_delay),
	};
	return cmocka_run_group_tests(tests, start, end);
}
