#include "web/render.h"

#include "base/codec.h"

static struct str field_of(const struct web_fields *f, size_t offset)
{
	return *(const struct str *)(const void *)((const char *)f + offset);
}

/* The piece after the WEB_FI that ends the WEB_IF before `p`. */
static const struct web_piece *skip(const struct web_piece *p)
{
	for (size_t depth = 1; depth > 0 && p->kind != WEB_END; p++) {
		if (p->kind == WEB_IF)
			depth++;
		else if (p->kind == WEB_FI)
			depth--;
	}
	return p;
}

void web_render_pieces(const struct web_piece *p, const struct web_fields *f, struct buf *out)
{
	while (p->kind != WEB_END) {
		const struct web_piece *now = p++;
		if (now->kind == WEB_TEXT)
			buf_z(out, now->text);
		else if (now->kind == WEB_VALUE)
			codec_html(out, field_of(f, now->field));
		else if (now->kind == WEB_IF && field_of(f, now->field).n == 0)
			p = skip(p);
	}
}

void web_render(enum web_page page, const struct web_fields *f, struct buf *out)
{
	web_render_pieces(web_pieces[page], f, out);
}
