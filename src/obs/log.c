#include "obs/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/time.h"
#include "obs/metrics.h"

/* --- fields and lines */

struct log_field log_str(const char *key, struct str s)
{
	return (struct log_field){.key = key, .type = LOG_FIELD_STR, .s = s};
}

struct log_field log_z(const char *key, const char *z)
{
	return log_str(key, str_c(z));
}

struct log_field log_int(const char *key, int64_t i)
{
	return (struct log_field){.key = key, .type = LOG_FIELD_INT, .i = i};
}

enum { TAIL_MAX = 32 }; /* bytes kept free for the end: ,"cut":true,"audit":true} and the newline */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
	struct buf b; /* over the caller's memory */
	bool json;
	bool cut;
};

static void put_time(struct line *l, int64_t time_ms)
{
	int ms = (int)(time_ms % 1000);
	char tail[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};
	char text[TIME_RFC3339_LEN + 1];
	if (time_write_rfc3339(time_ms / 1000, text))
		buf_put(&l->b, text, TIME_RFC3339_LEN - 1);
	buf_put(&l->b, tail, sizeof tail);
}

static void put_value(struct line *l, struct str s)
{
	if (!l->json && s.n > 0 && str_of(s, "._:/@+-"))
		buf_str(&l->b, s);
	else
		codec_json(&l->b, s);
}

static void put_key(struct line *l, const char *key)
{
	buf_z(&l->b, l->json ? ",\"" : " ");
	buf_z(&l->b, key);
	buf_z(&l->b, l->json ? "\":" : "=");
}

/* The longest start of s that has at most n bytes and cuts no character. */
static struct str head_of(struct str s, size_t n)
{
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){s.p, n};
}

static bool undo_if_failed(struct line *l, size_t mark)
{
	if (!l->b.failed)
		return false;
	l->b.failed = false;
	l->b.len = mark;
	l->cut = true;
	return true;
}

/* The value.  While it does not fit: half of it, followed by "...". */
static void put_str(struct line *l, const char *key, struct str s)
{
	size_t mark = l->b.len;
	put_key(l, key);
	put_value(l, s);
	for (size_t n = s.n < LOG_LINE_MAX ? s.n : LOG_LINE_MAX; undo_if_failed(l, mark) && n > 1;) {
		char piece[LOG_LINE_MAX + 3];
		struct str head = head_of(s, n /= 2);
		memcpy(piece, head.p, head.n);
		memcpy(piece + head.n, "...", 3);
		put_key(l, key);
		put_value(l, (struct str){piece, head.n + 3});
	}
}

static void put_int(struct line *l, const char *key, int64_t i)
{
	size_t mark = l->b.len;
	put_key(l, key);
	buf_int(&l->b, i);
	(void)undo_if_failed(l, mark);
}

static void put_head(struct line *l, const struct log_line_head *head)
{
	if (l->json)
		buf_z(&l->b, "{\"time\":\"");
	put_time(l, head->time_ms);
	if (l->json) {
		buf_z(&l->b, "\"");
		put_key(l, "level");
		put_value(l, str_c(level_names[head->level]));
		put_str(l, "msg", str_c(head->msg));
	} else {
		buf_printf(&l->b, " %-5s ", level_names[head->level]);
		put_value(l, head_of(str_c(head->msg), strnlen(head->msg, LOG_LINE_MAX / 8)));
	}
	if (head->request_id != NULL)
		put_str(l, "request_id", str_c(head->request_id));
}

