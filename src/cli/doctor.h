/* doctor.h - the checks of `account-linkd doctor`, and its calls over HTTP.
 *
 * A check gives one line of the list.  A fault has a sentence and the command or page that removes it.  A check whose
 * cause of failure has a line already is skipped.
 * Secrets  no line holds a token, a secret or a proof.  Messages of Graph are not shown: some repeat the token. */
#pragma once
#include "base/json.h"
#include "cli/cli.h"
#include "facebook/graph_answer.h"
#include "net/httpc.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_ADVICE, DOCTOR_FAULT, DOCTOR_SKIPPED };

enum {
	DOCTOR_TEXT_MAX = 4096,
	DOCTOR_ERROR_MAX = 256,
	DOCTOR_CLOCK_WARN_MS = 5000,
	DOCTOR_CLOCK_BAD_MS = 60000, /* signatures for AWS are corrected from here on */
	DOCTOR_CALL_MS = 5000,       /* the whole of one call */
};

struct doctor {
	struct cli *c;
	const struct config *cfg;
	size_t faults;
};

void doctor_note(struct doctor *d, const char *check, enum doctor_verdict v, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
/* `off_ms`: their clock less ours. */
void doctor_clock(struct doctor *d, const char *check, const char *whose, int64_t off_ms);

void doctor_dynamodb(struct doctor *d);
void doctor_facebook(struct doctor *d);

/* doctor --token: explain one linking token, or the linking URL that holds it.  The exit code. */
int doctor_explain(struct cli *c, const char *text);

/* --- doctor_graph.c: GET, one call after another, each waited for */

struct doctor_web {
	struct loop *loop;
	struct httpc *http;
};

struct doctor_reply {
	enum httpc_fault fault;       /* with status 0 */
	char error[DOCTOR_ERROR_MAX]; /* of HTTPC_LOCAL: why */
	long status;                  /* 0: no answer */
	struct buf body;
	int64_t date_s; /* of the header Date; -1: none */
	int64_t took_ms;
};

MUST_CHECK enum err_code doctor_web_open(struct doctor_web *w, struct err *reterr);
void doctor_web_close(struct doctor_web *w);
/* Ownership  crypto_wipe_buf(&ret->body) in any case. */
void doctor_web_get(struct doctor_web *w, const struct httpc_request *req, struct doctor_reply *ret);

struct doctor_question {
	struct str bearer;     /* access token */
	struct str secret;     /* of the app, for appsecret_proof; empty: no proof is sent */
	const char *path;      /* "me" */
	const char *query;     /* "fields=id,name"; "" */
	const char *parameter; /* one more, whose value is escaped; NULL: none */
	struct str value;
};

struct doctor_answer {
	struct graph_answer graph; /* GRAPH_DONE: `json` is an object */
	struct json *json;
	bool proof_refused; /* the proof is wrong, or the app requires one and there was none */
	enum httpc_fault fault;
	char error[DOCTOR_ERROR_MAX];
	long status;
	int64_t date_s, took_ms;
};

/* Ownership  json_free(ret->json) in any case. */
void doctor_graph_ask(struct doctor_web *w, const struct config *cfg, const struct doctor_question *q,
                      struct doctor_answer *ret);

struct doctor_why {
	char s[DOCTOR_ERROR_MAX + 64];
};
/* "Graph answered with error 190, subcode 460, fbtrace_id ..." */
struct doctor_why doctor_graph_why(const struct doctor_answer *a);

/* --- doctor_pages.c, doctor_subscription.c: the page tokens, and what they share */

#define DOCTOR_FIELD "messaging_account_linking"
#define DOCTOR_DASHBOARD \
	"in the app's dashboard (https://developers.facebook.com/apps), Messenger, API settings"

struct doctor_pages { /* all page tokens */
	struct doctor *d;
	struct doctor_web *web;
	const struct config *cfg;
	bool asked;       /* Graph has answered once: clock and delay are noted */
	bool down;        /* Graph does not answer; noted */
	bool secret_told; /* that no app secret fits, or that another one must be the first */
	bool app_seen;    /* {app}/subscriptions was read */
};

/* One page token. */
struct doctor_page {
	struct doctor_pages *all;
	size_t n;               /* from 0 */
	struct str page, token; /* of the setting; page may be empty */
	struct str secret;      /* the app secret that fits; empty: none does, or none is set */
	size_t fit;             /* its number, from 0; without one: the number of secrets */
	unsigned fits;          /* a bit for each app secret */
	bool known;             /* id and name are set */
	char id[GRAPH_ID_MAX + 1], app[GRAPH_ID_MAX + 1];
	char name[3 * GRAPH_NAME_MAX];
};

void doctor_pages(struct doctor *d, struct doctor_web *w, const struct config *cfg);

/* A line, which begins with the number of the token if there are several. */
void doctor_page_note(const struct doctor_page *e, const char *check, enum doctor_verdict v, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
/* False: there is no usable answer, and a line says so. */
bool doctor_page_ask(struct doctor_pages *all, const struct doctor_question *q, struct doctor_answer *ret);
struct str doctor_text(const struct json *object, const char *key);
/* Is the word in a list of texts, or of objects with a `name`? */
bool doctor_has(const struct json *list, const char *word);

void doctor_subscription(const struct doctor_page *e);
void doctor_app_webhook(const struct doctor_page *e, struct str app_token);

/* --- doctor_public.c */

void doctor_public(struct doctor *d, struct doctor_web *w, const struct config *cfg);
