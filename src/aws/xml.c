#include "aws/private.h"

enum { PATH_MAX_BYTES = 512 };

struct scan {
	struct str rest;
	struct str name[XML_DEPTH_MAX]; /* of the open elements */
	size_t depth;
	bool had_child;     /* the innermost open element has one */
	bool done;          /* the root was closed */
	struct str content; /* of the innermost element so far: where its text began */
	struct xml_want *want;
	size_t n;
};

static bool is_name(struct str s)
{
	return s.n > 0 && str_of(s, "_-.:") && !str_has((struct str){s.p, 1}, '-');
}

static bool blank(struct str s)
{
	return str_trim(s).n == 0;
}

/* Skip to the end of `mark`.  False: it does not occur. */
static bool skip_past(struct scan *x, const char *mark)
{
	const char *at = memmem(x->rest.p, x->rest.n, mark, strlen(mark));
	if (at == NULL)
		return false;
	size_t used = (size_t)(at - x->rest.p) + strlen(mark);
	x->rest = (struct str){x->rest.p + used, x->rest.n - used};
	return true;
}

static bool put_utf8(struct buf *out, uint64_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)(lead[n] | c);
	buf_put(out, b, n);
	return true;
}

static bool hex(struct str s, uint64_t *ret)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int d = c >= '0' && c <= '9'                 ? c - '0'
		        : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
		                                             : -1;
		if (d < 0 || v > 0x10ffff)
			return false;
		v = v * 16 + (uint64_t)d;
	}
	*ret = v;
	return s.n > 0;
}

/* "amp", "#65", "#x41" */
static bool put_entity(struct buf *out, struct str e)
{
	static const struct {
		const char *name, *is;
	} known[] = {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}};
	uint64_t c;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_is(e, known[i].name)) {
			buf_z(out, known[i].is);
			return true;
		}
	if (str_starts(e, STR("#x")))
		return hex((struct str){e.p + 2, e.n - 2}, &c) && put_utf8(out, c);
	return str_starts(e, STR("#")) && str_u64((struct str){e.p + 1, e.n - 1}, 0x10ffff, &c) &&
	       put_utf8(out, c);
}

static bool put_text(struct buf *out, struct str text)
{
	struct str head, entity;
	while (str_cut(text, '&', &head, &text)) {
		buf_str(out, head);
		if (!str_cut(text, ';', &entity, &text) || !put_entity(out, entity))
			return false;
	}
	buf_str(out, head);
	return true;
}

static bool is_path(const struct scan *x, const char *path)
{
	struct str rest = str_c(path), part;
	for (size_t i = 0; i < x->depth; i++)
		if (!str_next(&rest, '/', &part) || !str_eq(part, x->name[i]))
			return false;
	return rest.p == NULL;
}

/* The end of an element without children: copy its text if it is wanted. */
static bool take(struct scan *x, struct str text)
{
	for (size_t i = 0; i < x->n; i++) {
		struct xml_want *w = &x->want[i];
		if (!is_path(x, w->path))
			continue;
		if (w->found || !put_text(&w->value, text))
			return false;
		w->found = true;
	}
	return true;
}

static bool close_tag(struct scan *x, struct str tag, struct str text)
{
	tag = str_trim(tag);
	if (x->depth == 0 || !str_eq(tag, x->name[x->depth - 1]))
		return false;
	if (x->had_child ? !blank(text) : !take(x, text))
		return false;
	x->depth--;
	x->had_child = true;
	x->done = x->depth == 0;
	return true;
}

/* "name", then perhaps attributes, each quoted.  *ret_rest is the text after '>'. */
static bool open_tag(struct scan *x)
{
	size_t n = 0;
	char quote = '\0';
	while (n < x->rest.n && (quote != '\0' || x->rest.p[n] != '>')) {
		char c = x->rest.p[n];
		if (quote == '\0' && c == '<')
			return false;
		if (c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		n++;
	}
	if (n == x->rest.n || x->depth == XML_DEPTH_MAX || x->done)
		return false;
	struct str tag = {x->rest.p, n};
	bool empty = n > 0 && tag.p[n - 1] == '/';
	tag.n -= empty ? 1 : 0;
	size_t name = 0;
	while (name < tag.n && strchr(" \t\r\n", tag.p[name]) == NULL)
		name++;
	if (!is_name((struct str){tag.p, name}))
		return false;
	x->name[x->depth++] = (struct str){tag.p, name};
	x->had_child = false;
	x->rest = (struct str){x->rest.p + n + 1, x->rest.n - n - 1};
	return !empty || close_tag(x, (struct str){tag.p, name}, (struct str){NULL, 0});
}

/* One step: text up to the next tag, then the tag. */
static bool step(struct scan *x)
{
	struct str text, tag;
	if (!str_cut(x->rest, '<', &text, &x->rest))
		return false;
	if (str_starts(x->rest, STR("!--")))
		return x->depth == 0 ? blank(text) && skip_past(x, "-->") : false;
	if (str_starts(x->rest, STR("/"))) {
		x->rest = (struct str){x->rest.p + 1, x->rest.n - 1};
		return str_cut(x->rest, '>', &tag, &x->rest) && close_tag(x, tag, text);
	}
	return blank(text) && open_tag(x);
}

enum err_code xml_read(struct str text, struct xml_want *want, size_t n, struct err *reterr)
{
	struct scan x = {.rest = str_trim(text), .want = want, .n = n};
	bool ok = !str_has(text, '\0') && str_utf8(text);
	if (ok && str_starts(x.rest, STR("<?xml ")))
		ok = skip_past(&x, "?>");
	while (ok && !x.done)
		ok = step(&x);
	if (!ok || !blank(x.rest))
		return err_set(reterr, ERR_INVALID, "not XML as STS writes it (%zu bytes)", text.n);
	for (size_t i = 0; i < n; i++)
		if (want[i].value.failed)
			return err_set(reterr, ERR_NOMEM, "no memory for an XML value");
	return ERR_OK;
}
