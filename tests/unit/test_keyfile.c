#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "refuse.h"
#include "store/keyfile.h"

enum { PROCESSES = 12 };

static char dir[64], database[96], file[112];

static int fresh(void **state)
{
	(void)state;
	assert_int_equal(crypto_start(NULL), ERR_OK);
	(void)snprintf(dir, sizeof dir, "/tmp/keyfile-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(database, sizeof database, "%s/x.db", dir);
	(void)snprintf(file, sizeof file, "%s/x.db.key", dir);
	return 0;
}

static int cleared(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(dir); /* fails when an unfinished file was left behind */
}

static void wants_error(enum err_code code, const char *says)
{
	uint8_t key[KEYFILE_LEN];
	const uint8_t none[KEYFILE_LEN] = {0};
	struct err err = {.msg = ""};
	memset(key, 0x55, sizeof key);
	assert_int_equal(keyfile_load_or_make(database, key, &err), code);
	assert_int_equal(err.code, code);
	if (strstr(err.msg, says) == NULL)
		fail_msg("%s", err.msg);
	assert_memory_equal(key, none, sizeof key);
}

static void write_file(const char *bytes, size_t n, mode_t mode)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void makes_one_and_reads_it_again(void **state)
{
	uint8_t made[KEYFILE_LEN] = {0}, again[KEYFILE_LEN] = {0};
	const uint8_t none[KEYFILE_LEN] = {0};
	struct stat st;
	struct err err = {.msg = "untouched"};
	(void)state;
	mode_t before = umask(0);
	assert_int_equal(keyfile_load_or_make(database, made, &err), ERR_OK);
	(void)umask(before);
	assert_memory_not_equal(made, none, sizeof made);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, KEYFILE_LEN);
	assert_int_equal(keyfile_load_or_make(database, again, &err), ERR_OK);
	assert_memory_equal(made, again, sizeof made);
	assert_string_equal(err.msg, "untouched");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(keyfile_load_or_make(database, again, &err), ERR_OK);
	assert_memory_not_equal(made, again, sizeof made);
}

static void reads_what_is_there(void **state)
{
	uint8_t key[KEYFILE_LEN];
	const char bytes[] = "0123456789abcdef\0\n3456789abcdef ";
	(void)state;
	write_file(bytes, KEYFILE_LEN, 0400);
	assert_int_equal(keyfile_load_or_make(database, key, NULL), ERR_OK);
	assert_memory_equal(key, bytes, KEYFILE_LEN);
}

static void refuses_a_wrong_length(void **state)
{
	static const size_t lengths[] = {0, 1, 31, 33, 64};
	const char bytes[64] = {1};
	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		write_file(bytes, lengths[i], 0600);
		wants_error(ERR_INVALID, "must hold 32 bytes");
	}
}

static void refuses_a_file_others_can_read(void **state)
{
	static const mode_t modes[] = {0604, 0640, 0620, 0602, 0601, 0644, 0777};
	const char bytes[KEYFILE_LEN] = {1};
	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		write_file(bytes, sizeof bytes, modes[i]);
		wants_error(ERR_INVALID, "chmod 600");
	}
}

static void refuses_what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(file, 0700), 0);
	wants_error(ERR_INVALID, "not a plain file");
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	wants_error(ERR_INVALID, "not a plain file"); /* and does not wait for a writer */
}

static void tells_that_it_cannot_be_made(void **state)
{
	char kept[sizeof database];
	uint8_t key[KEYFILE_LEN];
	struct err err;
	static char longest[5000];
	(void)state;
	memcpy(kept, database, sizeof kept);
	(void)snprintf(database, sizeof database, "%s/none/x.db", dir);
	wants_error(ERR_STORE, "cannot make the key file: No such file or directory");
	memcpy(database, kept, sizeof kept);
	memset(longest, 'x', sizeof longest - 1);
	assert_int_equal(keyfile_load_or_make(longest, key, &err), ERR_INVALID);
}

static void processes_at_once_end_with_one_key(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		int ends[2], go[2], status;
		uint8_t first[KEYFILE_LEN], other[KEYFILE_LEN];
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(pipe(go), 0);
		for (int i = 0; i < PROCESSES; i++) {
			if (fork() != 0)
				continue;
			char c;
			(void)close(go[1]);
			(void)!read(go[0], &c, 1); /* until the parent lets all go at once */
			if (keyfile_load_or_make(database, other, NULL) != ERR_OK)
				_exit(1);
			_exit(write(ends[1], other, sizeof other) == sizeof other ? 0 : 1);
		}
		(void)close(go[0]);
		(void)close(go[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(read(ends[0], first, sizeof first), sizeof first);
		for (int i = 1; i < PROCESSES; i++) {
			assert_int_equal(read(ends[0], other, sizeof other), sizeof other);
			assert_memory_equal(first, other, sizeof first);
		}
		(void)close(ends[0]);
		(void)close(ends[1]);
		assert_int_equal(unlink(file), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)

/* Each step fails once: no key is given, no unfinished file stays, and the next start has one. */
static void each_step_fails_once(void **state)
{
	static const char *const steps[] = {"write", "fsync",         "renameat2",
	                                    "fstat", "crypto_random", "realloc"};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		uint8_t key[KEYFILE_LEN];
		size_t n = 0;
		for (bool met = true; met;) {
			(void)unlink(file);
			starve_only(steps[i]);
			starve_nth(++n);
			enum err_code code = keyfile_load_or_make(database, key, NULL);
			met = starve_calls() >= n;
			starve_only(NULL);
			assert_int_equal(code == ERR_OK, !met);
			assert_int_equal(keyfile_load_or_make(database, key, NULL), ERR_OK);
		}
		assert_in_range(n, 2, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(makes_one_and_reads_it_again),
	        T(reads_what_is_there),
	        T(refuses_a_wrong_length),
	        T(refuses_a_file_others_can_read),
	        T(refuses_what_is_no_file),
	        T(tells_that_it_cannot_be_made),
	        T(processes_at_once_end_with_one_key),
	        T(each_step_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
