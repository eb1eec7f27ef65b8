/* event_field.h - single fields of an event, in every variety that Facebook and test tools send.  Pure. */
#pragma once
#include "base/json.h"

/* A string of 1..cap-1 bytes without NUL, or an integral number in 0..2^53-1, as text.  ret is
 * NUL-terminated. */
MUST_CHECK bool event_field_id(const struct json *j, char *ret, size_t cap);

struct event_time {
	int64_t ms; /* Unix time: the event's own, or received_ms when that is absent or not plausible */
	bool stale; /* the event's own time is plausible, but older than any event that Facebook delivers */
};
/* Read a time in ms or s, a number or a string of digits.  False: `j` is not a time; *ret is unchanged. */
MUST_CHECK bool event_field_time(const struct json *j, int64_t received_ms, struct event_time *ret);
