#include "obs/log_repeat.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "obs/log.h"

enum { CLIENT_MAX = 46, DETAIL_MAX = 128 };

struct repeat {
	bool open;        /* an interval runs */
	int64_t since_ms; /* monotonic */
	int full;         /* how many more refusals have a line of their own in this interval */
	int64_t count;    /* of refusals without a line */
	char client[CLIENT_MAX], last_client[CLIENT_MAX];
	int64_t votes; /* majority vote of Boyer and Moore for `client` */
	char detail[DETAIL_MAX];
};

static struct {
	pthread_mutex_t lock;
	struct repeat of[LOG_REPEAT_KINDS];
} repeats = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct {
	const char *word;
	enum log_level level;
	int full;
	int64_t interval_ms;
} kinds[] = {
#define X(name, word, level, full, seconds) {(word), LOG_##level, (full), (seconds)*INT64_C(1000)},
        LOG_REPEAT_TABLE(X)
#undef X
};

static void write_line(enum log_repeat kind, const struct repeat *r, int64_t ms)
{
	struct log_field f[6] = {log_z("kind", kinds[kind].word), log_int("count", r->count),
	                         log_int("seconds", ms / 1000), log_z("client", r->client)};
	size_t n = 4;
	if (strcmp(r->client, r->last_client) != 0)
		f[n++] = log_z("last_client", r->last_client);
	if (r->detail[0] != '\0')
		f[n++] = log_z("detail", r->detail);
	if (log_on(kinds[kind].level))
		log_event(kinds[kind].level, "refused", f, n);
}

static void open_interval(struct repeat *r, int64_t now_ms, int full)
{
	*r = (struct repeat){.open = true, .since_ms = now_ms, .full = full};
}

static void copy_cut(char *to, size_t cap, const char *z)
{
	size_t n = z == NULL ? 0 : strnlen(z, cap - 1);
	if (n > 0)
		memcpy(to, z, n);
	to[n] = '\0';
}

static void add(struct repeat *r, const char *client, const char *detail)
{
	r->count++;
	copy_cut(r->last_client, sizeof r->last_client, client);
	copy_cut(r->detail, sizeof r->detail, detail);
	if (r->votes == 0)
		memcpy(r->client, r->last_client, sizeof r->client);
	r->votes += strcmp(r->client, r->last_client) == 0 ? 1 : -1;
}

bool log_repeat(enum log_repeat kind, const char *client, const char *detail)
{
	struct repeat *r = &repeats.of[kind], one = {.open = true};
	(void)pthread_mutex_lock(&repeats.lock);
	if (!r->open)
		open_interval(r, clock_mono_ms(), kinds[kind].full);
	bool full = r->full > 0;
	if (full)
		r->full--;
	else
		add(r, client, detail);
	(void)pthread_mutex_unlock(&repeats.lock);
	if (full) {
		add(&one, client, detail);
		write_line(kind, &one, 0);
	}
	return full;
}

/* Close the interval if it is over.  True: `ret` has a count to log.  The interval after such a one has no
 * individual lines, so a lasting flood gives one line per interval. */
static bool close_interval(enum log_repeat kind, int64_t now_ms, struct repeat *ret)
{
	struct repeat *r = &repeats.of[kind];
	bool over = r->open && (now_ms == INT64_MAX || now_ms - r->since_ms >= kinds[kind].interval_ms);
	if (!over)
		return false;
	*ret = *r;
	if (ret->count > 0)
		open_interval(r, now_ms, 0);
	else
		r->open = false;
	return ret->count > 0;
}

void log_repeat_flush(int64_t now_ms)
{
	for (size_t kind = 0; kind < LOG_REPEAT_KINDS; kind++) {
		struct repeat told;
		(void)pthread_mutex_lock(&repeats.lock);
		bool tell = close_interval((enum log_repeat)kind, now_ms, &told);
		(void)pthread_mutex_unlock(&repeats.lock);
		if (tell)
			write_line((enum log_repeat)kind, &told,
			           (now_ms == INT64_MAX ? clock_mono_ms() : now_ms) - told.since_ms);
	}
}
