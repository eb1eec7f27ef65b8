/* login.h - the pages a person goes through: log in, consent, back to Messenger. */
#pragma once
#include "http/request.h"
#include "web/style_path.h"

void login_page(struct request *r);    /* GET /link */
void login_submit(struct request *r);  /* POST /link/login */
void login_confirm(struct request *r); /* POST /link/confirm */
void login_cancel(struct request *r);  /* POST /link/cancel */
void login_style(struct request *r);   /* GET LOGIN_STYLE_PATH */

/* Has a checksum of the style in it. */
#define LOGIN_STYLE_PATH WEB_STYLE_PATH
