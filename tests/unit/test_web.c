/* The pages: values are escaped, optional parts stand only with their value, nothing foreign is loaded. */
#include "test.h"

#include "base/codec.h"
#include "web/style_path.h"
#include "web/web.h"

#define EVIL "\"'><script>alert(1)</script>&amp;"
#define EVIL_ESCAPED "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"

static struct buf page(enum web_page which, const struct web_fields *f)
{
	struct buf out;
	buf_init(&out, 65536);
	web_render(which, f, &out);
	assert_false(out.failed);
	assert_non_null(out.p);
	return out;
}

/* Every field with its own mark. */
static struct web_fields all_fields(void)
{
	struct web_fields f;
	struct str *v = (struct str *)&f;
	for (size_t i = 0; i < sizeof f / sizeof *v; i++)
		v[i] = STR(EVIL);
	return f;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

static void test_escaped(void **state)
{
	(void)state;
	static const size_t values[WEB_PAGES] = {[WEB_LOGIN] = 13, [WEB_CONSENT] = 15, [WEB_MESSAGE] = 9};
	struct web_fields f = all_fields();
	for (enum web_page i = 0; i < WEB_PAGES; i++) {
		struct buf out = page(i, &f);
		assert_null(strstr(out.p, "<script"));
		assert_null(strstr(out.p, "'>"));
		assert_null(strstr(out.p, "{{"));
		assert_int_equal(count(out.p, EVIL_ESCAPED), values[i]);
		buf_done(&out);
	}
}

static void test_frame(void **state)
{
	(void)state;
	struct web_fields f = {
	        .title = STR("Title"), .style = STR(WEB_STYLE_PATH), .support_id = STR("0123456789abcdef")};
	for (enum web_page i = 0; i < WEB_PAGES; i++) {
		struct buf out = page(i, &f);
		assert_true(str_starts(buf_view(&out), STR("<!doctype html>\n<html lang=\"en\">\n")));
		assert_non_null(strstr(out.p, "<meta charset=\"utf-8\">"));
		assert_non_null(strstr(out.p, "name=\"viewport\""));
		assert_non_null(strstr(out.p, "<title>Title</title>"));
		assert_non_null(strstr(out.p, "<h1>Title</h1>"));
		assert_non_null(strstr(out.p, "<code>0123456789abcdef</code>"));
		assert_non_null(strstr(out.p, "href=\"" WEB_STYLE_PATH "\""));
		/* the CSP allows no more, and a login page loads nothing of others */
		assert_null(strstr(out.p, "style="));
		assert_null(strstr(out.p, "<style"));
		assert_null(strstr(out.p, "http:"));
		assert_null(strstr(out.p, "https:"));
		assert_non_null(strstr(out.p, "</html>\n"));
		buf_done(&out);
	}
}

static void test_login(void **state)
{
	(void)state;
	struct web_fields f = {.title = STR("T"), .state = STR("STATE"), .email = STR("ann@example.com")};
	struct buf out = page(WEB_LOGIN, &f);
	assert_non_null(strstr(out.p, "<form method=\"post\" action=\"/link/login\">"));
	assert_non_null(strstr(out.p, "<input type=\"hidden\" name=\"state\" value=\"STATE\">"));
	assert_non_null(strstr(out.p, "<label for=\"email\">"));
	assert_non_null(strstr(out.p, "<label for=\"password\">"));
	assert_non_null(strstr(out.p, "autocomplete=\"username\""));
	assert_non_null(strstr(out.p, "autocomplete=\"current-password\""));
	assert_non_null(strstr(out.p, "value=\"ann@example.com\">"));
	assert_null(strstr(out.p, "maxlength")); /* a browser would cut what is pasted */
	assert_null(strstr(out.p, "role=\"alert\""));
	assert_null(strstr(out.p, "<a "));
	buf_done(&out);
	f.error = STR("Wrong.");
	f.forgot = STR("https://shop.example/forgot");
	out = page(WEB_LOGIN, &f);
	assert_non_null(strstr(out.p, "role=\"alert\" id=\"error\">Wrong.</p>"));
	assert_int_equal(count(out.p, "aria-describedby=\"error\""), 2);
	assert_int_equal(count(out.p, "<a "), 1);
	assert_non_null(strstr(out.p, "<a href=\"https://shop.example/forgot\">"));
	buf_done(&out);
}

static void test_consent(void **state)
{
	(void)state;
	struct web_fields f = {.title = STR("T"), .consent = STR("CONSENT"), .email = STR("ann@example.com")};
	struct buf out = page(WEB_CONSENT, &f);
	assert_non_null(strstr(out.p, "action=\"/link/confirm\""));
	assert_non_null(strstr(out.p, "formaction=\"/link/cancel\">Not me</button>"));
	assert_non_null(strstr(out.p, "name=\"consent\" value=\"CONSENT\""));
	assert_non_null(strstr(out.p, "<dd>ann@example.com</dd>"));
	assert_null(strstr(out.p, "class=\"warning\""));
	assert_null(strstr(out.p, "autofocus"));
	buf_done(&out);
	f.loses_profile = STR("one");
	f.loses_customer = STR("two");
	out = page(WEB_CONSENT, &f);
	assert_int_equal(count(out.p, "class=\"warning\""), 2);
	buf_done(&out);
}

static void test_no_room(void **state)
{
	(void)state;
	struct web_fields f = {.title = STR("T")};
	struct buf out;
	buf_init(&out, 100);
	web_render(WEB_MESSAGE, &f, &out);
	assert_true(out.failed);
	buf_done(&out);
}

static void test_brand(void **state)
{
	(void)state;
	struct web_fields none = {0}, brand = {.brand = STR("B")};
	struct buf with = page(WEB_LOGIN, &brand), without = page(WEB_LOGIN, &none);
	assert_non_null(strstr(with.p, "your B account"));
	assert_non_null(strstr(without.p, "your account"));
	buf_done(&with);
	buf_done(&without);
}

/* Sections inside sections: "[{{#title}}a{{#brand}}b{{/brand}}c{{/title}}]" */
static void test_sections(void **state)
{
	(void)state;
	static const size_t title = offsetof(struct web_fields, title),
	                    brand = offsetof(struct web_fields, brand);
	const struct web_piece pieces[] = {
	        {WEB_TEXT, "[", 0}, {WEB_IF, NULL, title}, {WEB_TEXT, "a", 0}, {WEB_IF, NULL, brand},
	        {WEB_TEXT, "b", 0}, {WEB_FI, NULL, brand}, {WEB_TEXT, "c", 0}, {WEB_FI, NULL, title},
	        {WEB_TEXT, "]", 0}, {WEB_END, NULL, 0},
	};
	static const struct {
		const char *title, *brand, *want;
	} row[] = {{"x", "x", "[abc]"}, {"x", NULL, "[ac]"}, {NULL, "x", "[]"}, {NULL, NULL, "[]"}};
	for (size_t i = 0; i < 4; i++) {
		struct web_fields f = {.title = str_c(row[i].title), .brand = str_c(row[i].brand)};
		struct buf out;
		buf_init(&out, 100);
		web_render_pieces(pieces, &f, &out);
		assert_string_equal(out.p, row[i].want);
		buf_done(&out);
	}
}

static void test_style(void **state)
{
	(void)state;
	assert_non_null(strstr(web_style_text, "prefers-color-scheme: dark"));
	assert_non_null(strstr(web_style_text, ":focus-visible"));
	assert_null(strstr(web_style_text, "url("));
	assert_null(strstr(web_style_text, "@import"));
	assert_true(str_starts(STR(WEB_STYLE_PATH), STR("/link/style.")));
	assert_true(sizeof WEB_STYLE_PATH > sizeof "/link/style..css");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_escaped), cmocka_unit_test(test_frame),
	        cmocka_unit_test(test_login),   cmocka_unit_test(test_consent),
	        cmocka_unit_test(test_no_room), cmocka_unit_test(test_sections),
	        cmocka_unit_test(test_brand),   cmocka_unit_test(test_style),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
