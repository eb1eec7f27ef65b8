/* log_line.h - one event as one line of text, bounded and always well-formed.  Pure. */
#pragma once
#include "base/buf.h"
#include "obs/log.h"

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
