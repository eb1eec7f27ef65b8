/* The commands customer and link, on a database of their own. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/cli.h"
#include "login/password.h"
#include "store/store.h"

enum { SHELL_WORDS_MAX = 12 };

static char dir[64], file[80], key_file[90], setting[128];
static char *environment[] = {setting, /* nothing of Facebook's, nothing of the listeners */
                              (char[]){"LINKD_ARGON2_MEMORY_KIB=64"}, (char[]){"LINKD_ARGON2_PASSES=1"},
                              NULL};
static char *out, *err; /* of the last command */

static int fresh(void **state)
{
	(void)state;
	assert_int_equal(crypto_start(NULL), ERR_OK);
	(void)snprintf(dir, sizeof dir, "/tmp/customer-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof file, "%s/x.db", dir);
	(void)snprintf(key_file, sizeof key_file, "%s.key", file);
	(void)snprintf(setting, sizeof setting, "LINKD_STORE=sqlite:%s", file);
	return 0;
}

static int cleared(void **state)
{
	(void)state;
	free(out);
	free(err);
	out = err = NULL;
	(void)unlink(file);
	(void)unlink(key_file); /* made for the digests of audit lines */
	return rmdir(dir);
}

/* Run "a b c" split at spaces; `input` is what standard input holds. */
static int run_with(const char *line, const char *input, size_t input_n)
{
	char text[1024], *words[SHELL_WORDS_MAX];
	struct cli c = {.argv = words, .environ_ = environment};
	size_t out_n, err_n;
	struct str rest = str_c(line), word;
	char *at = text;
	while (str_next(&rest, ' ', &word)) {
		assert_true(c.argc < SHELL_WORDS_MAX && (size_t)(at - text) + word.n < sizeof text);
		assert_true(str_copy(at, word.n + 1, word));
		words[c.argc++] = at;
		at += word.n + 1;
	}
	free(out);
	free(err);
	c.in = fmemopen((void *)(uintptr_t)input, input_n, "r");
	c.out = open_memstream(&out, &out_n);
	c.err = open_memstream(&err, &err_n);
	assert_true(c.in != NULL && c.out != NULL && c.err != NULL);
	int rc = cli_main(&c);
	(void)fclose(c.in);
	(void)fclose(c.out);
	(void)fclose(c.err);
	return rc;
}

static void wants(const char *line, int rc, const char *wanted_out, const char *in_err)
{
	assert_int_equal(run_with(line, "secret\n", 7), rc);
	assert_string_equal(out, wanted_out);
	if (in_err[0] == '\0')
		assert_string_equal(err, "");
	else if (strstr(err, in_err) == NULL)
		fail_msg("%s: %s", line, err);
}

static void on_done(void *arg, struct store_op *op)
{
	struct store_customer *ret = arg;
	assert_int_equal(op->code, ERR_OK);
	if (op->kind == STORE_FIND_ID) {
		assert_int_equal(op->out.n, 1);
		*ret = op->out.customers[0];
	}
	loop_stop(op->port->loop);
}

/* One operation straight on the store. */
static void on_store(struct store_op *op, struct store_customer *ret)
{
	struct config cfg = {.store = setting + strlen("LINKD_STORE=")};
	struct store *s;
	struct loop *l;
	struct store_port *port;
	assert_int_equal(store_open(&cfg, &s, NULL), ERR_OK);
	assert_int_equal(loop_new(&l, NULL), ERR_OK);
	assert_int_equal(store_attach(s, l, NULL, &port, NULL), ERR_OK);
	assert_int_equal(store_start(port, op, on_done, ret, NULL), ERR_OK);
	loop_run(l);
	store_detach(port);
	loop_free(l);
	store_close(s);
}

static struct store_op *op_on(enum store_kind kind, const char *id, const char *email)
{
	struct store_op *op = store_op_new(kind, clock_mono_ms() + 5000);
	assert_non_null(op);
	if (kind == STORE_FIND_ID) {
		assert_true(str_copy(op->in.find_id.id, sizeof op->in.find_id.id, str_c(id)));
		return op;
	}
	assert_true(str_copy(op->in.key.id, sizeof op->in.key.id, str_c(id)));
	assert_true(str_copy(op->in.key.email, sizeof op->in.key.email, str_c(email)));
	return op;
}

static void link_to(const char *id, const char *email, const char *psid, const char *page, int64_t at)
{
	struct store_op *op = op_on(STORE_LINK, id, email);
	struct store_link_request *in = &op->in.link;
	assert_true(str_copy(in->psid, sizeof in->psid, str_c(psid)));
	assert_true(str_copy(in->page_id, sizeof in->page_id, str_c(page)));
	(void)snprintf(in->digest, sizeof in->digest, "request");
	in->time_ms = at;
	on_store(op, NULL);
}

static enum password_verdict verdict(const char *id, struct str password)
{
	const struct password_policy policy = {.memory_kib = 64, .passes = 1, .sha1 = SHA1_ACCEPT};
	struct store_customer c;
	on_store(op_on(STORE_FIND_ID, id, ""), &c);
	return password_check(&policy, password, str_c(c.hash), NULL);
}

static void test_add_and_show(void **state)
{
	(void)state;
	wants("customer add --id c1 --email Ann@Example.com --password-stdin", CLI_OK,
	      "customer_id: c1\nemail: ann@example.com\n", "");
	assert_int_equal(verdict("c1", STR("secret")), PASSWORD_RIGHT);
	assert_int_equal(verdict("c1", STR("secret\n")), PASSWORD_WRONG);
	const char *shown = "customer_id: c1\nemail: ann@example.com\nhas_password: yes\nlinked: no\n"
	                    "login_failures: 0\n";
	wants("customer show --id c1", CLI_OK, shown, "");
	wants("customer show --email ann@example.com", CLI_OK, shown, "");
	wants("customer show --email ANN@example.COM", CLI_OK, shown, ""); /* as a login finds it */
	wants("customer show --id c1 --json", CLI_OK,
	      "{\"customer_id\":\"c1\",\"email\":\"ann@example.com\",\"has_password\":true,\"linked\":false,"
	      "\"login_failures\":0}\n",
	      "");
	wants("customer add --id c1 --email other@example.com --password-stdin", CLI_FAILED, "",
	      "customer c1 exists already");
	wants("customer show --id c2", CLI_FAILED, "", "no such customer");
	wants("customer show --email other@example.com", CLI_FAILED, "", "no such customer");
}

static void test_passwords(void **state)
{
	char text[PASSWORD_MAX + 3];
	const char *line = "customer add --id c1 --email a@b --password-stdin";
	(void)state;
	memset(text, 'p', sizeof text);
	text[PASSWORD_MAX] = '\n';
	assert_int_equal(run_with(line, text, PASSWORD_MAX + 1), CLI_OK);
	assert_int_equal(verdict("c1", (struct str){text, PASSWORD_MAX}), PASSWORD_RIGHT);
	text[PASSWORD_MAX] = 'p';
	wants("customer remove --id c1", CLI_OK, "customer_id: c1\nremoved: yes\n", "");
	assert_int_equal(run_with(line, text, PASSWORD_MAX + 1), CLI_FAILED);
	assert_int_equal(run_with(line, "\n", 1), CLI_FAILED);
	wants("customer show --id c1", CLI_FAILED, "", "no such customer");
	assert_int_equal(run_with(line, "two\n\n", 5), CLI_OK); /* only the last newline is dropped */
	assert_int_equal(verdict("c1", STR("two\n")), PASSWORD_RIGHT);
}

static void test_bad_keys(void **state)
{
	static const struct {
		const char *id, *email;
		int rc;
		const char *says;
	} rows[] = {
	        {"c1", "ab", CLI_FAILED, "one @"},
	        {"c1", "a@b@c", CLI_FAILED, "one @"},
	        {"c1", "@b", CLI_FAILED, "one @"},
	        {"c1", "a@", CLI_FAILED, "one @"},
	        {"c1", "a\x01@b", CLI_FAILED, "control characters"},
	        {"c\t1", "a@b", CLI_FAILED, "control characters"},
	        {"c\xff", "a@b", CLI_FAILED, "not UTF-8"},
	        {"c1", "a\xff@b", CLI_FAILED, "one @"},
	};
	char line[1024], long_text[400];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(line, sizeof line, "customer add --id %s --email %s --password-stdin",
		               rows[i].id, rows[i].email);
		wants(line, rows[i].rc, "", rows[i].says);
	}
	memset(long_text, 'x', sizeof long_text);
	(void)snprintf(line, sizeof line, "customer add --id %.341s --email a@b --password-stdin", long_text);
	wants(line, CLI_FAILED, "", "at most 340");
	(void)snprintf(line, sizeof line, "customer add --id c1 --email a@%.253s --password-stdin",
	               long_text);
	wants(line, CLI_FAILED, "", "at most 254");
	(void)snprintf(line, sizeof line, "customer add --id %.87s --email a@%.252s --password-stdin",
	               long_text, long_text);
	wants(line, CLI_FAILED, "", "341 bytes together, at most 340");
	(void)snprintf(line, sizeof line, "customer add --id %.86s --email a@%.252s --password-stdin",
	               long_text, long_text);
	assert_int_equal(run_with(line, "secret", 6), CLI_OK); /* the longest key */
	assert_string_equal(err, "");
}

