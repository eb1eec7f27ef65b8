#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/private.h"
#include "config_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GOOD "LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=https://link.example.com"

static void test_precedence(void **state)
{
	char ini[32], secret[32], by_file[64];
	fixture_file(ini, STR("workers = 1\ncode_ttl = 31\nbrand_name = from ini\n"));
	fixture_file(secret, STR("2\n"));
	(void)snprintf(by_file, sizeof by_file, "LINKD_WORKERS_FILE=%s", secret);
	char *vars[] = {GOOD, by_file, "LINKD_BRAND_NAME=from env", NULL};
	struct loaded l = load(ini, vars);
	(void)state;
	assert_non_null(l.c);
	assert_int_equal(l.c->workers, 2);
	assert_int_equal(l.c->code_ttl, 31);
	assert_int_equal(l.c->argon2_passes, 2);
	assert_string_equal(l.c->brand_name, "from env");
	loaded_done(&l);
	char *empty[] = {GOOD, "LINKD_BRAND_NAME=", NULL}; /* an empty variable counts too */
	l = load(ini, empty);
	assert_string_equal(l.c->brand_name, "");
	loaded_done(&l);
	(void)unlink(ini);
	(void)unlink(secret);
}

static void test_secret_file(void **state)
{
	static const struct {
		struct str bytes;
		const char *want, *problem;
	} files[] = {
	        {STR("secret\n"), "secret", NULL},
	        {STR("secret"), "secret", NULL},
	        {STR("secret\r\n"), "secret", NULL},
	        {STR("\xef\xbb\xbfsecret\r\n\r\n"), "secret", NULL},
	        {STR(" two  words \t\n"), "two  words", NULL},
	        {STR(""), "", NULL},
	        {STR("\n"), "", NULL},
	        {STR("a\nb"), NULL, "line break"},
	        {STR("a\0b"), NULL, "NUL byte"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		char name[32], var[64], *vars[] = {var, GOOD, NULL};
		fixture_file(name, files[i].bytes);
		(void)snprintf(var, sizeof var, "LINKD_VERIFY_TOKEN_FILE=%s", name);
		struct loaded l = load(NULL, vars);
		if ((l.c != NULL) != (files[i].want != NULL))
			fail_msg("row %zu: %s", i, l.problems.p);
		if (l.c != NULL)
			assert_string_equal(l.c->verify_token, files[i].want);
		else if (strstr(l.problems.p, files[i].problem) == NULL || strstr(l.problems.p, name) == NULL)
			fail_msg("row %zu: %s", i, l.problems.p);
		loaded_done(&l);
		(void)unlink(name);
	}
}

static void test_secret_file_refused(void **state)
{
	char *missing[] = {"LINKD_APP_SECRET_FILE=/nonexistent/x", "LINKD_PUBLIC_URL=https://a.b", NULL};
	char *folder[] = {"LINKD_APP_SECRET_FILE=/tmp", "LINKD_PUBLIC_URL=https://a.b", NULL};
	char *endless[] = {"LINKD_APP_SECRET_FILE=/dev/zero", "LINKD_PUBLIC_URL=https://a.b", NULL};
	char *both[] = {GOOD, "LINKD_APP_SECRET_FILE=/nonexistent/x", NULL};
	const struct {
		char **vars;
		const char *words;
	} cases[] = {{missing, "the file cannot be read: No such file or directory"},
	             {folder, "the file cannot be read: Is a directory"},
	             {endless, "is larger than 65536 bytes"},
	             {both, "LINKD_APP_SECRET and LINKD_APP_SECRET_FILE are both set"}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct loaded l = load(NULL, cases[i].vars);
		assert_null(l.c);
		if (strstr(l.problems.p, cases[i].words) == NULL)
			fail_msg("%s", l.problems.p);
		assert_string_equal(l.e.msg, "1 problem in the settings"); /* not also: must be set */
		loaded_done(&l);
	}
}

static const char *const quoted = "without quotes", *const odd = "outside printable ASCII",
                         *const unseen = "cannot be seen", *const comment = "comment";

/* One value of one setting: it is judged alike wherever it stands. */
static const struct {
	const char *key, *value, *problem; /* NULL: taken, and it is then `want` */
	const char *want;
} everywhere[] = {
        {"app_secret", "0123456789abcdef", NULL, "0123456789abcdef"},
        {"app_secret", "  0123456789abcdef \t ", NULL, "0123456789abcdef"},
        {"app_secret", "\"0123456789abcdef\"", quoted, NULL},
        {"app_secret", "'0123456789abcdef'", quoted, NULL},
        {"app_secret", "`0123456789abcdef`", quoted, NULL},
        {"app_secret", "0123456789abcdef\"", quoted, NULL},
        {"app_secret", "'0123456789abcdef", quoted, NULL},
        {"app_secret", "\"0123456789abcdef\" ", quoted, NULL},
        {"app_secret", "\"0123456789abcdef,0123456789abcdeg\"", quoted, NULL},
        {"app_secret", "0123456789abcdef,'0123456789abcdeg'", quoted, NULL},
        {"app_secret",
         "\xe2\x80\x9c"
         "0123456789abcdef\xe2\x80\x9d",
         odd, NULL},
        {"app_secret", "0123456789abcdef\xc2\xa0", odd, NULL},
        {"app_secret", "0123456789abcdef\xe2\x80\x8b", odd, NULL},
        {"app_secret",
         "\xff"
         "0123456789abcdef",
         "not valid UTF-8", NULL},
        {"app_secret",
         "0123456789\x01"
         "abcdef",
         "control character", NULL},
        {"app_secret", "0123456789abcdef # of the shop", comment, NULL},
        {"verify_token", "two words", NULL, "two words"},
        {"verify_token", "a#b;c", NULL, "a#b;c"},
        {"verify_token", "\"word\"", quoted, NULL},
        {"admin_token", "\"0123456789abcdef\"", quoted, NULL},
        {"seal_key", "'0123456789abcdef0123456789abcdef'", quoted, NULL},
        {"brand_name", "'x'", quoted, NULL},
        {"brand_name", "Bob's \"Shop\"", NULL, "Bob's \"Shop\""},
        {"brand_name",
         "B\xc3\xbc"
         "cher \xf0\x9f\x93\x9a",
         NULL,
         "B\xc3\xbc"
         "cher \xf0\x9f\x93\x9a"},
        {"brand_name",
         "a\xe2\x80\x8b"
         "b",
         unseen, NULL},
        {"brand_name", "\xc2\x85", unseen, NULL},
        {"brand_name",
         "\xe2\x80\xae"
         "x",
         unseen, NULL},
        {"workers", "\"3\"", quoted, NULL},
        {"workers", " 3 ", NULL, NULL},
        {"log_level", "'warn'", quoted, NULL},
        {"log_level", "warn ", NULL, NULL},
        {"public_url", "\"https://link.example.com\"", quoted, NULL},
        {"store", "\"sqlite:/x.db\"", quoted, NULL},
        {"store", "sqlite:/x.db ", NULL, "sqlite:/x.db"},
        {"listen", "\"127.0.0.1:1\",\"127.0.0.1:2\"", quoted, NULL},
        {"listen", "127.0.0.1:1,\"127.0.0.1:2\"", quoted, NULL},
};

/* The source's own way to write it, as one variable or a file that is to be named. */
static struct loaded load_by(int source, const char *key, const char *value)
{
	char file[32], text[512], variable[600], upper[32] = "";
	for (size_t i = 0; key[i] != '\0' && i + 1 < sizeof upper; i++)
		upper[i] = (char)toupper((unsigned char)key[i]);
	(void)snprintf(text, sizeof text, source == 2 ? "%s = %s\r\n" : "%s%s\r\n", source == 2 ? key : "",
	               value);
	fixture_file(file, str_c(text));
	if (source == 0)
		(void)snprintf(variable, sizeof variable, "LINKD_%s=%s", upper, value);
	else if (source == 1)
		(void)snprintf(variable, sizeof variable, "LINKD_%s_FILE=%s", upper, file);
	else
		(void)snprintf(variable, sizeof variable, "PATH=/bin");
	/* as GOOD, but for the setting itself, which would win over the file */
	char *others[] = {
	        variable, strcmp(key, "app_secret") == 0 ? "PATH=/bin" : "LINKD_APP_SECRET=0123456789abcdef",
	        strcmp(key, "public_url") == 0 ? "PATH=/bin" : "LINKD_PUBLIC_URL=https://a.b", NULL};
	struct loaded l = load(source == 2 ? file : NULL, others);
	(void)unlink(file);
	return l;
}

static void test_every_source_is_judged_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(everywhere); i++)
		for (int source = 0; source < 3; source++) {
			struct loaded l = load_by(source, everywhere[i].key, everywhere[i].value);
			const struct config_row *row = config_row_by_field(str_c(everywhere[i].key));
			if ((l.c != NULL) != (everywhere[i].problem == NULL))
				fail_msg("row %zu, source %d: %s", i, source, l.problems.p);
			if (l.c == NULL && (strstr(l.problems.p, everywhere[i].problem) == NULL ||
			                    strstr(l.problems.p, row->key) == NULL))
				fail_msg("row %zu, source %d: %s", i, source, l.problems.p);
			if (l.c != NULL && everywhere[i].want != NULL)
				assert_string_equal(row->kind == CONFIG_K_LIST
				                            ? config_row_list(l.c, row)->v[0]
				                            : *config_row_text(l.c, row),
				                    everywhere[i].want);
			loaded_done(&l);
		}
}

