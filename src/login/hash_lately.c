#include "login/hash_lately.h"

#include "login/hash_cost.h"
#include "obs/log.h"
#include "obs/metrics.h"

void hash_lately_init(struct hash_lately *l)
{
	*l = (struct hash_lately){.warned_ms = INT64_MIN / 2};
	pthread_mutex_init(&l->lock, NULL);
}

void hash_lately_done(struct hash_lately *l)
{
	pthread_mutex_destroy(&l->lock);
}

/* --- under the lock */

static void forget(struct hash_lately *l, int64_t now_ms)
{
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++)
		if (now_ms - l->kind[i].met_ms > HASH_LATELY_MS)
			l->kind[i] = (struct hash_lately_kind){.blank = ""};
}

/* The entry for a kind: its present one, else a free one, else the cheapest one, if that is cheaper. */
static struct hash_lately_kind *entry_of(struct hash_lately *l, const char *blank, int64_t us)
{
	struct hash_lately_kind *cheapest = &l->kind[0];
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++) {
		if (str_is(str_c(l->kind[i].blank), blank))
			return &l->kind[i];
		if (l->kind[i].us < cheapest->us)
			cheapest = &l->kind[i]; /* the cost of a free one is 0 */
	}
	return cheapest->us < us ? cheapest : NULL;
}

static void note_kind(struct hash_lately *l, const char *blank, int64_t us, int64_t now_ms)
{
	struct hash_lately_kind *k = entry_of(l, blank, us);
	if (k == NULL)
		return;
	if (!str_is(str_c(k->blank), blank)) {
		(void)str_copy(k->blank, sizeof k->blank, str_c(blank));
		k->us = us;
	}
	k->us = us < k->us ? us : k->us;
	k->met_ms = now_ms;
}

static int64_t busy_us(const struct hash_lately *l, int64_t now_ms)
{
	int64_t halvings = (now_ms - l->busy_ms) / HASH_LATELY_BUSY_MS;
	return halvings < 0 ? l->busy_us : halvings < 32 ? l->busy_us >> halvings : 0;
}

static const struct hash_lately_kind *costliest(const struct hash_lately *l, int64_t max_us)
{
	const struct hash_lately_kind *k = NULL;
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++)
		if (l->kind[i].blank[0] != '\0' && l->kind[i].us <= max_us &&
		    (k == NULL || l->kind[i].us > k->us))
			k = &l->kind[i];
	return k;
}

static bool warning_is_due(struct hash_lately *l, int64_t us, int64_t now_ms)
{
	if (us <= HASH_LATELY_SLOW_US)
		return false;
	metric_add(M_HASH_SLOW, 1);
	bool due = now_ms - l->warned_ms > HASH_LATELY_WARN_MS;
	if (due)
		l->warned_ms = now_ms;
	return due;
}

static void warn(struct str blank, int64_t us)
{
	while (blank.n > 0 && strchr(".A$", blank.p[blank.n - 1]) != NULL)
		blank.n--; /* leave out the blanked salt and digest */
	log_line(LOG_WARN, "password_hash_slow", log_int("took_ms", us / 1000), log_str("kind", blank),
	         log_z("error", "a password check takes over half of the 600 ms within which failed logins "
	                        "are answered, so their time may tell customers from strangers"),
	         log_z("remedy",
	               "if the stored hashes of this kind are too costly, make cheaper ones; if the "
	               "machine is busy, give the service more CPU"));
}

/* --- for any thread */

void hash_lately_note(struct hash_lately *l, struct str hash, int64_t us, int64_t now_ms)
{
	char blank[STORE_HASH_MAX + 1] = "";
	bool is_kind = hash_cost_blank(hash, blank, sizeof blank);
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	if (is_kind)
		note_kind(l, blank, us, now_ms);
	if (us >= busy_us(l, now_ms)) {
		l->busy_us = us;
		l->busy_ms = now_ms;
	}
	bool warns = warning_is_due(l, us, now_ms);
	pthread_mutex_unlock(&l->lock);
	if (warns)
		warn(is_kind ? str_c(blank) : STR("argon2id, new"), us);
}

bool hash_lately_dummy(struct hash_lately *l, int64_t now_ms, char ret[STORE_HASH_MAX + 1])
{
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	const struct hash_lately_kind *k = costliest(l, HASH_LATELY_SLOW_US);
	(void)str_copy(ret, STORE_HASH_MAX + 1, str_c(k != NULL ? k->blank : ""));
	pthread_mutex_unlock(&l->lock);
	return ret[0] != '\0';
}

int64_t hash_lately_slot_us(struct hash_lately *l, int64_t now_ms)
{
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	const struct hash_lately_kind *k = costliest(l, INT64_MAX);
	int64_t kind_us = k != NULL ? k->us + k->us / 4 : 0, busy = busy_us(l, now_ms);
	pthread_mutex_unlock(&l->lock);
	int64_t slot_us = kind_us > busy ? kind_us : busy;
	return slot_us < HASH_LATELY_SLOT_US ? slot_us : HASH_LATELY_SLOT_US;
}