static void test_usage(void **state)
{
	static const char *const lines[] = {"customer add --id c1 --email a@b",
	                                    "customer add --id c1 --password-stdin",
	                                    "customer add --email a@b --password-stdin",
	                                    "customer show",
	                                    "customer show --id c1 --email a@b",
	                                    "customer remove",
	                                    "customer",
	                                    "customer nope",
	                                    "link",
	                                    "link show",
	                                    "link show --psid 1 --customer c1",
	                                    "link remove",
	                                    "link remove 1"};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_int_equal(run_with(lines[i], "x", 1), CLI_USAGE);
		assert_string_equal(out, "");
		assert_string_not_equal(err, "");
	}
	assert_int_not_equal(access(file, F_OK), 0); /* the database was not touched */
}

static void test_same_email_twice(void **state)
{
	(void)state;
	wants("customer add --id c1 --email a@b --password-stdin", CLI_OK, "customer_id: c1\nemail: a@b\n",
	      "");
	wants("customer add --id c2 --email a@b --password-stdin", CLI_FAILED, "",
	      "another customer has this e-mail: neither could log in");
	wants("customer add --id c2 --email A@B --password-stdin", CLI_FAILED, "",
	      "another customer has this e-mail: neither could log in");
	wants("customer show --id c2", CLI_FAILED, "", "no such customer");
	wants("customer add --id c1 --email a@b --password-stdin --force", CLI_FAILED, "", "exists already");
	wants("customer add --id c2 --email a@b --password-stdin --force", CLI_OK,
	      "customer_id: c2\nemail: a@b\n", "warning: another customer has this e-mail");
	wants("customer show --email a@b --json", CLI_OK,
	      "{\"customers\":["
	      "{\"customer_id\":\"c1\",\"email\":\"a@b\",\"has_password\":true,\"linked\":false,\"login_"
	      "failures\":0},"
	      "{\"customer_id\":\"c2\",\"email\":\"a@b\",\"has_password\":true,\"linked\":false,\"login_"
	      "failures\":0}"
	      "]}\n",
	      "");
}

