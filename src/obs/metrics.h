/* metrics.h - counters, gauges and histograms; per thread, summed at scrape; Prometheus text.
 *
 * Rows live in metrics.def.  A counter costs one relaxed add on the thread's own block.
 * Threads  any thread; metrics_thread_start may be called once per thread for a block of its own (else a
 * shared one). */
#pragma once
#include "base/buf.h"

enum metric {
#define COUNTER(id, name, labels, help) M_##id,
#define GAUGE(id, name, labels, help) M_##id,
#define HISTOGRAM(id, name, help)
#include "obs/metrics.def"
	M_COUNT
};

enum histogram {
#define COUNTER(id, name, labels, help)
#define GAUGE(id, name, labels, help)
#define HISTOGRAM(id, name, help) H_##id,
#include "obs/metrics.def"
	H_COUNT
};

MUST_CHECK enum err_code metrics_thread_start(struct err *reterr);

void metric_add(enum metric m, int64_t n); /* gauges: n may be negative */
void metric_observe_us(enum histogram h, int64_t us);

/* HTTP answers by route label and status; labels are registered once at start, before the loops. */
enum { METRICS_ROUTES_MAX = 48 };
void metrics_routes(const char *const *labels, size_t n);
void metric_http(size_t route, unsigned status, int64_t us);

int64_t metric_value(enum metric m); /* the sum, for tests and the admin page */
void metrics_write(struct buf *out); /* Prometheus text format 0.0.4 */