size_t log_line_write(char ret[LOG_LINE_MAX], const struct log_line_head *head,
                      const struct log_field *fields, size_t n)
{
	struct line l = {.json = head->format == LOG_JSON};
	buf_over(&l.b, ret, LOG_LINE_MAX - TAIL_MAX);
	put_head(&l, head);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].type == LOG_FIELD_INT)
			put_int(&l, fields[i].key, fields[i].i);
		else
			put_str(&l, fields[i].key, fields[i].s);
	}
	l.b.cap = LOG_LINE_MAX;
	l.b.max = LOG_LINE_MAX - 1;
	if (l.cut)
		buf_z(&l.b, l.json ? ",\"cut\":true" : " cut=true");
	if (head->audit)
		buf_z(&l.b, l.json ? LOG_LINE_AUDIT_JSON : LOG_LINE_AUDIT_TEXT);
	else
		buf_z(&l.b, l.json ? "}\n" : "\n");
	return l.b.len;
}

/* --- the ring and its writer */

enum {
	RING_BYTES = 2 << 20,
	AUDIT_BYTES = 1 << 20, /* of the ring, reserved for audit lines */
	AUDIT_END = 16,        /* more than the end of an audit line; not overwritten before it is examined */
	PIPE_WRITE = 4096,     /* PIPE_BUF: what poll() promises a pipe takes without blocking */
	FILE_WRITE = 1 << 16,
	GATHER_MS = 5, /* the first line of a burst waits for others, so that the writer wakes once for all */
	GATHER_BYTES = 1 << 16,
	POLL_MS = 200,  /* a writer that waits for a full pipe looks this often whether it must stop */
	STOP_MS = 2000, /* the longest that log_stop waits for the reader of the log */
};

/* Lines, newline-ended, in [head, head + used) modulo RING_BYTES.  Callers write behind, the writer takes
 * from the front: what it is writing stays in place because it is still counted in `used`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t writer;
	size_t head, used; /* bytes */
	struct count {
		size_t lines, audit; /* `lines` excludes audit lines */
	} dropped;                   /* since the last line that reported it */
	bool started;
	bool idle, gathering; /* the writer waits for the first line; for more lines */
	bool urgent;          /* the writer must not wait for more lines */
	int fd;
	size_t write_max;
	_Atomic bool stopping;
	_Atomic int level, format;
	char ring[RING_BYTES];
} log_ = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .filled = PTHREAD_COND_INITIALIZER,
        .fd = STDERR_FILENO,
        .level = LOG_WARN,
        .format = LOG_TEXT,
};

static _Thread_local const char *scope;

void log_scope(const char *request_id)
{
	scope = request_id;
}

bool log_on(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&log_.level, memory_order_relaxed);
}

/* With the lock held. */
static void count_dropped(struct count lost)
{
	log_.dropped.lines += lost.lines;
	log_.dropped.audit += lost.audit;
	metric_add(M_LOG_DROPPED, (int64_t)lost.lines);
	metric_add(M_LOG_AUDIT_DROPPED, (int64_t)lost.audit);
}

static struct count one_line(bool audit)
{
	return (struct count){.lines = !audit, .audit = audit};
}

/* With the lock held. */
static bool push(const char *line, size_t n, bool audit)
{
	size_t room = audit ? RING_BYTES - AUDIT_END : RING_BYTES - AUDIT_BYTES;
	if (log_.used > room || n > room - log_.used)
		return false;
	size_t at = (log_.head + log_.used) % RING_BYTES;
	size_t first = n < RING_BYTES - at ? n : RING_BYTES - at;
	memcpy(log_.ring + at, line, first);
	memcpy(log_.ring, line + first, n - first);
	log_.used += n;
	return true;
}

/* After lines were pushed.  Warnings and errors are written at once.  Pre: the lock is held. */
static void wake_writer(enum log_level level)
{
	bool urgent = level >= LOG_WARN || log_.used >= GATHER_BYTES;
	bool wake = log_.idle || (log_.gathering && urgent && !log_.urgent);
	log_.idle = false;
	log_.urgent |= urgent;
	if (wake)
		(void)pthread_cond_signal(&log_.filled);
}