/* What the environment says counts, so its fault is named beside the file's. */
static void test_faults_of_both_sources(void **state)
{
	char name[32], *vars[] = {GOOD, "LINKD_LISTEN=nowhere", NULL};
	fixture_file(name, STR("workers = 3\nlisten = \"a:1\"\nlisten = b:1\n"));
	(void)state;
	struct loaded l = load(name, vars);
	assert_null(l.c);
	assert_non_null(strstr(l.problems.p, "line 3: this key was given before"));
	assert_non_null(strstr(l.problems.p, "LINKD_LISTEN: \"nowhere\" is not an address"));
	loaded_done(&l);
	(void)unlink(name);
}

#define X190                                                                                              \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* One file beside GOOD: taken, or refused with these words. */
static const struct {
	struct str text;
	const char *problem; /* NULL: taken */
} ini_rows[] = {
        {STR(""), NULL},
        {STR("workers = 3"), NULL},
        {STR("\xef\xbb\xbfworkers=3\r\n[s]\r\ncode_ttl: 40 ; why\r\n\r\n; c\n  # c\n"), NULL},
        {STR("[a]\nworkers = 3\n[b]\ncode_ttl = 40\n"), NULL},
        {STR("store = sqlite:/x.db\n[::1]\n"), NULL},
        {STR("listen = a:1,\n  [::1]:2\n\tb:3,\n  ; comment\n  c:4\nworkers = 1\n"), NULL},
        {STR("listen = a:1\n  workers = 2\n"), "\"workers = 2\" is not an address"},
        {STR("Workers = 3\n"), "line 1: \"Workers\" is not a setting"},
        {STR("\n\nLINKD_WORKERS = 3\n"), "line 3: \"LINKD_WORKERS\" is not a setting"},
        {STR("workers = 3\nworkers = 3\n"), "line 2: this key was given before"},
        {STR("workers = 3\n[other]\nworkers = 4\n"), "line 3: this key was given before"},
        {STR("listen = a:1\nlisten = b:1\n"), "line 2: this key was given before"},
        {STR("listen = a:1\n[s]\n  b:1\n"), "line 3: \"b\" is not a setting"},
        {STR("workers\n"), "line 1: this is not \"key = value\""},
        {STR("[open\n"), "line 1: this is not"},
        {STR("[]\nworkers = 3\n"), NULL},
        {STR("= 3\n"), "line 1: this is not \"key = value\""},
        {STR("workers = 300\n"), "workers in "},
        {STR("workers = \"3\"\n"), "line 1): write the value without quotes"},
        {STR("brand_name = 'x'\n"), "line 1): write the value without quotes"},
        {STR("workers = 300\nworkers = 3\n"), "line 1): \"300\" must be"},
        {STR("listen = x\nlisten = a:1\n"), "line 1): \"x\" is not an address"},
        {STR("admin_token = short\nadmin_token = 0123456789abcdef\n"), "line 1): needs at least"},
        {STR("a = 1\nb = 2\n"), "line 2: \"b\" is not a setting"},
        {STR("wor\0kers = 1\n"), "holds a NUL byte"},
        {STR("privacy_url=https://a/" X190 X190), NULL},
        {STR("store = sqlite:" X190 X190 X190 "\n"), NULL},
};

