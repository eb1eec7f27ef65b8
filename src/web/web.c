#include "web/web.h"

#include "base/codec.h"
#include "config/config.h"
#include "service.h"
#include "web/style_path.h"

enum { PAGE_MAX = 65536 }; /* bytes of a page */

/* --- templates */

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

/* --- answers */

static void fill_in(const struct request *r, struct web_fields *f)
{
	const struct config *cfg = r->service->cfg;
	f->style = STR(WEB_STYLE_PATH);
	f->brand = str_c(cfg->brand_name);
	f->privacy = str_c(cfg->privacy_url);
	f->signup = str_c(cfg->signup_url);
	f->forgot = str_c(cfg->forgot_url);
	f->support_id = str_c(r->id);
}

void web_reply(struct request *r, unsigned status, enum web_page page, struct web_fields *f)
{
	struct buf html;
	buf_init(&html, PAGE_MAX);
	fill_in(r, f);
	web_render(page, f, &html);
	reply_html(r, status, page == WEB_CONSENT ? REPLY_CSP_CONSENT : REPLY_CSP_PAGE, &html);
}

void web_message(struct request *r, unsigned status, const char *title, const char *text, const char *next)
{
	struct web_fields f = {.title = str_c(title), .text = str_c(text), .next = str_c(next)};
	web_reply(r, status, WEB_MESSAGE, &f);
}

static const char *title_of(enum err_code code)
{
	if (code == ERR_NOT_FOUND)
		return "Page not found";
	if (code == ERR_THROTTLED)
		return "Too many tries";
	return err_retryable(code) ? "Please try again" : "This did not work";
}

/* err_text is written for programs too. */
static const char *text_of(enum err_code code)
{
	return code == ERR_METHOD ? "This page cannot be opened by itself or a second time." : err_text(code);
}

void web_error_page(struct request *r, enum err_code code, const char *detail)
{
	struct buf text;
	buf_init(&text, PAGE_MAX / 2);
	buf_z(&text, text_of(code));
	if (detail != NULL) {
		buf_z(&text, " ");
		buf_z(&text, detail);
	}
	web_message(r, err_http_status(code), title_of(code), text.failed ? text_of(code) : text.p,
	            err_retryable(code)
	                    ? "Wait a moment, then try again, or go back to Messenger and tap Log In again."
	                    : "Go back to Messenger and tap Log In again.");
	buf_done(&text);
}

void web_style(struct request *r)
{
	struct buf css;
	buf_init(&css, PAGE_MAX);
	buf_z(&css, web_style_text);
	reply_header(r, "Cross-Origin-Resource-Policy", STR("same-origin"));
	reply_cacheable(r, "public, max-age=31536000, immutable");
	reply_body(r, 200, "text/css; charset=utf-8", &css);
}
