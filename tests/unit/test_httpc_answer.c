/* Answers out of bytes, however they are cut. */
#include "test.h"

#include "net/poster/httpc_answer.h"

enum { BODY_MAX = 32 };

#define MORE HTTPC_ANSWER_MORE
#define WHOLE HTTPC_ANSWER_WHOLE
#define WRONG HTTPC_ANSWER_WRONG
#define LARGE HTTPC_ANSWER_LARGE

static const struct row {
	const char *in;
	enum httpc_answer_state state; /* after all of it */
	long status;
	const char *body;
	bool keep;
	size_t left; /* bytes behind the answer */
} rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok", true, 0},
        {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok", true, 0},
        {"HTTP/1.1 200 \r\ncontent-length:2 \r\n\r\nok", WHOLE, 200, "ok", true, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok", true, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", WHOLE, 200, "", true, 0},
        {"HTTP/1.1 204 No Content\r\n\r\n", WHOLE, 204, "", true, 0},
        {"HTTP/1.1 204 No Content\r\n\r\nmore", WHOLE, 204, "", true, 4},
        {"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nnoHTTP", WHOLE, 400, "no", true, 4},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok", false, 0},
        {"HTTP/1.1 200 OK\r\nConnection: TE,  Close\r\nContent-Length: 0\r\n\r\n", WHOLE, 200, "", false, 0},
        {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", WHOLE, 200, "", true, 0},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok", false, 0},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", WHOLE, 200, "ok",
         true, 0},
        {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no", WHOLE,
         200, "o", true, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", WHOLE, 200, "ok", true,
         0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nok\r\nA\r\n0123456789\r\n00\r\nX: "
         "y\r\n\r\n!",
         WHOLE, 200, "ok0123456789", true, 1},
        {"HTTP/1.1 200 OK\r\n\r\nok", MORE, 200, "ok", false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", MORE, 200, "ok", true, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n01234567890123456789012345678901", WHOLE, 200,
         "01234567890123456789012345678901", true, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n0", LARGE, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\n\r\n012345678901234567890123456789012", LARGE, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n20\r\n01234567890123456789012345678901\r\n1\r\n",
         LARGE, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", LARGE, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", WRONG, 0, NULL, false,
         0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", WRONG, 0,
         NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 200 OK\r\n: no name\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 2x0 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 2000 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 099 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 600 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.2 200 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/2 200 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1-200 OK\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"HTTP/1.1 20\r\n\r\n", WRONG, 0, NULL, false, 0},
        {"SSH-2.0-x\r\n\r\n", WRONG, 0, NULL, false, 0},
};

/* Given in pieces that end before `cut`, and then in steps of `step`. */
static enum httpc_answer_state give(struct httpc_answer *a, struct buf *in, struct str bytes, size_t cut,
                                    size_t step)
{
	enum httpc_answer_state s = MORE;
	httpc_answer_init(a, BODY_MAX);
	buf_reset(in);
	for (size_t at = 0; at < bytes.n && s == MORE;) {
		size_t n = cut > at ? cut - at : step;
		n = n < bytes.n - at ? n : bytes.n - at;
		buf_put(in, bytes.p + at, n);
		at += n;
		s = httpc_answer_read(a, in);
	}
	return s;
}

static void check(const struct row *r, struct httpc_answer *a, const struct buf *in, bool all)
{
	if (r->body == NULL)
		return;
	assert_int_equal(a->status, r->status);
	assert_true(str_is(httpc_answer_body(a, in), r->body));
	assert_int_equal(a->keep, r->keep);
	if (all)
		assert_int_equal(in->len - a->read_to, r->left);
}

static void test_answers_in_pieces(void **state)
{
	struct httpc_answer a;
	struct buf in;
	(void)state;
	buf_init(&in, 4096);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct str all = str_c(rows[i].in);
		for (size_t cut = 0; cut <= all.n; cut++)
			for (size_t step = 1; step <= all.n; step += all.n - 1) {
				assert_int_equal(give(&a, &in, all, cut, step), rows[i].state);
				check(&rows[i], &a, &in, cut == all.n);
			}
	}
	buf_done(&in);
}

