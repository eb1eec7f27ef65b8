/* doctor: the address that Facebook calls, as Facebook registers it.
 *
 * Source  https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "cli/doctor.h"

enum { URL_MAX = 8192, NONCE = 12, NONCE_HEX = 24 };

#define PROXY "the proxy in front of the service"

/* Why there is no answer. */
static void note_fault(struct doctor *d, const char *url, const struct doctor_reply *r)
{
	switch (r->fault) {
	case HTTPC_LOCAL:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "this machine cannot call %s (%s): correct this, and run doctor again. If "
		            "SSL_CERT_FILE is set, it must name a file of certificates in PEM",
		            url, r->error);
		break;
	case HTTPC_NO_NAME:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "the name in %s does not resolve: correct LINKD_PUBLIC_URL, or make its DNS "
		            "record",
		            url);
		break;
	case HTTPC_NO_CONNECTION:
		doctor_note(d, "public_url", DOCTOR_ADVICE,
		            "nobody answers at %s from this machine. It may be reachable from outside: try "
		            "curl -v %s/healthz from another network, then look at " PROXY
		            " and its firewall",
		            url, url);
		break;
	case HTTPC_NO_TLS:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "%s does not speak TLS 1.2 or 1.3: correct the TLS settings of " PROXY, url);
		break;
	case HTTPC_CERT_TIME:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "the certificate of %s is expired or not valid yet, and Facebook refuses it: "
		            "renew it, and restart " PROXY,
		            url);
		break;
	case HTTPC_CERT_ISSUER:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "the certificate chain of %s is incomplete, or its authority is private, and "
		            "Facebook refuses it: give " PROXY " the full chain (fullchain.pem) of a "
		            "public authority",
		            url);
		break;
	case HTTPC_CERT_NAME:
		doctor_note(d, "public_url", DOCTOR_FAULT,
		            "the certificate of %s is for another name, and Facebook refuses it: get one for "
		            "the name in LINKD_PUBLIC_URL",
		            url);
		break;
	default:
		doctor_note(
		        d, "public_url", DOCTOR_FAULT,
		        "%s accepts the connection and gives no whole answer within %d s: look at the log "
		        "of " PROXY,
		        url, DOCTOR_CALL_MS / 1000);
	}
}

static void judge(struct doctor *d, const struct config *cfg, const struct doctor_reply *r, const char *nonce)
{
	const char *url = cfg->public_url;
	if (r->status == 0) {
		note_fault(d, url, r);
		doctor_note(d, "webhook", DOCTOR_SKIPPED, "%s",
		            r->fault == HTTPC_LOCAL ? "the address could not be called"
		                                    : "the address does not answer");
		return;
	}
	doctor_note(d, "public_url", DOCTOR_OK, "%s answers over TLS, with a certificate that is trusted",
	            url);
	if (r->status >= 300 && r->status < 400)
		doctor_note(d, "webhook", DOCTOR_FAULT,
		            "%s/webhook redirects (status %ld), and Facebook does not follow: let " PROXY
		            " answer /webhook itself; or set LINKD_PUBLIC_URL to the https://host that it "
		            "redirects to, and the callback URL to that address with /webhook",
		            url, r->status);
	else if (r->status == 502 || r->status == 503 || r->status == 504)
		doctor_note(d, "webhook", DOCTOR_FAULT,
		            "%s/webhook answers %ld: the service is not running, or " PROXY
		            " does not reach LINKD_LISTEN",
		            url, r->status);
	else if (cfg->verify_token[0] == '\0')
		doctor_note(d, "webhook", DOCTOR_ADVICE,
		            "LINKD_VERIFY_TOKEN is not set here, so that Facebook cannot register the "
		            "webhook: make one with: openssl rand -hex 16");
	else if (r->status == 200 && str_is(buf_view(&r->body), nonce))
		doctor_note(d, "webhook", DOCTOR_OK, "%s/webhook answers as Facebook needs it", url);
	else if (r->status == 403)
		doctor_note(d, "webhook", DOCTOR_FAULT,
		            "%s/webhook answers 403: the running service has another LINKD_VERIFY_TOKEN than "
		            "this one, or none; set the same, and restart it",
		            url);
	else
		doctor_note(d, "webhook", DOCTOR_FAULT,
		            "another program answers at %s/webhook (status %ld): let " PROXY
		            " pass /webhook, /link and everything below /link to LINKD_LISTEN",
		            url, r->status);
}

/* False: no memory, or no random bytes. */
static bool put_url(struct buf *url, const struct config *cfg, struct buf *nonce)
{
	uint8_t random[NONCE];
	if (crypto_random(random, sizeof random) != ERR_OK)
		return false;
	codec_hex(nonce, random, sizeof random);
	buf_printf(url, "%s/webhook?hub.mode=subscribe&hub.challenge=%s&hub.verify_token=", cfg->public_url,
	           nonce->p == NULL ? "" : nonce->p);
	codec_pct(url, str_c(cfg->verify_token));
	return !url->failed && !nonce->failed;
}

static void ask(struct doctor *d, struct doctor_web *w, const struct config *cfg)
{
	struct buf url, nonce;
	struct doctor_reply reply;
	const char *authorities = getenv("SSL_CERT_FILE");
	buf_init(&url, URL_MAX);
	buf_init(&nonce, NONCE_HEX);
	if (put_url(&url, cfg, &nonce)) {
		struct httpc_request req = {
		        .method = "GET",
		        .url = url.p,
		        .ca_file = authorities != NULL && authorities[0] != '\0' ? authorities : NULL,
		        .timeout_ms = DOCTOR_CALL_MS,
		        .connect_ms = DOCTOR_CALL_MS,
		        .response_max = GRAPH_ANSWER_MAX};
		doctor_web_get(w, &req, &reply);
		judge(d, cfg, &reply, nonce.p);
		crypto_wipe_buf(&reply.body);
	} else {
		doctor_note(d, "public_url", DOCTOR_SKIPPED, "no memory for the call");
	}
	crypto_wipe_buf(&url);
	buf_done(&nonce);
}

void doctor_public(struct doctor *d, struct doctor_web *w, const struct config *cfg)
{
	if (cfg->public_url[0] == '\0')
		doctor_note(d, "public_url", DOCTOR_SKIPPED, "LINKD_PUBLIC_URL is not set here");
	else if (cfg->public_loopback)
		doctor_note(d, "public_url", DOCTOR_SKIPPED,
		            "%s is a loopback address, which Facebook cannot reach: it is for trying out",
		            cfg->public_url);
	else
		ask(d, w, cfg);
}
