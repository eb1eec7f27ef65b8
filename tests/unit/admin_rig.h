/* admin_rig.h - one request at a time to a handler, without a server. */
#pragma once
#include "fake_http.h"
#include "fake_store.h"

static struct fake_rig rig;
static struct fake_request q;
static char token[] = "the admin token of the test";
static char *tokens[] = {token};
static char none[] = "";

static inline void on_answer(void)
{
	rig.over = true;
}

static inline void new_request(void)
{
	fake_end(&q);
	q = (struct fake_request){.answered = on_answer};
	q.r.service = &rig.service;
	q.r.loop = rig.loop;
	q.r.deadline_ms = fake_now_ms + 5000;
}

static inline void set_up(const struct store_vtable *vt)
{
	fake_rig_init(&rig, vt);
	rig.cfg.admin_token = (struct strlist){1, tokens};
	rig.cfg.verify_token = none;
	q.r.cleanup = NULL;
	new_request();
}

static inline void tear_down(void)
{
	fake_end(&q);
	fake_rig_done(&rig);
}
