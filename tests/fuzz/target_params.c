/* Query strings and forms. */
#include <string.h>

#include "base/codec.h"
#include "fuzz.h"
#include "http/params.h"

static void check_items(const struct params *p, struct str raw)
{
	size_t bytes = 0;
	FUZZ_MUST(p->n <= PARAMS_MAX);
	for (size_t i = 0; i < p->n; i++) {
		struct str name = p->item[i].name, value = p->item[i].value;
		bytes += name.n + value.n;
		FUZZ_MUST(name.n > 0 && str_utf8(name) && str_utf8(value));
		FUZZ_MUST(!str_has(name, '\0') && !str_has(value, '\0'));
		for (size_t k = 0; k < i; k++)
			FUZZ_MUST(!str_eq(name, p->item[k].name));
	}
	FUZZ_MUST(bytes <= raw.n);
}

/* One character of the text, decoded by the book; -1 at a broken escape. */
static int plain_decode(struct str s, size_t *at)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	char c = s.p[(*at)++];
	if (c == '+')
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	int v = 0;
	for (int k = 0; k < 2; k++) {
		if (*at >= s.n || s.p[*at] == '\0')
			return -1;
		const char *d = strchr(digits, s.p[(*at)++]);
		if (d == NULL)
			return -1;
		v = v * 16 + (int)((d - digits) % 16);
	}
	return v;
}

static void check_decoded(struct str raw, struct str decoded)
{
	size_t at = 0, n = 0;
	while (at < raw.n) {
		FUZZ_MUST(n < decoded.n);
		FUZZ_MUST(plain_decode(raw, &at) == (unsigned char)decoded.p[n]);
		n++;
	}
	FUZZ_MUST(n == decoded.n);
}

/* Item by item as they stand in the text. */
static void check_text(const struct params *p, struct str raw)
{
	struct str pair, name, value;
	size_t i = 0;
	while (raw.n > 0 && str_next(&raw, '&', &pair)) {
		if (pair.n == 0)
			continue;
		FUZZ_MUST(i < p->n);
		(void)str_cut(pair, '=', &name, &value);
		check_decoded(name, p->item[i].name);
		check_decoded(value, p->item[i].value);
		i++;
	}
	FUZZ_MUST(i == p->n);
}

/* Written again and read again they are the same. */
static void check_again(const struct params *p, size_t raw_n)
{
	struct params again;
	struct buf out;
	struct err err;
	buf_init(&out, 4 * raw_n + 16);
	for (size_t i = 0; i < p->n; i++) {
		buf_z(&out, i > 0 ? "&" : "");
		codec_pct(&out, p->item[i].name);
		buf_z(&out, "=");
		codec_pct(&out, p->item[i].value);
	}
	FUZZ_MUST(!out.failed && params_parse(&again, buf_view(&out), &err) == ERR_OK && again.n == p->n);
	for (size_t i = 0; i < p->n; i++) {
		FUZZ_MUST(str_eq(again.item[i].name, p->item[i].name));
		FUZZ_MUST(str_eq(again.item[i].value, p->item[i].value));
	}
	params_done(&again);
	buf_done(&out);
}

static const char *const own[] = {"a", "b_c", NULL};

static bool is_own(struct str name)
{
	return str_is(name, own[0]) || str_is(name, own[1]);
}

/* What is left of a text of which all is well, less the names of others, are the own ones: in order, with
 * the same values. */
static void check_own(const struct params *p, const struct params *mine)
{
	size_t at = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (!is_own(p->item[i].name))
			continue;
		FUZZ_MUST(at < mine->n && str_eq(mine->item[at].name, p->item[i].name));
		FUZZ_MUST(str_eq(mine->item[at].value, p->item[i].value));
		at++;
	}
	FUZZ_MUST(at == mine->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str raw = {(const char *)data, n};
	struct params p, mine;
	struct err err = {.code = ERR_OK};
	enum err_code code = params_parse(&p, raw, &err);
	enum err_code own_code = params_parse_own(&mine, raw, own, NULL);
	FUZZ_MUST(own_code == ERR_OK || (own_code == ERR_INVALID && code != ERR_OK));
	for (size_t i = 0; i < mine.n; i++)
		FUZZ_MUST(is_own(mine.item[i].name) && str_utf8(mine.item[i].value));
	if (code == ERR_OK)
		check_own(&p, &mine);
	params_done(&mine);
	FUZZ_MUST(code == ERR_OK || (code == ERR_INVALID && err.code == code));
	if (code == ERR_OK) {
		check_items(&p, raw);
		check_text(&p, raw);
		check_again(&p, n);
	}
	params_done(&p);
	return 0;
}
