/* JSON of a delivery -> link events: every variety that Facebook and test tools send, every bad input. */
#include "test.h"

#include <inttypes.h>
#include <stdlib.h>

#include "starve.h"
#include "webhook/event.h"

static const int64_t NOW = INT64_C(1790000000000); /* ms */
static char page_a[] = "100";
static char page_b[] = "200";
static char *page_list[] = {page_a, page_b};
static const struct strlist all_pages = {0, NULL};
static const struct strlist two_pages = {2, page_list};

static enum err_code parse(struct str json, const struct strlist *pages, struct event_list *l)
{
	struct event_rules rules = {.pages = pages, .received_ms = NOW};
	struct err err;
	return event_parse(json, &rules, l, &err);
}

#define P(entry) "{\"object\":\"page\",\"entry\":[" entry "]}"
#define M(event) P("{\"id\":\"100\",\"time\":1790000000000,\"messaging\":[" event "]}")
#define FROM "\"sender\":{\"id\":\"77\"},\"recipient\":{\"id\":\"100\"},\"timestamp\":1790000000000"
#define LINKED "\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"C\"}"
#define UNLINKED "\"account_linking\":{\"status\":\"unlinked\"}"
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

enum { TAKEN, IGNORED, SKIPPED, FOREIGN, STALE, NOTHING };

