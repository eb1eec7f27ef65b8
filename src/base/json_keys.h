/* json_keys.h - the keys of the objects a scan is inside of, to refuse doubled ones.
 *
 * The keys of the innermost open object stand last; closing it looks at them and drops them. */
#pragma once
#include "base/buf.h"

struct json_keys {
	size_t n, cap;
	struct str *v;
	struct str first[64]; /* v until more are needed: an ordinary text costs no allocation */
	struct buf unescaped; /* keys that held escapes, decoded; never moves */
};

void json_keys_init(struct json_keys *k, size_t text_bytes);
void json_keys_done(struct json_keys *k);

/* Keep a key, as written between its quotes (well-formed, borrowed).  False: no memory. */
MUST_CHECK bool json_keys_add(struct json_keys *k, struct str raw, bool has_escape);

/* Drop the keys from `first` on.  True when two of them were equal. */
MUST_CHECK bool json_keys_close(struct json_keys *k, size_t first);
