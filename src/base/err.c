#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name, *text;
	unsigned status;
	int retryable;
} table[ERR_COUNT] = {
#define X(code, text, status, retry) {#code, text, status, retry},
        ERR_TABLE(X)
#undef X
};

enum err_code err_set(struct err *reterr, enum err_code code, const char *fmt, ...)
{
	if (reterr == NULL)
		return code;
	reterr->code = code;
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(reterr->msg, sizeof reterr->msg, fmt, ap);
	va_end(ap);
	return code;
}

static enum err_code known(enum err_code code)
{
	return (unsigned)code < ERR_COUNT ? code : ERR_INTERNAL;
}

const char *err_name(enum err_code code)
{
	return table[known(code)].name;
}

const char *err_text(enum err_code code)
{
	return table[known(code)].text;
}

unsigned err_http_status(enum err_code code)
{
	return table[known(code)].status;
}

int err_retryable(enum err_code code)
{
	return table[known(code)].retryable;
}