/* A customer whose e-mail another program stored as it was typed. */
static void test_same_email_in_upper_case(void **state)
{
	struct store_customer none;
	struct store_op *op = op_on(STORE_ADD, "old", "Ann@X.example");
	(void)state;
	wants("customer add --id c1 --email bob@x.example --password-stdin", CLI_OK,
	      "customer_id: c1\nemail: bob@x.example\n", "");
	(void)snprintf(op->in.add.hash, sizeof op->in.add.hash, "$5$x");
	on_store(op, &none);
	wants("customer add --id c2 --email Ann@X.example --password-stdin", CLI_FAILED, "",
	      "another customer has this e-mail");
	wants("customer add --id c2 --email ann@x.example --password-stdin", CLI_OK,
	      "customer_id: c2\nemail: ann@x.example\n", "");
}

static void test_links(void **state)
{
	(void)state;
	wants("link show --psid 111", CLI_FAILED, "", "there is no database at");
	wants("link remove --psid 111", CLI_FAILED, "", "there is no database at");
	wants("customer add --id c1 --email a@b --password-stdin", CLI_OK, "customer_id: c1\nemail: a@b\n",
	      "");
	wants("link show --customer c1", CLI_FAILED, "", "not linked");
	wants("link remove --psid 111", CLI_FAILED, "", "not linked");
	link_to("c1", "a@b", "111", "9", 1700000000123);
	const char *link = "customer_id: c1\nemail: a@b\npsid: 111\npage_id: 9\nlinked_at: 1700000000123\n";
	wants("link show --psid 111", CLI_OK, link, "");
	wants("link show --customer c1", CLI_OK, link, "");
	wants("customer show --id c1", CLI_OK,
	      "customer_id: c1\nemail: a@b\nhas_password: yes\nlinked: yes\npsid: 111\npage_id: 9\n"
	      "linked_at: 1700000000123\nlogin_failures: 0\n",
	      "");
	wants("link show --psid 112", CLI_FAILED, "", "not linked");
	wants("link remove --psid 111 --json", CLI_OK, "{\"psid\":\"111\",\"removed\":1}\n",
	      "note: Facebook is not told");
	wants("link show --customer c1", CLI_FAILED, "", "not linked");
	char line[128];
	(void)snprintf(line, sizeof line, "link show --psid %065d", 1);
	wants(line, CLI_FAILED, "", "at most 64");
}

