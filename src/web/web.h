/* web.h - the pages for people: templates with values put in, always escaped, and their answers.
 *
 * A template is src/web/NAME.html: {{x}} is the value of field x, {{#x}}...{{/x}} stands only when x is not
 * empty, {{>file}} takes in another file.  embed.awk makes them tables at build time; an unknown name does
 * not compile. */
#pragma once
#include "http/request.h"

enum web_page { WEB_LOGIN, WEB_CONSENT, WEB_MESSAGE, WEB_PAGES };

/* The fields of templates; all borrowed, empty when p is NULL. */
struct web_fields {
	struct str title;
	struct str brand;   /* LINKD_BRAND_NAME */
	struct str style;   /* address of the style */
	struct str privacy; /* links of the settings */
	struct str signup;
	struct str forgot;
	struct str support_id; /* the request's id */
	struct str error;      /* what went wrong, above the form */
	struct str email;      /* typed so far; on the consent page the customer's */
	struct str state;      /* sealed */
	struct str consent;    /* sealed */
	struct str profile;    /* name of the Messenger profile, when known */
	struct str loses_profile;
	struct str loses_customer;
	struct str loses_perhaps;
	struct str text; /* message page: what happened */
	struct str next; /* message page: what to do now */
};

/* Append the page.  On failure out->failed is set. */
void web_render(enum web_page page, const struct web_fields *f, struct buf *out);

/* Answer with a page.  f has the fields of the page; brand, links, style and support id are filled in here.
 */
void web_reply(struct request *r, unsigned status, enum web_page page, struct web_fields *f);
/* The message page: a title, what happened, what to do now (NULL: nothing). */
void web_message(struct request *r, unsigned status, const char *title, const char *text, const char *next);
/* The page of an error; `detail` (NULL for none) is a sentence shown besides. */
void web_error_page(struct request *r, enum err_code code, const char *detail);
void web_style(struct request *r); /* GET WEB_STYLE_PATH */

/* --- between the generated tables and web.c */
struct web_piece {
	enum { WEB_END, WEB_TEXT, WEB_VALUE, WEB_IF, WEB_FI } kind;
	const char *text; /* WEB_TEXT */
	size_t field;     /* offset in struct web_fields */
};
void web_render_pieces(const struct web_piece *p, const struct web_fields *f, struct buf *out);
extern const struct web_piece *const web_pieces[WEB_PAGES];
extern const char web_style_text[];
