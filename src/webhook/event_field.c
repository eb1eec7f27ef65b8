#include "webhook/event_field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "webhook/event.h"

static const double EXACT_MAX =
        9007199254740991.0;                  /* 2^53 - 1: beyond it a double stands for several integers */
static const double SECONDS_MAX = 1e11;      /* in seconds the year 5138, in milliseconds 1973 */
static const double FIRST_MS = 1451606400e3; /* 2016: Messenger had no account linking earlier */

bool event_field_id(const struct json *j, char *ret, size_t cap)
{
	if (json_is_string(j)) {
		struct str s = json_str(j);
		return s.n > 0 && !json_has_nul(s) && str_copy(ret, cap, s);
	}
	double v;
	if (!json_num(j, &v) || signbit(v) != 0 || !(v <= EXACT_MAX))
		return false;
	int64_t whole = (int64_t)v;
	if ((double)whole < v)
		return false;
	int n = snprintf(ret, cap, "%" PRId64, whole);
	return n > 0 && (size_t)n < cap;
}

static bool read_time(const struct json *j, double *ret)
{
	if (json_num(j, ret))
		return true;
	uint64_t v;
	if (!str_u64(json_str(j), (uint64_t)EXACT_MAX, &v))
		return false;
	*ret = (double)v;
	return true;
}

bool event_field_time(const struct json *j, int64_t received_ms, struct event_time *ret)
{
	double t;
	if (!read_time(j, &t))
		return false;
	*ret = (struct event_time){.ms = received_ms};
	if (t < SECONDS_MAX)
		t *= 1000;
	double ahead = t - (double)received_ms;
	if (!(t >= FIRST_MS && ahead <= (double)EVENT_AHEAD_MAX_MS))
		return true;
	ret->stale = ahead < -(double)EVENT_AGE_MAX_MS;
	if (!ret->stale)
		ret->ms = (int64_t)t;
	return true;
}