static const struct row {
	const char *name;
	int want;
	struct str json;
} rows[] = {
        {"linked", TAKEN, STR(M("{" FROM "," LINKED "}"))},
        {"unlinked", TAKEN, STR(M("{" FROM "," UNLINKED "}"))},
        {"unlinked with a stray code", TAKEN,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"unlinked\",\"authorization_code\":null}}"))},
        {"unknown fields", TAKEN,
         STR(M("{\"x\":[1,{}]," FROM ",\"account_linking\":{\"a\":1,\"status\":\"unlinked\"},\"y\":null}"))},
        {"no recipient", TAKEN, STR(M("{\"sender\":{\"id\":\"77\"}," UNLINKED "}"))},
        {"recipient without id", TAKEN, STR(M("{\"sender\":{\"id\":\"77\"},\"recipient\":{}," UNLINKED "}"))},
        {"no page at all", TAKEN, STR(P("{\"messaging\":[{\"sender\":{\"id\":\"77\"}," UNLINKED "}]}"))},
        {"id of 64", TAKEN, STR(M("{\"sender\":{\"id\":\"" X64 "\"}," UNLINKED "}"))},
        {"code of 512", TAKEN,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"" X512
               "\"}}"))},
        {"numeric id", TAKEN, STR(M("{\"sender\":{\"id\":77}," UNLINKED "}"))},
        {"numeric id, exponent", TAKEN, STR(M("{\"sender\":{\"id\":7.7e1}," UNLINKED "}"))},
        {"numeric id, largest", TAKEN, STR(M("{\"sender\":{\"id\":9007199254740991}," UNLINKED "}"))},
        {"numeric code", TAKEN,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":1234}}"))},

        {"no event", NOTHING, STR(P("{\"messaging\":[]}"))},
        {"no entry", NOTHING, STR(P(""))},
        {"message", IGNORED, STR(M("{" FROM ",\"message\":{\"mid\":\"m\",\"text\":\"hello\"}}"))},
        {"policy enforcement, no sender", IGNORED,
         STR(M("{\"recipient\":{\"id\":\"100\"},\"timestamp\":1,\"policy-enforcement\":{\"action\":\"block\"}"
               "}"))},
        {"unknown status", IGNORED, STR(M("{" FROM ",\"account_linking\":{\"status\":\"paused\"}}"))},
        {"status in capitals", IGNORED, STR(M("{" FROM ",\"account_linking\":{\"status\":\"LINKED\"}}"))},
        {"key in capitals", IGNORED, STR(M("{" FROM ",\"Account_Linking\":{\"status\":\"unlinked\"}}"))},
        {"changes only", IGNORED, STR(P("{\"id\":\"100\",\"time\":1,\"changes\":[{\"field\":\"feed\"}]}"))},
        {"messaging not an array", IGNORED, STR(P("{\"id\":\"100\",\"messaging\":{}}"))},
        {"instagram", IGNORED,
         STR("{\"object\":\"instagram\",\"entry\":[{\"messaging\":[{" FROM "," UNLINKED "}]}]}")},
        {"no object", IGNORED, STR("{\"entry\":[{\"messaging\":[{" FROM "," UNLINKED "}]}]}")},
        {"empty object", IGNORED, STR("{}")},
        {"entry not an array", IGNORED, STR("{\"object\":\"page\",\"entry\":{}}")},
        {"object cut by NUL", IGNORED,
         STR("{\"object\":\"page\\u0000\",\"entry\":[{\"messaging\":[{" FROM "," UNLINKED "}]}]}")},

        {"standby", TAKEN, STR(P("{\"id\":\"100\",\"standby\":[{" FROM "," LINKED "}]}"))},
        {"standby beside what is no list", TAKEN,
         STR(P("{\"messaging\":7,\"standby\":[{" FROM "," UNLINKED "}]}"))},
        {"standby, bad event", SKIPPED, STR(P("{\"standby\":[{" UNLINKED "}]}"))},
        {"standby, other kind", IGNORED, STR(P("{\"id\":\"100\",\"standby\":[{" FROM ",\"message\":{}}]}"))},

        {"entry not an object", SKIPPED, STR(P("1"))},
        {"event not an object", SKIPPED, STR(M("\"x\""))},
        {"no sender", SKIPPED, STR(M("{\"recipient\":{\"id\":\"100\"}," UNLINKED "}"))},
        {"sender a string", SKIPPED, STR(M("{\"sender\":\"77\"," UNLINKED "}"))},
        {"empty id", SKIPPED, STR(M("{\"sender\":{\"id\":\"\"}," UNLINKED "}"))},
        {"id of 65", SKIPPED, STR(M("{\"sender\":{\"id\":\"" X64 "x\"}," UNLINKED "}"))},
        {"id with NUL", SKIPPED, STR(M("{\"sender\":{\"id\":\"77\\u0000\"}," UNLINKED "}"))},
        {"id that is NUL", SKIPPED, STR(M("{\"sender\":{\"id\":\"\\u0000\"}," UNLINKED "}"))},
        {"id null", SKIPPED, STR(M("{\"sender\":{\"id\":null}," UNLINKED "}"))},
        {"id true", SKIPPED, STR(M("{\"sender\":{\"id\":true}," UNLINKED "}"))},
        {"id an array", SKIPPED, STR(M("{\"sender\":{\"id\":[\"77\"]}," UNLINKED "}"))},
        {"numeric id, 2^53", SKIPPED, STR(M("{\"sender\":{\"id\":9007199254740992}," UNLINKED "}"))},
        {"numeric id, 17 digits", SKIPPED, STR(M("{\"sender\":{\"id\":17841452691600098}," UNLINKED "}"))},
        {"numeric id, huge", SKIPPED, STR(M("{\"sender\":{\"id\":1e300}," UNLINKED "}"))},
        {"numeric id, beyond double", SKIPPED, STR(M("{\"sender\":{\"id\":1e999}," UNLINKED "}"))},
        {"numeric id, negative", SKIPPED, STR(M("{\"sender\":{\"id\":-77}," UNLINKED "}"))},
        {"numeric id, minus zero", SKIPPED, STR(M("{\"sender\":{\"id\":-0}," UNLINKED "}"))},
        {"numeric id, fraction", SKIPPED, STR(M("{\"sender\":{\"id\":7.5}," UNLINKED "}"))},
        {"bad page id", SKIPPED,
         STR(M("{\"sender\":{\"id\":\"77\"},\"recipient\":{\"id\":-1}," UNLINKED "}"))},
        {"linking not an object", SKIPPED, STR(M("{" FROM ",\"account_linking\":\"linked\"}"))},
        {"linking null", SKIPPED, STR(M("{" FROM ",\"account_linking\":null}"))},
        {"no status", SKIPPED, STR(M("{" FROM ",\"account_linking\":{\"authorization_code\":\"C\"}}"))},
        {"status a number", SKIPPED, STR(M("{" FROM ",\"account_linking\":{\"status\":1}}"))},
        {"no code", SKIPPED, STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\"}}"))},
        {"empty code", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"\"}}"))},
        {"code of 513", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"x" X512
               "\"}}"))},
        {"code with NUL", SKIPPED,
         STR(M("{" FROM
               ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"a\\u0000b\"}}"))},
        /* odd where somebody reads */
        {"half a pair in the id", SKIPPED, STR(M("{\"sender\":{\"id\":\"7\\ud83d\"}," UNLINKED "}"))},
        {"bytes that are not UTF-8 in the id", SKIPPED,
         STR(M("{\"sender\":{\"id\":\"7\xff\"}," UNLINKED "}"))},
        {"id doubled", SKIPPED, STR(M("{\"sender\":{\"id\":\"7\",\"id\":\"7\"}," UNLINKED "}"))},
        {"sender doubled", SKIPPED, STR(M("{" FROM ",\"sender\":{\"id\":\"7\"}," UNLINKED "}"))},
        {"recipient doubled", SKIPPED, STR(M("{" FROM ",\"recipient\":{}," UNLINKED "}"))},
        {"timestamp doubled", SKIPPED, STR(M("{" FROM ",\"timestamp\":1," UNLINKED "}"))},
        {"linking doubled", SKIPPED, STR(M("{" FROM "," UNLINKED "," UNLINKED "}"))},
        {"linking doubled by escape", SKIPPED,
         STR(M("{" FROM "," UNLINKED ",\"account\\u005flinking\":{}}"))},
        {"status doubled", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"unlinked\",\"status\":\"unlinked\"}}"))},
        {"half a pair in the status", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"unlinked\\udc00\"}}"))},
        {"code doubled", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"C\","
               "\"authorization_code\":\"C\"}}"))},
        {"half a pair in the code", SKIPPED,
         STR(M("{" FROM
               ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"C\\ud800\"}}"))},
        {"messaging doubled", SKIPPED, STR(P("{\"messaging\":[{" FROM "," UNLINKED "}],\"messaging\":[]}"))},
        {"standby doubled", SKIPPED, STR(P("{\"standby\":[{" FROM "," UNLINKED "}],\"standby\":[]}"))},
        {"entry doubled", SKIPPED, STR("{\"object\":\"page\",\"entry\":[{" UNLINKED "}],\"entry\":[]}")},
        {"object doubled", SKIPPED,
         STR("{\"object\":\"page\",\"object\":\"page\",\"entry\":[{" UNLINKED "}]}")},
        {"half a pair in the object", IGNORED,
         STR("{\"object\":\"page\\ud800\",\"entry\":[{\"messaging\":[{" FROM "," UNLINKED "}]}]}")},
        {"time of the entry doubled, and wanted", SKIPPED,
         STR(P("{\"time\":1,\"time\":2,\"messaging\":[{\"sender\":{\"id\":\"7\"}," UNLINKED "}]}"))},
        {"id of the entry doubled, and wanted", SKIPPED,
         STR(P("{\"id\":\"1\",\"id\":\"2\",\"messaging\":[{\"sender\":{\"id\":\"7\"}," UNLINKED "}]}"))},
        /* odd where nobody reads */
        {"time of the entry doubled", TAKEN,
         STR(P("{\"time\":1,\"time\":2,\"messaging\":[{" FROM "," UNLINKED "}]}"))},
        {"id of the entry doubled", TAKEN,
         STR(P("{\"id\":\"1\",\"id\":\"2\",\"messaging\":[{" FROM "," UNLINKED "}]}"))},
        {"code doubled, and not wanted", TAKEN,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"unlinked\",\"authorization_code\":1,"
               "\"authorization_code\":2}}"))},
        {"oddities beside it", TAKEN,
         STR("{\"x\":\"\\ud83d\",\"x\":\"\xff\",\"object\":\"page\",\"entry\":[{\"y\":\"\\udc00\",\"y\":"
             "1e999,"
             "\"messaging\":[{\"z\":\"\xc3\",\"z\":{\"sender\":1,\"sender\":2}," FROM "," UNLINKED "}]}]}")},
        {"a timestamp that is text with half a pair", TAKEN,
         STR(M("{\"sender\":{\"id\":\"77\"},\"timestamp\":\"\\ud83d\"," UNLINKED "}"))},

        {"code an object", SKIPPED,
         STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":{}}}"))},
};