static void test_ini(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ini_rows); i++) {
		char name[32], *vars[] = {GOOD, NULL};
		fixture_file(name, ini_rows[i].text);
		struct loaded l = load(name, vars);
		if ((l.c != NULL) != (ini_rows[i].problem == NULL))
			fail_msg("row %zu: %s", i, l.problems.p);
		if (l.c == NULL && strstr(l.problems.p, ini_rows[i].problem) == NULL)
			fail_msg("row %zu: %s", i, l.problems.p);
		if (l.c == NULL)
			assert_non_null(strstr(l.problems.p, name));
		loaded_done(&l);
		(void)unlink(name);
	}
}

static void test_ini_values(void **state)
{
	static const char text[] =
	        "\xef\xbb\xbf[s]\nlisten = a:1,\n  [::1]:2\n\tb:3,\n  ; comment\n  c:4 ; why\n"
	        "brand_name =  two  words \nstore: sqlite:a=b\n"
	        "seal_key = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,\n"
	        "  0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde1,\n"
	        "  0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde2\n";
	char name[32], *vars[] = {GOOD, NULL};
	fixture_file(name, str_c(text));
	struct loaded l = load(name, vars);
	(void)state;
	assert_non_null(l.c);
	assert_int_equal(l.c->listen.n, 4);
	assert_string_equal(l.c->listen.v[1], "[::1]:2");
	assert_string_equal(l.c->listen.v[3], "c:4");
	assert_string_equal(l.c->brand_name, "two  words");
	assert_string_equal(l.c->store, "sqlite:a=b");
	assert_int_equal(l.c->seal_key.n, 3);
	assert_int_equal(strlen(l.c->seal_key.v[2]), 64);
	loaded_done(&l);
	(void)unlink(name);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A warning with these words and this path? */
static bool holds(const struct loaded *l, const char *words, const char *path)
{
	for (size_t i = 0; i < l->c->warnings.n; i++)
		if (strstr(l->c->warnings.v[i], words) != NULL && strstr(l->c->warnings.v[i], path) != NULL)
			return true;
	return false;
}

/* A file with secrets that every user may read is a warning; in a folder of one's own nobody else comes to
 * it. */
static void test_files_that_others_may_read(void **state)
{
	static const struct {
		mode_t file, folder;
		bool warns;
	} modes[] = {{0600, 0755, false}, {0640, 0755, false}, {0604, 0755, true},
	             {0644, 0711, true},  {0644, 0750, false}, {0644, 0700, false}};
	char folder[] = "/tmp/test_config.XXXXXX", ini[64], plain[64], secret[64], db[64], by_file[96],
	     store[96];
	char *vars[] = {by_file, store, "LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=https://a.b",
	                NULL};
	const char *files[] = {ini, plain, secret, db};
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < COUNT(files); i++) {
		(void)snprintf((char *)(uintptr_t)files[i], 64, "%s/%zu", folder, i);
		write_file(files[i], i == 0   ? "admin_token = 8f14e45fceea167a\n"
		                     : i == 1 ? "workers = 3\n"
		                              : "fedcba9876543210");
	}
	(void)snprintf(by_file, sizeof by_file, "LINKD_VERIFY_TOKEN_FILE=%s", secret);
	(void)snprintf(store, sizeof store, "LINKD_STORE=sqlite:%s", db);
	for (size_t i = 0; i < COUNT(modes); i++) {
		for (size_t k = 0; k < COUNT(files); k++)
			assert_int_equal(chmod(files[k], modes[i].file), 0);
		assert_int_equal(chmod(folder, modes[i].folder), 0);
		struct loaded l = load(ini, vars);
		assert_non_null(l.c);
		assert_int_equal(holds(&l, "may read the settings file", ini), modes[i].warns);
		assert_int_equal(holds(&l, "LINKD_VERIFY_TOKEN_FILE: every user", secret), modes[i].warns);
		assert_int_equal(holds(&l, "LINKD_STORE: every user", db), modes[i].warns);
		loaded_done(&l);
		l = load(plain, vars);
		assert_false(holds(&l, "may read the settings file", plain));
		loaded_done(&l);
	}
	for (size_t i = 0; i < COUNT(files); i++)
		assert_int_equal(unlink(files[i]), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* The service would not start with it, so it is a problem, not a warning. */
static void test_key_file_that_others_may_read(void **state)
{
	char key[48], name[32], store[64], *vars[] = {GOOD, store, NULL};
	char *own_key[] = {GOOD, store, "LINKD_SEAL_KEY=c9f0f895fb98ab9159f51fd0297e236d", NULL};
	(void)state;
	fixture_file(name, STR(""));
	(void)snprintf(key, sizeof key, "%s.key", name);
	(void)snprintf(store, sizeof store, "LINKD_STORE=sqlite:%s", name);
	write_file(key, "0123456789abcdef0123456789abcdef");
	for (mode_t mode = 0600; mode <= 0640; mode += 040) {
		assert_int_equal(chmod(key, mode), 0);
		struct loaded l = load(NULL, vars);
		assert_int_equal(l.c != NULL, mode == 0600);
		assert_int_equal(strstr(l.problems.p, "can be read by other users: chmod 600") != NULL,
		                 mode != 0600);
		loaded_done(&l);
		l = load(NULL, own_key); /* the file is not used then */
		assert_non_null(l.c);
		loaded_done(&l);
	}
	(void)unlink(key);
	(void)unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_precedence),
	        cmocka_unit_test(test_secret_file),
	        cmocka_unit_test(test_secret_file_refused),
	        cmocka_unit_test(test_ini),
	        cmocka_unit_test(test_ini_values),
	        cmocka_unit_test(test_every_source_is_judged_alike),
	        cmocka_unit_test(test_faults_of_both_sources),
	        cmocka_unit_test(test_files_that_others_may_read),
	        cmocka_unit_test(test_key_file_that_others_may_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