/* More holders than one lookup gives. */
static void test_remove_every_holder(void **state)
{
	(void)state;
	for (int i = 10; i < 21; i++) {
		char line[128], id[8], email[8];
		(void)snprintf(id, sizeof id, "c%d", i);
		(void)snprintf(email, sizeof email, "a@b%d", i);
		(void)snprintf(line, sizeof line, "customer add --id %s --email %s --password-stdin", id,
		               email);
		assert_int_equal(run_with(line, "secret", 6), CLI_OK);
		link_to(id, email, "111", "9", 1000 + i);
	}
	assert_int_equal(run_with("link show --psid 111", "x", 1), CLI_OK);
	assert_int_equal(strncmp(out, "links.1.customer_id: c20\n", 25), 0);
	assert_non_null(strstr(out, "links.8.linked_at: 1013\n"));
	wants("link remove --psid 111", CLI_OK, "psid: 111\nremoved: 11\n", "note: Facebook is not told");
	wants("link remove --psid 111", CLI_FAILED, "", "not linked");
}

static void test_store_errors(void **state)
{
	(void)state;
	(void)snprintf(setting, sizeof setting, "LINKD_STORE=sqlite:%s/none/x.db", dir);
	wants("customer show --id c1", CLI_FAILED, "", "there is no database at");
	(void)snprintf(setting, sizeof setting, "LINKD_STORE=sqlite:%s", dir);
	wants("link show --psid 1", CLI_FAILED, "", "not a plain file");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_add_and_show), T(test_passwords),           T(test_bad_keys),
	        T(test_usage),        T(test_same_email_twice),    T(test_same_email_in_upper_case),
	        T(test_links),        T(test_remove_every_holder), T(test_store_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
