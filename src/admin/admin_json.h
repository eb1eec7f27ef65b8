/* admin_json.h - pieces of the admin API's JSON.  Private to admin/. */
#pragma once
#include "base/buf.h"
#include "store/store.h"

enum { ADMIN_JSON_MAX = 64 * 1024 }; /* an answer; a key escaped in full takes 6 times its bytes */

/* ,"name":"value" or ,"name":null when empty; `first` leaves the comma out. */
void admin_json_str(struct buf *out, const char *name, const char *value, bool first);
void admin_json_linked_at(struct buf *out, int64_t linked_at_ms); /* ,"linked_at":ms or null (-1) */
