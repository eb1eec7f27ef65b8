#include "aws/private.h"
#include "test.h"

enum { WANTS = 2 };

struct got {
	enum err_code code;
	struct xml_want want[WANTS];
};

static struct got read_text(const char *text)
{
	struct got g = {.want = {{.path = "a/b/c"}, {.path = "a/d"}}};
	for (size_t i = 0; i < WANTS; i++)
		buf_init(&g.want[i].value, 64);
	g.code = xml_read(str_c(text), g.want, WANTS, NULL);
	return g;
}

static void done(struct got *g)
{
	for (size_t i = 0; i < WANTS; i++)
		buf_done(&g->want[i].value);
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *c, *d; /* NULL: not there */
	} rows[] = {
	        {"<a><b><c>x</c></b><d>y</d></a>", "x", "y"},
	        {"<?xml version=\"1.0\"?>\n<a xmlns='u>v'>\n <b ><c k=\"1\">x</c ></b>\n</a>\n", "x", NULL},
	        {"<!-- <a> --><a><d> y </d></a>", NULL, " y "},
	        {"<a><d>&lt;c&gt;&amp;&quot;&apos;&#65;&#x20aC;</d></a>", NULL, "<c>&\"'A\xe2\x82\xac"},
	        {"<a><d/><b><c></c></b></a>", "", ""},
	        {"<a><d>a>b</d></a>", NULL, "a>b"},
	        {"<a/>", NULL, NULL},
	        {"<x><a><d>y</d></a></x>", NULL, NULL},
	        {"<a><b><d>y</d></b><c>x</c></a>", NULL, NULL},
	        {"<a><dd>y</dd><D>y</D></a>", NULL, NULL},
	        {"<a><b><c><e>x</e></c></b></a>", NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct got g = read_text(rows[i].text);
		const char *want[WANTS] = {rows[i].c, rows[i].d};
		assert_int_equal(g.code, ERR_OK);
		for (size_t k = 0; k < WANTS; k++) {
			assert_int_equal(g.want[k].found, want[k] != NULL);
			assert_true(str_is(buf_view(&g.want[k].value), want[k]));
		}
		done(&g);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
	        "",
	        " ",
	        "x",
	        "<",
	        "<a",
	        "<a>",
	        "<a></b>",
	        "<a><b></a></b>",
	        "<a></a><a></a>",
	        "<a></a>x",
	        "x<a></a>",
	        "<a>x<b></b></a>",
	        "<a><b></b>x</a>",
	        "</a>",
	        "<a><d>1</d><d>2</d></a>",
	        "<a><d>&nbsp;</d></a>",
	        "<a><d>&amp</d></a>",
	        "<a><d>&#0;</d></a>",
	        "<a><d>&#xd800;</d></a>",
	        "<a><d>&#x110000;</d></a>",
	        "<a><d>&#x;</d></a>",
	        "<a><d>&#99999999999;</d></a>",
	        "<a><d>&;</d></a>",
	        "<!DOCTYPE a><a></a>",
	        "<a><d><![CDATA[x]]></d></a>",
	        "<a><!-- x --></a>",
	        "<a><?php ?></a>",
	        "<a b='></a>",
	        "< a></a>",
	        "<1!></1!>",
	        "<a><d>\xff</d></a>",
	        "<a b=<></a>",
	        "<?xml <a></a>",
	        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct got g = read_text(rows[i]);
		if (g.code != ERR_INVALID)
			fail_msg("taken: %s", rows[i]);
		done(&g);
	}
	struct got nul = {.code = ERR_OK};
	assert_int_equal(xml_read(STR("<a>\0</a>"), nul.want, 0, NULL), ERR_INVALID);
}

static void test_too_long_for_its_buffer(void **state)
{
	struct got g = read_text(
	        "<a><d>0123456789012345678901234567890123456789012345678901234567890123456789</d></a>");
	(void)state;
	assert_int_equal(g.code, ERR_NOMEM);
	done(&g);
}

/* No beginning of a document is a document. */
static void test_cut_anywhere(void **state)
{
	static const char text[] = "<?xml version=\"1.0\"?><a x=\"1\"><b><c>v&amp;w</c></b><d/></a>";
	char part[sizeof text];
	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		memcpy(part, text, n);
		part[n] = '\0';
		struct got g = read_text(part);
		assert_int_equal(g.code, ERR_INVALID);
		done(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_too_long_for_its_buffer),
	        cmocka_unit_test(test_cut_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