/* If there is room, push a line with the number of lines dropped.  Pre: the lock is held. */
static void push_dropped(void)
{
	if (log_.dropped.lines + log_.dropped.audit == 0)
		return;
	char line[LOG_LINE_MAX];
	const struct log_field f[] = {log_int("lines", (int64_t)log_.dropped.lines),
	                              log_int("audit_lines", (int64_t)log_.dropped.audit)};
	const struct log_line_head head = {.format = (enum log_format)log_.format,
	                                   .level = LOG_WARN,
	                                   .time_ms = clock_wall_ms(),
	                                   .msg = "log_lines_dropped"};
	if (push(line, log_line_write(line, &head, f, 2), false))
		log_.dropped = (struct count){0};
}

/* Without the writer.  One try, because the caller must not wait for the reader of the log. */
static void write_straight(const char *line, size_t n, bool audit)
{
	ssize_t done;
	do
		done = write(log_.fd, line, n);
	while (done < 0 && errno == EINTR);
	if (done < (ssize_t)n)
		metric_add(audit ? M_LOG_AUDIT_DROPPED : M_LOG_DROPPED, 1);
}

static void write_line(const struct log_line_head *head, const struct log_field *fields, size_t n)
{
	char line[LOG_LINE_MAX] NOT_ZEROED;
	size_t len = log_line_write(line, head, fields, n);
	(void)pthread_mutex_lock(&log_.lock);
	if (!log_.started)
		write_straight(line, len, head->audit);
	else if (!push(line, len, head->audit))
		count_dropped(one_line(head->audit));
	else
		wake_writer(head->level);
	(void)pthread_mutex_unlock(&log_.lock);
}

void log_event(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
	const struct log_line_head head = {.format = (enum log_format)log_.format,
	                                   .level = level,
	                                   .time_ms = clock_wall_ms(),
	                                   .msg = msg,
	                                   .request_id = scope};
	if (log_on(level))
		write_line(&head, fields, n);
}

void log_audit(const struct log_field *fields, size_t n)
{
	const struct log_line_head head = {.format = (enum log_format)log_.format,
	                                   .level = LOG_INFO,
	                                   .time_ms = clock_wall_ms(),
	                                   .msg = "audit",
	                                   .request_id = scope,
	                                   .audit = true};
	write_line(&head, fields, n);
}

/* True: there is time to wait.  The time starts when the writer first waits after log_stop. */
static bool may_wait(int64_t *give_up_ms)
{
	if (!log_.stopping)
		return true;
	if (*give_up_ms == 0)
		*give_up_ms = clock_mono_ms() + STOP_MS;
	return clock_mono_ms() < *give_up_ms;
}

/* True: the descriptor takes PIPE_WRITE bytes, or write will tell its error.  False: stop waiting. */
static bool wait_writable(int64_t *give_up_ms)
{
	struct pollfd p = {.fd = log_.fd, .events = POLLOUT};
	int ready = poll(&p, 1, 0);
	while (ready <= 0 && may_wait(give_up_ms))
		ready = poll(&p, 1, POLL_MS);
	return ready > 0;
}

static bool ends_with(size_t end, const char *tail)
{
	size_t n = strlen(tail), i = 0;
	while (i < n && log_.ring[(end + RING_BYTES - n + i) % RING_BYTES] == tail[i])
		i++;
	return i == n;
}

/* Lines that end in [p, p + n) of the ring.  The start of the first may have left the ring; push() keeps the
 * bytes of its end. */
static struct count lines_in(const char *p, size_t n)
{
	struct count found = {0};
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\n')
			continue;
		size_t end = (size_t)(p - log_.ring) + i + 1;
		bool audit = ends_with(end, LOG_LINE_AUDIT_JSON) || ends_with(end, LOG_LINE_AUDIT_TEXT);
		found.lines += !audit;
		found.audit += audit;
	}
	return found;
}

