#include "test.h"

#include "base/json.h"
#include "config/private.h"
#include "config_fixture.h"

#define SECRET "sesame-sesame-sesame-sesame-sesame"

static char *vars[] = {"LINKD_APP_SECRET=" SECRET "," SECRET,
                       "LINKD_PUBLIC_URL=https://a.b",
                       "LINKD_ADMIN_TOKEN=" SECRET,
                       "LINKD_VERIFY_TOKEN=" SECRET,
                       "LINKD_SEAL_KEY=" SECRET,
                       "LINKD_BRAND_NAME=a \"b\"",
                       "LINKD_PAGE_IDS=1,22",
                       "LINKD_LEGACY_SHA1=upgrade",
                       NULL};

static void test_lines(void **state)
{
	struct loaded l = load(NULL, vars);
	struct buf b;
	size_t lines = 0;
	(void)state;
	buf_init(&b, 1 << 16);
	config_print(l.c, &b);
	assert_null(strstr(b.p, "sesame"));
	assert_non_null(strstr(b.p, "\napp_secret: ********\n"));
	assert_non_null(strstr(b.p, "\nseal_key: ********\n"));
	assert_non_null(strstr(b.p, "\npage_ids: 1,22\n"));
	assert_non_null(strstr(b.p, "\nbrand_name: a \"b\"\n"));
	assert_non_null(strstr(b.p, "\nlegacy_sha1: upgrade\n"));
	assert_non_null(strstr(b.p, "\ncode_ttl: 300\n"));
	assert_non_null(strstr(b.p, "\nprivacy_url: \n"));
	for (const char *p = b.p; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, CONFIG_ROWS);
	buf_done(&b);
	loaded_done(&l);
}

static void test_unset_secret(void **state)
{
	char *few[] = {"LINKD_APP_SECRET=x", "LINKD_PUBLIC_URL=https://a.b", NULL};
	struct loaded l = load(NULL, few);
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 16);
	config_print(l.c, &b);
	assert_non_null(strstr(b.p, "\nadmin_token: \n"));
	assert_non_null(strstr(b.p, "\nseal_key: \n"));
	buf_done(&b);
	loaded_done(&l);
}

static void test_json(void **state)
{
	const struct json_limits limits = {.max_depth = 2, .max_values = 200};
	struct loaded l = load(NULL, vars);
	struct buf b;
	struct json *j;
	double ttl;
	(void)state;
	buf_init(&b, 1 << 16);
	config_print_json(l.c, &b);
	assert_null(strstr(b.p, "sesame"));
	assert_int_equal(json_parse(buf_view(&b), &limits, &j, NULL), ERR_OK);
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		assert_non_null(json_get(j, config_row_table[i].field));
	assert_true(str_is(json_str(json_get(j, "app_secret")), "********"));
	assert_true(str_is(json_str(json_get(j, "brand_name")), "a \"b\""));
	assert_true(str_is(json_str(json_get(j, "legacy_sha1")), "upgrade"));
	assert_true(str_is(json_str(json_next(json_first(json_get(j, "page_ids")))), "22"));
	assert_true(json_num(json_get(j, "code_ttl"), &ttl) && ttl == 300);
	json_free(j);
	buf_done(&b);
	loaded_done(&l);
}

static struct buf readme(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	config_readme(&b);
	assert_false(b.failed);
	return b;
}

/* The page in the tree is the one the program makes; run from the top of the tree. */
static void test_readme_is_current(void **state)
{
	struct buf b = readme();
	char *file = malloc(b.len + 2);
	FILE *f = fopen("config/README.md", "r");
	(void)state;
	assert_non_null(f);
	size_t n = fread(file, 1, b.len + 1, f);
	(void)fclose(f);
	if (n != b.len || memcmp(file, b.p, n) != 0)
		fail_msg("make it anew: build/account-linkd print-config --readme > config/README.md");
	free(file);
	buf_done(&b);
}

static void test_readme_names_all(void **state)
{
	struct buf b = readme();
	(void)state;
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		char row[100];
		(void)snprintf(row, sizeof row, "\n| `LINKD_%s` | `%s` | ", config_row_table[i].key,
		               config_row_table[i].field);
		assert_non_null(strstr(b.p, row));
	}
	buf_done(&b);
}

/* Whoever saves the example has settings that can be used as they are. */
static void test_readme_example(void **state)
{
	struct buf b = readme();
	char name[32], *none[] = {NULL};
	const char *start = strstr(b.p, "```ini\n") + 7, *end = strstr(start, "```\n");
	(void)state;
	fixture_file(name, (struct str){start, (size_t)(end - start)});
	struct loaded l = load(name, none);
	if (l.c == NULL)
		fail_msg("%s", l.problems.p);
	assert_int_equal(l.c->warnings.n, 0);
	assert_string_equal(l.c->public_url, "https://link.example.com");
	loaded_done(&l);
	(void)unlink(name);
	buf_done(&b);
}

/* Every default passes its own setting's rules, but for those that must be set. */
static void test_defaults_are_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		char var[300];
		(void)snprintf(var, sizeof var, "LINKD_%s=%s", row->key, row->def);
		if (i == CONFIG_ROW_APP_SECRET || i == CONFIG_ROW_PUBLIC_URL)
			continue;
		char *few[] = {var, "LINKD_APP_SECRET=x", "LINKD_PUBLIC_URL=https://a.b", NULL};
		struct loaded l = load(NULL, few);
		if (l.c == NULL)
			fail_msg("%s", l.problems.p);
		loaded_done(&l);
		assert_ptr_equal(config_row_by_key(str_c(row->key)), row);
		assert_ptr_equal(config_row_by_field(str_c(row->field)), row);
		assert_true(strlen(row->help) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_unset_secret),
	        cmocka_unit_test(test_json),
	        cmocka_unit_test(test_readme_is_current),
	        cmocka_unit_test(test_readme_names_all),
	        cmocka_unit_test(test_readme_example),
	        cmocka_unit_test(test_defaults_are_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