static void test_the_end_of_a_connection(void **state)
{
	struct httpc_answer a;
	struct buf in;
	(void)state;
	buf_init(&in, 4096);
	assert_int_equal(give(&a, &in, STR("HTTP/1.1 200 OK\r\n\r\nok"), 0, 1), MORE);
	assert_int_equal(httpc_answer_end(&a), WHOLE);
	assert_true(str_is(httpc_answer_body(&a, &in), "ok"));
	assert_int_equal(give(&a, &in, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), 0, 1), MORE);
	assert_int_equal(httpc_answer_end(&a), WRONG);
	assert_int_equal(give(&a, &in, STR("HTTP/1.1 200 OK\r\n"), 0, 1), MORE);
	assert_int_equal(httpc_answer_end(&a), WRONG);
	buf_done(&in);
}

static void test_headers_are_found(void **state)
{
	struct httpc_answer a;
	struct buf in;
	(void)state;
	buf_init(&in, 4096);
	assert_int_equal(give(&a, &in,
	                      STR("HTTP/1.1 200 OK\r\nDate:  now \r\ndate: then\r\nAge:\r\nContent-Length: "
	                          "9\r\n\r\nX: body\r\n"),
	                      0, 99),
	                 WHOLE);
	struct str head = httpc_answer_head(&a, &in);
	assert_true(str_is(httpc_answer_header(head, "DATE"), "now"));
	assert_int_equal(httpc_answer_header(head, "Age").n, 0);
	assert_int_equal(httpc_answer_header(head, "X").n, 0);
	assert_int_equal(httpc_answer_header(head, "HTTP/1.1 200 OK").n, 0);
	buf_done(&in);
}

/* A line of so many bytes, in `step`s. */
static enum httpc_answer_state chunk_line_of(size_t n, size_t step)
{
	static const char before[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;";
	struct httpc_answer a;
	struct buf text, in;
	buf_init(&text, 4096);
	buf_init(&in, 4096);
	buf_z(&text, before);
	while (text.len < sizeof before - 1 + n - 2)
		buf_z(&text, "e");
	buf_z(&text, "\r\n\r\n");
	enum httpc_answer_state s = give(&a, &in, buf_view(&text), 0, step);
	buf_done(&text);
	buf_done(&in);
	return s;
}

static enum httpc_answer_state head_of(size_t n, size_t step)
{
	struct httpc_answer a;
	struct buf text, in;
	buf_init(&text, 1 << 17);
	buf_init(&in, 1 << 17);
	buf_z(&text, "HTTP/1.1 204 x\r\nHeader: ");
	while (text.len < n - 4)
		buf_z(&text, "v");
	buf_z(&text, "\r\n\r\n");
	enum httpc_answer_state s = give(&a, &in, buf_view(&text), 0, step);
	buf_done(&text);
	buf_done(&in);
	return s;
}

/* However they come. */
static void test_heads_and_chunk_lines_have_an_end(void **state)
{
	(void)state;
	for (size_t step = 1; step < 4096; step += 4000) {
		assert_int_equal(chunk_line_of(256, step), WHOLE);
		assert_int_equal(chunk_line_of(257, step), WRONG);
		assert_int_equal(chunk_line_of(600, step), WRONG);
	}
	for (size_t step = 997; step < 1 << 17; step *= 130) {
		assert_int_equal(head_of(HTTPC_HEAD_MAX, step), WHOLE);
		assert_int_equal(head_of(HTTPC_HEAD_MAX + 1, step), LARGE);
		assert_int_equal(head_of(HTTPC_HEAD_MAX + 9000, step), LARGE);
	}
}

/* A body of many small chunks takes no more room than its own. */
static void test_chunks_leave_nothing_between(void **state)
{
	struct httpc_answer a;
	struct buf in;
	(void)state;
	buf_init(&in, 4096);
	assert_int_equal(give(&a, &in, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 0, 1),
	                 MORE);
	size_t head = in.len;
	for (int i = 0; i < BODY_MAX; i++) {
		buf_z(&in, "1;extension=of some length\r\nx\r\n");
		size_t before = in.len;
		assert_int_equal(httpc_answer_read(&a, &in), MORE);
		assert_int_equal(in.len, head + (size_t)i + 1);
		for (size_t n = in.len; n < before; n++)
			assert_int_equal(in.p[n], '\0');
	}
	buf_z(&in, "0\r\nTrailer: a\r\n\r\n");
	assert_int_equal(httpc_answer_read(&a, &in), WHOLE);
	assert_int_equal(httpc_answer_body(&a, &in).n, BODY_MAX);
	buf_done(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_answers_in_pieces),
	        cmocka_unit_test(test_the_end_of_a_connection),
	        cmocka_unit_test(test_headers_are_found),
	        cmocka_unit_test(test_heads_and_chunk_lines_have_an_end),
	        cmocka_unit_test(test_chunks_leave_nothing_between),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