/* The number of bytes of [p, p + n) that were written or lost; *ret_lost are the lost lines. */
static size_t write_some(const char *p, size_t n, struct count *ret_lost, int64_t *give_up_ms)
{
	bool ready = wait_writable(give_up_ms);
	ssize_t done = ready ? write(log_.fd, p, n) : -1;
	if (done > 0)
		return (size_t)done;
	if (ready && (errno == EINTR || errno == EAGAIN))
		return 0;
	*ret_lost = lines_in(p, n);
	return n;
}

/* The number of bytes written or lost.  Unlocks while it writes.  Pre: the lock is held, used > 0. */
static size_t write_front(int64_t *give_up_ms)
{
	const char *p = log_.ring + log_.head;
	size_t n = log_.used < RING_BYTES - log_.head ? log_.used : RING_BYTES - log_.head;
	struct count lost = {0};
	if (n > log_.write_max)
		n = log_.write_max;
	(void)pthread_mutex_unlock(&log_.lock);
	size_t done = write_some(p, n, &lost, give_up_ms);
	(void)pthread_mutex_lock(&log_.lock);
	log_.used -= done;
	log_.head =
	        log_.used == 0
	                ? 0
	                : (log_.head + done) %
	                          RING_BYTES; /* an empty ring starts again at 0, in memory that is in the cache */
	if (lost.lines + lost.audit > 0)
		count_dropped(lost);
	else if (done > 0)
		push_dropped();
	return done;
}

/* Unlocks while it waits.  Pre: the lock is held. */
static void gather(void)
{
	int64_t until_ms = clock_mono_ms() + GATHER_MS;
	const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
	log_.gathering = true;
	while (!log_.urgent && !log_.stopping &&
	       pthread_cond_clockwait(&log_.filled, &log_.lock, CLOCK_MONOTONIC, &until) == 0)
		;
	log_.gathering = log_.urgent = false;
}

static void *writer(void *arg)
{
	int64_t give_up_ms = 0;
	(void)arg;
	(void)pthread_mutex_lock(&log_.lock);
	for (;;) {
		while (log_.used == 0 && !log_.stopping) {
			log_.idle = true;
			(void)pthread_cond_wait(&log_.filled, &log_.lock);
		}
		log_.idle = false;
		if (log_.used == 0)
			break;
		gather();
		for (size_t left = log_.used, done; left > 0; left -= done < left ? done : left)
			done = write_front(&give_up_ms);
	}
	(void)pthread_mutex_unlock(&log_.lock);
	return NULL;
}

/* The writer takes no signals: they are for the main thread, and SIGPIPE would end the process. */
static int create_writer(void)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&log_.writer, NULL, writer, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		(void)pthread_setname_np(log_.writer, "log");
	return rc;
}

enum err_code log_start(enum log_level level, enum log_format format, int fd, struct err *reterr)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(reterr, ERR_INVALID, "log descriptor %d is not open", fd);
	(void)pthread_mutex_lock(&log_.lock);
	bool again = log_.started;
	if (!again) {
		log_.head = log_.used = 0;
		log_.dropped = (struct count){0};
		log_.fd = fd;
		log_.write_max = S_ISREG(st.st_mode) ? FILE_WRITE : PIPE_WRITE;
		log_.level = (int)level;
		log_.format = (int)format;
		log_.stopping = log_.idle = log_.urgent = false;
		log_.started = create_writer() == 0;
	}
	bool ok = log_.started && !again;
	(void)pthread_mutex_unlock(&log_.lock);
	return ok ? ERR_OK
	          : err_set(reterr, ERR_INTERNAL,
	                    again ? "the log was started already" : "cannot make the log's thread");
}

void log_stop(void)
{
	(void)pthread_mutex_lock(&log_.lock);
	bool started = log_.started;
	log_.started = false; /* later lines go straight to the descriptor */
	log_.stopping = true;
	(void)pthread_cond_signal(&log_.filled);
	(void)pthread_mutex_unlock(&log_.lock);
	if (started)
		(void)pthread_join(log_.writer, NULL);
}