static void varieties(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct event_list l;
		enum err_code code = parse(rows[i].json, &all_pages, &l);
		size_t got[] = {l.n, l.ignored, l.skipped, l.foreign, l.stale};
		for (int k = TAKEN; k < NOTHING; k++)
			if (code != ERR_OK || got[k] != (rows[i].want == k ? 1u : 0u))
				fail_msg("%s: code %s, taken %zu ignored %zu skipped %zu foreign %zu",
				         rows[i].name, err_name(code), l.n, l.ignored, l.skipped, l.foreign);
		event_list_done(&l);
	}
}

static void check_event(struct str json, enum event_kind kind, const char *psid, const char *page,
                        const char *code)
{
	struct event_list l;
	assert_int_equal(parse(json, &all_pages, &l), ERR_OK);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].kind, kind);
	assert_string_equal(l.v[0].psid, psid);
	assert_string_equal(l.v[0].page_id, page);
	assert_true(str_is(event_code(&l, &l.v[0]), code));
	event_list_done(&l);
}

static void fields(void **state)
{
	(void)state;
	check_event(STR(M("{" FROM "," LINKED "}")), EVENT_K_LINKED, "77", "100", "C");
	check_event(STR(M("{" FROM "," UNLINKED "}")), EVENT_K_UNLINKED, "77", "100", "");
	check_event(STR(M("{\"sender\":{\"id\":7.7e1}," UNLINKED "}")), EVENT_K_UNLINKED, "77", "100", "");
	check_event(STR(M("{\"sender\":{\"id\":9007199254740991},\"recipient\":{\"id\":0}," UNLINKED "}")),
	            EVENT_K_UNLINKED, "9007199254740991", "0", "");
	check_event(STR(P("{\"messaging\":[{\"sender\":{\"id\":\"77\"}," UNLINKED "}]}")), EVENT_K_UNLINKED,
	            "77", "", "");
	/* the recipient is the authority, not the entry */
	check_event(STR(M("{\"sender\":{\"id\":\"77\"},\"recipient\":{\"id\":\"300\"}," UNLINKED "}")),
	            EVENT_K_UNLINKED, "77", "300", "");
	check_event(
	        STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":1234}}")),
	        EVENT_K_LINKED, "77", "100", "1234");
	check_event(STR(M("{" FROM ",\"account_linking\":{\"status\":\"linked\",\"authorization_code\":"
	                  "\"\\u0061\\/b\"}}")),
	            EVENT_K_LINKED, "77", "100", "a/b");
}

