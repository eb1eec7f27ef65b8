/* web.h - pages for people as answers. */
#pragma once
#include "http/request.h"
#include "web/render.h"

/* Answer with a page.  f has the fields of the page; brand, links, style and support id are filled in here.
 */
void web_reply(struct request *r, unsigned status, enum web_page page, struct web_fields *f);
/* The message page: a title, what happened, what to do now (NULL: nothing). */
void web_message(struct request *r, unsigned status, const char *title, const char *text, const char *next);
/* The page of an error; `detail` (NULL for none) is a sentence shown besides. */
void web_error_page(struct request *r, enum err_code code, const char *detail);
void web_style(struct request *r); /* GET WEB_STYLE_PATH */
