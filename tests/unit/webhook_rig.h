/* webhook_rig.h - one signed delivery at a time against the fake store and without a server. */
#pragma once
#include "base/codec.h"
#include "fake_http.h"
#include "fake_store.h"
#include "obs/metrics.h"
#include "webhook/sequencer.h"
#include "webhook/signature.h"
#include "webhook/webhook.h"

static struct fake_rig rig;
static struct fake_request q;
static struct buf body;
static char header[SIGNATURE_LEN + 1];
static char secret[] = "the app secret";
static char *secrets[] = {secret};
static struct offload *parses;

static inline void on_answer(void)
{
	rig.over = true;
}

static inline void set_up(const struct store_vtable *vt)
{
	fake_rig_init(&rig, vt);
	rig.cfg.app_secret = (struct strlist){1, secrets};
	rig.cfg.webhook_max_body = 4 << 20;
	rig.cfg.webhook_deadline_ms = 4500;
	rig.service.parses = parses;
	assert_int_equal(signature_keys_new(secrets, 1, &rig.service.signature_keys), ERR_OK);
	q = (struct fake_request){.answered = on_answer};
	q.r.service = &rig.service;
	q.r.loop = rig.loop;
	q.r.deadline_ms = fake_now_ms + 4500;
	buf_init(&body, 8 << 20);
}

static inline void tear_down(void)
{
	fake_end(&q);
	body_done(&fake_body);
	signature_keys_free(rig.service.signature_keys);
	fake_rig_done(&rig);
	buf_done(&body);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

static inline void sign(void)
{
	uint8_t digest[CRYPTO_SHA256_LEN];
	struct buf text;
	buf_init(&text, SIGNATURE_LEN);
	assert_int_equal(crypto_hmac_sha256(str_c(secret), buf_view(&body), digest), ERR_OK);
	buf_z(&text, "sha256=");
	codec_hex(&text, digest, sizeof digest);
	assert_true(str_copy(header, sizeof header, buf_view(&text)));
	buf_done(&text);
	fake_header(&q, "X-Hub-Signature-256", str_c(header));
}

static inline void open_body(void)
{
	buf_z(&body, "{\"object\":\"page\",\"entry\":[{\"id\":\"100\",\"messaging\":[{\"message\":{}}");
}

static inline void add_event(int psid, int64_t time_ms, const char *code)
{
	buf_printf(&body,
	           ",{\"sender\":{\"id\":\"%d\"},\"timestamp\":%lld,\"account_linking\":{\"status\":", psid,
	           (long long)time_ms);
	if (code == NULL)
		buf_z(&body, "\"unlinked\"}}");
	else
		buf_printf(&body, "\"linked\",\"authorization_code\":\"%s\"}}", code);
}

static inline void close_body(void)
{
	buf_z(&body, "]}]}");
	assert_false(body.failed);
}

/* Admit and hand over; does not run the loop. */
static inline void deliver(void)
{
	assert_int_equal(webhook_admit(&q.r, NULL), ERR_OK);
	body_init(&fake_body,
	          &(struct body_options){
	                  .max = body.len, .budget = 64 << 20, .length = body.len, .client = "192.0.2.1"});
	assert_int_equal(body_add(&fake_body, body.p, body.len), ERR_OK);
	q.r.body = buf_view(&fake_body.bytes);
	webhook_post(&q.r);
}

static inline void expect(unsigned status)
{
	if (!rig.over)
		assert_true(fake_run(&rig, 10000));
	assert_int_equal(q.answers, 1);
	assert_int_equal(q.status, status);
	assert_string_equal(q.body, status == 200 ? "EVENT_RECEIVED" : "");
}
