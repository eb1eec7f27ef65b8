/* log.h - structured log lines to stdout through a bounded ring and one writer thread.
 *
 * A loop never blocks on a log: when the ring is full the line is dropped and counted (metric
 * linkd_log_dropped_total, and one line says how many once there is room).  Lines carry time (RFC 3339, ms,
 * UTC), level, msg, request_id (from log_scope), then the fields in order.  Values are escaped: one line is
 * one event.
 * Never pass a secret, password, code, token, cookie or PSID: pass audit_digest() of it.
 *
 * Threads  any thread, from log_start until log_stop. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_TEXT };

struct log_field {
	const char *key;
	enum { LOG_FIELD_STR, LOG_FIELD_INT } type;
	struct str s;
	int64_t i;
};

struct log_field log_str(const char *key, struct str s);
struct log_field log_z(const char *key, const char *z);
struct log_field log_int(const char *key, int64_t i);

/* Start the writer.  Before it and after log_stop lines go straight to the descriptor. */
MUST_CHECK enum err_code log_start(enum log_level level, enum log_format format, int fd, struct err *reterr);
void log_stop(void); /* writes what the ring holds, then joins the writer */

bool log_on(enum log_level level);
void log_event(enum log_level level, const char *msg, const struct log_field *fields, size_t n);

/* log_line(LOG_INFO, "listening", log_z("addr", addr)) */
#define log_line(level, msg, ...)                                                             \
	do {                                                                                  \
		if (log_on(level))                                                            \
			log_event(level, msg, LOG_FIELDS(__VA_ARGS__),                        \
			          sizeof LOG_FIELDS(__VA_ARGS__) / sizeof(struct log_field)); \
	} while (0)
/* Part of the call's expression, so that a field may borrow from what a function returned by value. */
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__})

/* Write a line of the audit trail (see audit.h).  It is written at every level, and a part of the ring is
 * reserved for audit lines, so that a flood of other lines drops none.  Dropped audit lines are counted
 * separately (linkd_log_audit_dropped_total). */
void log_audit(const struct log_field *fields, size_t n);

/* The id put on this thread's lines until changed; NULL for none.  Borrowed: must outlive its use. */
void log_scope(const char *request_id);

/* --- one event as one line of text, bounded and always well-formed.  Pure. */

enum { LOG_LINE_MAX = 4096 }; /* bytes, with the newline */

/* The end of an audit line.  No other line can end so: a value has its quotes escaped, or is in quotes. */
#define LOG_LINE_AUDIT_JSON ",\"audit\":true}\n"
#define LOG_LINE_AUDIT_TEXT " audit=true\n"

struct log_line_head {
	enum log_format format;
	enum log_level level;
	int64_t time_ms; /* Unix time */
	const char *msg;
	const char *request_id; /* NULL: none */
	bool audit;             /* ends with LOG_LINE_AUDIT_JSON or _TEXT */
};

/* Write the line into `ret`; its length.  A value that does not fit is cut and ends in "..."; one that cannot
 * be cut to fit is left out; either way the line ends with cut=true. */
size_t log_line_write(char ret[LOG_LINE_MAX], const struct log_line_head *head,
                      const struct log_field *fields, size_t n);
