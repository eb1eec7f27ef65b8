#include "admin/admin_json.h"

#include <inttypes.h>

#include "base/codec.h"

void admin_json_str(struct buf *out, const char *name, const char *value, bool first)
{
	buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
	if (value[0] == '\0')
		buf_z(out, "null");
	else
		codec_json(out, str_c(value));
}

void admin_json_linked_at(struct buf *out, int64_t linked_at_ms)
{
	if (linked_at_ms < 0)
		buf_z(out, ",\"linked_at\":null");
	else
		buf_printf(out, ",\"linked_at\":%" PRId64, linked_at_ms);
}