static void pages(void **state)
{
	(void)state;
	struct event_list l;
	struct str json = STR(M("{\"sender\":{\"id\":\"1\"},\"recipient\":{\"id\":\"200\"}," UNLINKED "},"
	                        "{\"sender\":{\"id\":\"2\"},\"recipient\":{\"id\":\"2000\"}," UNLINKED "},"
	                        "{\"sender\":{\"id\":\"3\"}," UNLINKED "},"
	                        "{\"sender\":{\"id\":\"4\"},\"recipient\":{\"id\":\"9\"},\"message\":{}}"));
	assert_int_equal(parse(json, &two_pages, &l), ERR_OK);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].psid, "1");
	assert_string_equal(l.v[1].psid, "3"); /* the entry's page, 100 */
	assert_int_equal(l.foreign, 1);
	assert_string_equal(l.foreign_page, "2000");
	assert_int_equal(l.ignored, 1);
	event_list_done(&l);
	/* the recipient is ours, its entry is of another page */
	assert_int_equal(
	        parse(STR(P("{\"id\":\"3\",\"messaging\":[{" FROM "," UNLINKED "},{" FROM "," LINKED "}]}")),
	              &two_pages, &l),
	        ERR_OK);
	assert_int_equal(l.n, 0);
	assert_int_equal(l.foreign, 2);
	assert_string_equal(l.foreign_page, "3");
	event_list_done(&l);
	/* an entry without id, and one whose id is bad */
	assert_int_equal(parse(STR(P("{\"messaging\":[{" FROM "," UNLINKED "}]},"
	                             "{\"id\":-1,\"messaging\":[{" FROM "," UNLINKED "}]}")),
	                       &two_pages, &l),
	                 ERR_OK);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.skipped, 1);
	event_list_done(&l);
	assert_int_equal(
	        parse(STR(P("{\"messaging\":[{\"sender\":{\"id\":\"7\"}," UNLINKED "}]}")), &two_pages, &l),
	        ERR_OK);
	assert_int_equal(l.foreign, 1); /* a page that is not told is not one of ours */
	event_list_done(&l);
}

#define HOUR INT64_C(3600000)
#define TS(text)                                                                                      \
	STR(P("{\"time\":1789999000000,\"messaging\":[{\"sender\":{\"id\":\"7\"},\"timestamp\":" text \
	      "," UNLINKED "}]}"))
#define ENTRY(text) STR(P("{\"time\":" text ",\"messaging\":[{\"sender\":{\"id\":\"7\"}," UNLINKED "}]}"))
#define BOTH_ABSENT STR(P("{\"messaging\":[{\"sender\":{\"id\":\"7\"}," UNLINKED "}]}"))
#define LINKED_AT(text) \
	STR(P("{\"messaging\":[{\"sender\":{\"id\":\"7\"},\"timestamp\":" text "," LINKED "}]}"))
