#include "obs/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/version.h"

enum metric_kind { COUNTER_ROW, GAUGE_ROW };

static const struct row {
	const char *name, *labels, *help;
	enum metric_kind kind;
} rows[M_COUNT] = {
#define COUNTER(id, name, labels, help) {name, labels, help, COUNTER_ROW},
#define GAUGE(id, name, labels, help) {name, labels, help, GAUGE_ROW},
#define HISTOGRAM(id, name, help)
#include "obs/metrics.def"
};

static const struct {
	const char *name, *help;
} histograms[H_COUNT] = {
#define COUNTER(id, name, labels, help)
#define GAUGE(id, name, labels, help)
#define HISTOGRAM(id, name, help) {name, help},
#include "obs/metrics.def"
};

/* upper bounds; a larger value counts only in +Inf */
static const struct {
	int64_t us;
	const char *le; /* seconds */
} buckets[] = {
        {50, "5e-05"},    {100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},
        {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"},  {20000, "0.02"}, {25000, "0.025"},
        {50000, "0.05"},  {100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"}, {1000000, "1"},
        {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
};
enum { BUCKETS = sizeof buckets / sizeof buckets[0] };

/* all other statuses count as the last, 0 */
static const unsigned statuses[] = {200, 201, 204, 301, 302, 303, 304, 400, 401, 403, 404, 405, 408,
                                    409, 411, 413, 414, 415, 429, 431, 500, 502, 503, 504, 505, 0};
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

_Static_assert(M_COUNT >= 1 && M_COUNT <= 512, "a block holds one word a metric");
_Static_assert(H_COUNT >= 1 && H_COUNT <= 64, "a block holds BUCKETS words a histogram");

typedef _Atomic int64_t cell;

struct histogram_cells {
	cell bucket[BUCKETS + 1]; /* not cumulative; the last is +Inf */
	cell sum_us;
};

/* Each thread writes its own block only, so an add is a plain load and store; the shared block is for threads
 * that have none.  Blocks are never freed: a counter outlives its thread. */
struct block {
	_Alignas(64) cell value[M_COUNT];
	struct histogram_cells histogram[H_COUNT];
	cell http[METRICS_ROUTES_MAX][STATUSES];
	struct histogram_cells http_time[METRICS_ROUTES_MAX];
	struct block *next;
};

static struct block shared;
static struct block *_Atomic blocks = &shared;
static _Thread_local struct block *mine;

static const char *const *route_labels;
static size_t route_count;

enum err_code metrics_thread_start(struct err *reterr)
{
	if (mine != NULL)
		return ERR_OK;
	struct block *b = aligned_alloc(_Alignof(struct block), sizeof *b);
	if (b == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a thread's metrics");
	*b = (struct block){.next = blocks};
	while (!atomic_compare_exchange_weak(&blocks, &b->next, b))
		;
	mine = b;
	return ERR_OK;
}

static void add(cell *own, cell *of_all, int64_t n)
{
	if (mine == NULL)
		(void)atomic_fetch_add_explicit(of_all, n, memory_order_relaxed);
	else
		atomic_store_explicit(own, atomic_load_explicit(own, memory_order_relaxed) + n,
		                      memory_order_relaxed);
}

/* `field` of the thread's block, or of the shared one */
#define ADD(field, n) add(mine == NULL ? NULL : &mine->field, &shared.field, n)

void metric_add(enum metric m, int64_t n)
{
	ADD(value[m], n);
}

static size_t bucket_of(int64_t us)
{
	size_t i = 0;
	while (i < BUCKETS && us > buckets[i].us)
		i++;
	return i;
}

void metric_observe_us(enum histogram h, int64_t us)
{
	size_t i = bucket_of(us);
	ADD(histogram[h].bucket[i], 1);
	ADD(histogram[h].sum_us, us > 0 ? us : 0);
}

void metrics_routes(const char *const *labels, size_t n)
{
	route_labels = labels;
	route_count = n < METRICS_ROUTES_MAX ? n : METRICS_ROUTES_MAX;
}

void metric_http(size_t route, unsigned status, int64_t us)
{
	if (route >= METRICS_ROUTES_MAX)
		return;
	size_t s = 0, i = bucket_of(us);
	while (s < STATUSES - 1 && statuses[s] != status)
		s++;
	ADD(http[route][s], 1);
	ADD(http_time[route].bucket[i], 1);
	ADD(http_time[route].sum_us, us > 0 ? us : 0);
}

/* Sum of one cell over the blocks; `in_shared` points into the shared block. */
static int64_t sum(const cell *in_shared)
{
	uintptr_t offset = (uintptr_t)in_shared - (uintptr_t)&shared;
	int64_t v = 0;
	for (struct block *b = blocks; b != NULL; b = b->next)
		v += atomic_load_explicit((cell *)((uintptr_t)b + offset), memory_order_relaxed);
	return v;
}

int64_t metric_value(enum metric m)
{
	return sum(&shared.value[m]);
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_rows(struct buf *out)
{
	for (size_t m = 0; m < M_COUNT; m++) {
		const struct row *r = &rows[m];
		bool first = m == 0 || !str_is(str_c(r->name), rows[m - 1].name);
		if (first)
			head(out, r->name, r->kind == COUNTER_ROW ? "counter" : "gauge", r->help);
		bool labels = r->labels[0] != '\0';
		buf_printf(out, "%s%s%s%s %lld\n", r->name, labels ? "{" : "", r->labels, labels ? "}" : "",
		           (long long)metric_value((enum metric)m));
	}
}

/* `label` is empty or route="x" */
static void put_histogram(struct buf *out, const char *name, const char *label,
                          const struct histogram_cells *cells)
{
	int64_t n = 0;
	const char *comma = label[0] == '\0' ? "" : ",";
	for (size_t i = 0; i <= BUCKETS; i++) {
		n += sum(&cells->bucket[i]);
		buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %lld\n", name, label, comma,
		           i < BUCKETS ? buckets[i].le : "+Inf", (long long)n);
	}
	int64_t us = sum(&cells->sum_us);
	const char *open = label[0] == '\0' ? "" : "{", *close = label[0] == '\0' ? "" : "}";
	buf_printf(out, "%s_sum%s%s%s %lld.%06lld\n", name, open, label, close, (long long)(us / 1000000),
	           (long long)(us % 1000000));
	buf_printf(out, "%s_count%s%s%s %lld\n", name, open, label, close, (long long)n);
}

/* `route="label"` in `b`, the label escaped by the rules of the text format.  `out` fails if `b` does. */
static const char *route_label(struct buf *b, const char *label, struct buf *out)
{
	buf_reset(b);
	buf_z(b, "route=\"");
	for (const char *p = label; *p != '\0'; p++) {
		if (*p == '\n')
			buf_z(b, "\\n");
		else
			buf_printf(b, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	}
	buf_z(b, "\"");
	out->failed |= b->failed;
	return b->failed ? "" : b->p;
}

static void put_http_statuses(struct buf *out, const char *label, size_t route)
{
	for (size_t s = 0; s < STATUSES; s++) {
		int64_t v = sum(&shared.http[route][s]);
		if (v == 0)
			continue;
		buf_printf(out, "linkd_http_requests_total{%s,status=\"", label);
		if (statuses[s] == 0)
			buf_z(out, "other");
		else
			buf_printf(out, "%u", statuses[s]);
		buf_printf(out, "\"} %lld\n", (long long)v);
	}
}

static void put_http(struct buf *out)
{
	struct buf label;
	buf_init(&label, 256);
	head(out, "linkd_http_requests_total", "counter", "Answers by route and status.");
	for (size_t i = 0; i < route_count; i++)
		put_http_statuses(out, route_label(&label, route_labels[i], out), i);
	head(out, "linkd_http_request_seconds", "histogram", "Time from the headers to the answer.");
	for (size_t i = 0; i < route_count; i++)
		put_histogram(out, "linkd_http_request_seconds", route_label(&label, route_labels[i], out),
		              &shared.http_time[i]);
	buf_done(&label);
}

/* --- the process, under the names that all Prometheus clients use */

static void put_process(struct buf *out, const char *name, const char *type, const char *help, double v)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, v);
}

/* The n-th (from 1) space-separated number after the last ')' of a /proc file of one line; -1 when there is
 * none. */
static long long proc_number(const char *path, unsigned n)
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		(void)close(fd);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	char *p = strrchr(text, ')');
	for (p = p == NULL ? text : p + 2; n > 1 && p != NULL; n--) {
		p = strchr(p, ' ');
		p = p == NULL ? NULL : p + 1;
	}
	return p == NULL ? -1 : strtoll(p, NULL, 10);
}

static double open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	if (d == NULL)
		return -1;
	double n = -1;                                                 /* the directory's own */
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) /* NOLINT(concurrency-mt-unsafe) */
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static double clock_seconds(clockid_t id)
{
	struct timespec t;
	return clock_gettime(id, &t) == 0 ? (double)t.tv_sec + (double)t.tv_nsec / 1e9 : -1;
}

/* Unix time of the process's start: ticks after boot, to the tick. */
static double start_time(void)
{
	enum { STARTTIME = 20 }; /* field 22 of proc(5), the 20th after the name */
	long long ticks = proc_number("/proc/self/stat", STARTTIME);
	double boot = (double)clock_wall_ms() / 1000 - clock_seconds(CLOCK_BOOTTIME);
	return ticks < 0 ? -1 : (double)(long long)(boot + (double)ticks / (double)sysconf(_SC_CLK_TCK));
}

/* A value that cannot be read is left out. */
static void write_process(struct buf *out)
{
	long long pages = proc_number("/proc/self/statm", 2);
	double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID), fds = open_fds(), start = start_time();
	if (cpu >= 0)
		put_process(out, "linkd_process_cpu_seconds_total", "counter", "CPU time used, seconds.",
		            cpu);
	if (pages >= 0)
		put_process(out, "linkd_process_resident_memory_bytes", "gauge", "Resident memory, bytes.",
		            (double)pages * (double)sysconf(_SC_PAGESIZE));
	if (fds >= 0)
		put_process(out, "linkd_process_open_fds", "gauge", "Open file descriptors.", fds);
	if (start >= 0)
		put_process(out, "linkd_process_start_time_seconds", "gauge",
		            "Start of the process, Unix time.", start);
}

/* --- all of it */

void metrics_write(struct buf *out)
{
	head(out, "linkd_build_info", "gauge", "Always 1; the version is in the label.");
	buf_z(out, "linkd_build_info{version=\"" LINKD_VERSION "\"} 1\n");
	put_rows(out);
	for (size_t h = 0; h < H_COUNT; h++) {
		head(out, histograms[h].name, "histogram", histograms[h].help);
		put_histogram(out, histograms[h].name, "", &shared.histogram[h]);
	}
	put_http(out);
	write_process(out);
}
