#include "aws/rfc3339.h"

enum { DAY_S = 86400 };

static const int64_t last_s = INT64_C(253402300799); /* of 9999 */

static bool number(struct str s, size_t at, size_t n, int64_t *ret)
{
	uint64_t v;
	if (at + n > s.n || !str_u64((struct str){s.p + at, n}, 9999, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01; false when there is no such day. */
static bool days(int64_t year, int64_t month, int64_t day, int64_t *ret)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	if (year < 1970 || month < 1 || month > 12 || day < 1)
		return false;
	int64_t length = before[month] - before[month - 1] + (month == 2 && leap(year) ? 1 : 0);
	if (day > length)
		return false;
	int64_t past = year - 1;
	*ret = (year - 1970) * 365 + (past / 4 - past / 100 + past / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before[month - 1] + (month > 2 && leap(year) ? 1 : 0) +
	       day - 1;
	return true;
}

/* "Z", "+01:00", "-0130" at the end of the text. */
static bool offset(struct str s, size_t at, int64_t *ret_s)
{
	int64_t hours, minutes;
	*ret_s = 0;
	if (at + 1 == s.n && (s.p[at] == 'Z' || s.p[at] == 'z'))
		return true;
	if (at >= s.n || (s.p[at] != '+' && s.p[at] != '-'))
		return false;
	size_t colon = at + 3 < s.n && s.p[at + 3] == ':' ? 1 : 0;
	if (at + 5 + colon != s.n || !number(s, at + 1, 2, &hours) ||
	    !number(s, at + 3 + colon, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_s = (s.p[at] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool clock_time(struct str s, int64_t *ret_s)
{
	int64_t h, m, sec;
	if (!number(s, 11, 2, &h) || !number(s, 14, 2, &m) || !number(s, 17, 2, &sec) || s.p[13] != ':' ||
	    s.p[16] != ':' || h > 23 || m > 59 || sec > 60)
		return false;
	*ret_s = h * 3600 + m * 60 + sec;
	return true;
}

bool rfc3339_parse(struct str s, int64_t *ret_s)
{
	int64_t year, month, day, date, seconds, shift;
	if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't') ||
	    !number(s, 0, 4, &year) || !number(s, 5, 2, &month) || !number(s, 8, 2, &day) ||
	    !days(year, month, day, &date) || !clock_time(s, &seconds))
		return false;
	size_t at = 19;
	if (s.p[at] == '.') {
		size_t first = ++at;
		while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
			at++;
		if (at == first)
			return false;
	}
	if (!offset(s, at, &shift))
		return false;
	int64_t moment = date * DAY_S + seconds - shift;
	if (moment <= 0 || moment > last_s)
		return false;
	*ret_s = moment;
	return true;
}

bool rfc3339_number(double seconds, int64_t *ret_s)
{
	if (!(seconds >= 1 && seconds <= (double)last_s))
		return false;
	*ret_s = (int64_t)seconds;
	return true;
}