#define STALE_MS 0

static const struct time_row {
	struct str json;
	int64_t want;
} times[] = {
        {TS("1790000000000"), 1790000000000},
        {TS("1789999999999"), 1789999999999},
        {TS("1790000300000"), 1790000300000}, /* 5 min ahead */
        {TS("1790000300001"), 1790000000000},
        {TS("1789870400000"), 1789870400000}, /* 36 h old */
        {TS("1789870399999"), STALE_MS},
        {TS("1789870399"), STALE_MS},
        {TS("\"1789870399999\""), STALE_MS},
        {TS("1758464000000"), STALE_MS}, /* a year */
        {TS("1451606400000"), STALE_MS}, /* 2016-01-01 */
        {TS("1451606400"), STALE_MS},
        {TS("1451606399999"), 1790000000000},
        {TS("1451606399"), 1790000000000},
        {ENTRY("1789870399999"), STALE_MS},
        {ENTRY("1758464000"), STALE_MS},
        {LINKED_AT("1789870400000"), 1789870400000},
        {LINKED_AT("1789870399999"), 1790000000000},
        {LINKED_AT("1758464000000"), 1790000000000},
        {LINKED_AT("1790000300001"), 1790000000000},
        {TS("1789999900"), 1789999900000}, /* seconds */
        {TS("1789999900.5"), 1789999900500},
        {TS("1.78999999e12"), 1789999990000},
        {TS("1789999999999.7"), 1789999999999},
        {TS("\"1789999990000\""), 1789999990000},
        {TS("\"1789999990\""), 1789999990000},
        {TS("0"), 1790000000000},
        {TS("-1790000000000"), 1790000000000},
        {TS("1e300"), 1790000000000},
        {TS("\"99999999999999\""), 1790000000000},
        /* not readable: the entry's time */
        {TS("null"), 1789999000000},
        {TS("true"), 1789999000000},
        {TS("\"\""), 1789999000000},
        {TS("\"1789999990000 \""), 1789999000000},
        {TS("\"-1\""), 1789999000000},
        {TS("\"1.789e12\""), 1789999000000},
        {TS("\"99999999999999999999999999\""), 1789999000000},
        {TS("1e999"), 1789999000000},
        {TS("[1789999990000]"), 1789999000000},
        {ENTRY("1789999123456"), 1789999123456},
        {ENTRY("1789999123"), 1789999123000},
        {ENTRY("\"1789999123456\""), 1789999123456},
        {ENTRY("12341"), 1790000000000},
        {ENTRY("{}"), 1790000000000},
        {BOTH_ABSENT, 1790000000000},
};

static void event_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct event_list l;
		assert_int_equal(parse(times[i].json, &all_pages, &l), ERR_OK);
		bool stale = times[i].want == STALE_MS;
		if (l.n != !stale || l.stale != stale)
			fail_msg("%.*s: %zu taken, %zu stale", (int)times[i].json.n, times[i].json.p, l.n,
			         l.stale);
		if (!stale && l.v[0].time_ms != times[i].want)
			fail_msg("%.*s: %" PRId64 ", not %" PRId64, (int)times[i].json.n, times[i].json.p,
			         l.v[0].time_ms, times[i].want);
		event_list_done(&l);
	}
}

static void unusable(void **state)
{
	(void)state;
	static const struct str bad[] = {
	        STR(""),
	        STR("x"),
	        STR("[]"),
	        STR("3"),
	        STR("null"),
	        STR("\"page\""),
	        STR(M("{" FROM "," UNLINKED "}") "x"),
	        STR(M("{" FROM "," UNLINKED "}") "\0"),
	        STR("\0" M("{" FROM "," UNLINKED "}")),
	        STR(M("{" FROM "," UNLINKED)),
	        STR("[{\"messaging\":[[[{}]]]}]"),
	        STR(M("{\"x\":\"\x01\"," FROM "," UNLINKED "}")),
	        STR(M("{\"x\":\"\\x\"," FROM "," UNLINKED "}")),
	        STR(M("{\"sender\":{\"id\":077}," UNLINKED "}")),
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct event_list l;
		if (parse(bad[i], &all_pages, &l) != ERR_INVALID)
			fail_msg("taken: %.*s", (int)bad[i].n, bad[i].p);
		assert_int_equal(l.n, 0);
		event_list_done(&l);
	}
}

