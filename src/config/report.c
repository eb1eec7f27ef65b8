#include "config/report.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "config/list.h"
#include "config/source.h"

enum { TEXT_MAX = 1024 };

void config_report_problem(struct config_report *r, int row, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	if (row >= 0 && r->checking && r->failed[row])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->n++;
	if (row >= 0) {
		r->failed[row] |= !r->checking;
		buf_printf(r->problems, "LINKD_%s", config_row_table[row].key);
		if (r->raw != NULL && r->raw[row].from != NULL)
			buf_printf(r->problems, " (%s)", r->raw[row].from);
		buf_z(r->problems, ": ");
	}
	buf_printf(r->problems, "%s\n", text);
}

void config_report_warning(struct config_report *r, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!config_list_add(r->warnings, str_c(text)))
		r->nomem = true;
}

struct config_quoted config_report_quote(struct str text)
{
	enum { SHOWN = 30, SHOWN_PLAIN = 90 }; /* bytes; an escape takes at most 6 for one */
	struct config_quoted q;
	struct buf out;
	buf_over(&out, q.s, sizeof q.s);
	bool all = text.n <= SHOWN_PLAIN && str_printable(text);
	size_t n = all ? text.n : text.n < SHOWN ? text.n : SHOWN;
	codec_json(&out, (struct str){text.p, n});
	if (n < text.n)
		buf_z(&out, "...");
	return q;
}
