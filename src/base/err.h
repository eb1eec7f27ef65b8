/* err.h - error codes and the error value every fallible function fills.
 *
 * A fallible function returns enum err_code and takes `struct err *reterr` last: filled on
 * failure, untouched on success.  `msg` is safe to log (no secret, code, password, PSID) and is never
 * shown to a person: they see err_text() and a support id.
 *
 * Threads   pure functions on the caller's memory. */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))
/* For a large local array that is written before it is read.  The flags of the Makefile would zero it. */
#define NOT_ZEROED __attribute__((uninitialized))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* code, text for people, HTTP status, whether the same call may succeed later */
#define ERR_TABLE(X)                                                                                   \
	X(OK, "Done.", 200, 0)                                                                         \
	X(INVALID, "The request could not be understood.", 400, 0)                                     \
	X(UNAUTHORIZED, "Authentication is required.", 401, 0)                                         \
	X(DENIED, "The request was refused.", 403, 0)                                                  \
	X(NOT_FOUND, "There is nothing at this address.", 404, 0)                                      \
	X(METHOD, "This address does not take that method.", 405, 0)                                   \
	X(SLOW_REQUEST, "The request took too long to arrive.", 408, 1)                                \
	X(EXISTS, "It exists already.", 409, 0)                                                        \
	X(LENGTH, "The request needs a Content-Length.", 411, 0)                                       \
	X(TOO_LARGE, "The request is too large.", 413, 0)                                              \
	X(URI_TOO_LONG, "The address is too long.", 414, 0)                                            \
	X(MEDIA_TYPE, "The content type is not supported.", 415, 0)                                    \
	X(MISDIRECTED, "This service does not answer under that name.", 421, 0)                        \
	X(THROTTLED, "Too many tries. Please wait and try again.", 429, 1)                             \
	X(HEADERS_TOO_LARGE, "The request headers are too large.", 431, 0)                             \
	X(INTERNAL, "Something went wrong on our side.", 500, 0)                                       \
	X(UPSTREAM, "A service we depend on gave a wrong answer.", 502, 1)                             \
	X(BUSY, "The service is busy. Please try again in a moment.", 503, 1)                          \
	X(STORE, "The service cannot reach its data right now. Please try again in a moment.", 503, 1) \
	X(TIMEOUT, "The service took too long. Please try again in a moment.", 503, 1)                 \
	X(NOMEM, "The service is out of memory. Please try again in a moment.", 503, 1)                \
	X(STOPPING, "The service is stopping. Please try again in a moment.", 503, 1)

enum err_code {
#define X(code, text, status, retry) ERR_##code,
	ERR_TABLE(X)
#undef X
	        ERR_COUNT
};

enum { ERR_MSG_MAX = 768 }; /* some messages contain a command to copy */

struct err {
	enum err_code code;
	char msg[ERR_MSG_MAX]; /* NUL-terminated, cut to fit */
};

/* Fill `reterr` (NULL is allowed) and return `code`. */
enum err_code err_set(struct err *reterr, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

const char *err_name(enum err_code code);     /* "NOT_FOUND" */
const char *err_text(enum err_code code);     /* a sentence for people */
unsigned err_http_status(enum err_code code); /* 200..503 */
int err_retryable(enum err_code code);        /* 1: the same call may succeed later */
