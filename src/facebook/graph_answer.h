/* graph_answer.h - reads the answers of Facebook's Graph API.
 *
 * Source   https://developers.facebook.com/docs/graph-api/guides/error-handling,
 *          https://developers.facebook.com/docs/messenger-platform/error-codes
 * Input    an HTTP status and a body of any bytes.  An error object counts as an error under every status, 200 too.
 * Threads  pure functions. */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum {
	GRAPH_ID_MAX = 64,            /* digits of a PSID or page id */
	GRAPH_ANSWER_MAX = 64 * 1024, /* bytes of a body that is read */
	GRAPH_NAME_MAX = 96,          /* bytes of a name; a longer one is cut and ends with an ellipsis */
	GRAPH_TRACE_MAX = 40,         /* characters of fbtrace_id that are kept */
};

/* What the caller can do. */
enum graph_class {
	GRAPH_DONE,         /* the call did what it was asked for */
	GRAPH_RETRY,        /* transport error, 5xx, or an answer that cannot be used: it may succeed later */
	GRAPH_RATE_LIMITED, /* codes 4, 17, 32, 613: later, and less often */
	GRAPH_TOKEN_DEAD,   /* 190, 102: the page token must be replaced */
	GRAPH_NOT_ALLOWED,  /* 3, 10, 200 to 299: a permission, the app's mode, or the message window */
	GRAPH_NOBODY,       /* 100/2018001: no such person at this page */
	GRAPH_UNAVAILABLE,  /* 551: the person blocked the page, or may come back */
	GRAPH_NO_PROFILE,   /* 100/2018218, 100/2018247: this app may not see the name */
	GRAPH_LINK_TOKEN,   /* 10303: the linking token is expired, used or made up */
	GRAPH_REFUSED,      /* other codes: the call itself is wrong */
	GRAPH_CLASSES
};

struct graph_answer {
	enum graph_class class;
	int code, subcode; /* 0: none */
	char trace[GRAPH_TRACE_MAX +
	           1]; /* fbtrace_id, for Facebook's support; "" if there is none.  Safe to log */
};

/* The owner of a linking token. */
struct graph_recipient {
	char psid[GRAPH_ID_MAX + 1];
	char page_id[GRAPH_ID_MAX + 1];
};

struct graph_name {
	char s[GRAPH_NAME_MAX +
	       1]; /* UTF-8 without control, direction or invisible characters; still to be escaped */
};

/* GET me?fields=recipient.  GRAPH_DONE: *ret has two ids of digits.  A PSID or page id of another shape is
 * GRAPH_RETRY, as is any other answer that is not as documented. */
struct graph_answer graph_answer_recipient(long status, struct str body, struct graph_recipient *ret);
bool graph_recipient_read(const struct json *answer, struct graph_recipient *ret); /* of a parsed answer */
/* GET {psid}?fields=first_name,last_name.  GRAPH_DONE: *ret is not empty. */
struct graph_answer graph_answer_name(long status, struct str body, struct graph_name *ret);
/* POST me/unlink_accounts, POST me/messages. */
struct graph_answer graph_answer_accepted(long status, struct str body);

/* Any answer, which the caller parsed.  `json` NULL: the body is no JSON.  GRAPH_DONE: `json` is an object. */
struct graph_answer graph_answer_parsed(long status, const struct json *json);

const char *graph_class_name(enum graph_class c); /* "rate_limited" */
bool graph_id_ok(struct str id);                  /* a PSID or page id: 1 to GRAPH_ID_MAX digits */