/* What nobody reads may be as deep and as much as fits. */
static void deep_and_much(void **state)
{
	(void)state;
	static const struct {
		size_t depth, values;
		enum err_code want;
	} shapes[] = {{65, 0, ERR_OK}, {10000, 0, ERR_OK}, {20000, 0, ERR_TOO_LARGE}, {1, 1000000, ERR_OK}};
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct buf b;
		struct event_list l;
		buf_init(&b, 4u << 20);
		buf_z(&b, "{\"object\":\"page\",\"entry\":[{\"messaging\":[{\"x\":");
		for (size_t n = 0; n < shapes[i].depth; n++)
			buf_z(&b, "[");
		for (size_t n = 0; n < shapes[i].values; n++)
			buf_z(&b, n == 0 ? "0" : ",0");
		for (size_t n = 0; n < shapes[i].depth; n++)
			buf_z(&b, "]");
		buf_z(&b, "," FROM "," UNLINKED "}]}]}");
		assert_false(b.failed);
		assert_int_equal(parse(buf_view(&b), &all_pages, &l), shapes[i].want);
		assert_int_equal(l.n, shapes[i].want == ERR_OK);
		event_list_done(&l);
		buf_done(&b);
	}
}

/* As many as fit in 4 MiB in the tersest form, in order, each with its own code. */
static void many(void **state)
{
	(void)state;
	enum { N = 40000 };
	struct buf b;
	struct event_list l;
	buf_init(&b, 8u << 20);
	buf_z(&b, "{\"object\":\"page\",\"entry\":[{\"messaging\":[");
	for (int i = 0; i < N; i++)
		buf_printf(&b,
		           "%s{\"sender\":{\"id\":%d},\"account_linking\":{\"status\":\"linked\","
		           "\"authorization_code\":\"c%d\"}}",
		           i == 0 ? "" : ",", i, i);
	buf_z(&b, "]}]}");
	assert_int_equal(parse(buf_view(&b), &all_pages, &l), ERR_OK);
	assert_int_equal(l.n, N);
	for (int i = 0; i < N; i += 4999) {
		char psid[16];
		char code[16];
		(void)snprintf(psid, sizeof psid, "%d", i);
		(void)snprintf(code, sizeof code, "c%d", i);
		assert_string_equal(l.v[i].psid, psid);
		assert_true(str_is(event_code(&l, &l.v[i]), code));
	}
	event_list_done(&l);
	buf_done(&b);
}

/* One bad event never spoils its neighbours, and the entries are all read. */
static void neighbours(void **state)
{
	(void)state;
	struct event_list l;
	struct str json = STR(
	        P("{\"id\":\"100\",\"messaging\":[{\"sender\":{\"id\":-1}," UNLINKED "},"
	          "{\"sender\":{\"id\":\"1\"}," UNLINKED "},7]},"
	          "null,"
	          "{\"id\":\"200\",\"messaging\":[{\"message\":{}},{\"sender\":{\"id\":\"2\"}," LINKED "}],"
	          "\"standby\":[{\"sender\":{\"id\":\"3\"}," LINKED "}]}"));
	assert_int_equal(parse(json, &all_pages, &l), ERR_OK);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].psid, "1");
	assert_string_equal(l.v[0].page_id, "100");
	assert_string_equal(l.v[1].psid, "2");
	assert_string_equal(l.v[1].page_id, "200");
	assert_string_equal(l.v[2].psid, "3"); /* of standby[] */
	assert_int_equal(l.skipped, 3);
	assert_int_equal(l.ignored, 1);
	event_list_done(&l);
}

static enum err_code parse_all(struct str json)
{
	struct event_list l;
	enum err_code code = parse(json, &two_pages, &l);
	assert_true(code != ERR_OK || l.n + l.foreign == 3);
	event_list_done(&l);
	return code;
}

/* Not one event less when memory runs out: the delivery comes again. */
static void without_memory(void **state)
{
	(void)state;
	STARVE(parse_all(STR(M("{" FROM "," LINKED "},{" FROM "," UNLINKED "},{\"sender\":{\"id\":\"1\"},"
	                       "\"recipient\":{\"id\":\"9\"}," UNLINKED "}"))),
	       ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(varieties),   cmocka_unit_test(fields),     cmocka_unit_test(pages),
	        cmocka_unit_test(event_times), cmocka_unit_test(unusable),   cmocka_unit_test(deep_and_much),
	        cmocka_unit_test(many),        cmocka_unit_test(neighbours), cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
