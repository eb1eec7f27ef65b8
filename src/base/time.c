#include "base/time.h"

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

/* "23:59:59" */
static bool clock_time(struct str s, size_t at, int64_t *ret_s)
{
	int64_t h, m, sec;
	if (!number(s, at, 2, &h) || !number(s, at + 3, 2, &m) || !number(s, at + 6, 2, &sec) ||
	    s.p[at + 2] != ':' || s.p[at + 5] != ':' || h > 23 || m > 59 || sec > 60)
		return false;
	*ret_s = h * 3600 + m * 60 + sec;
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

static bool in_range(int64_t moment, int64_t *ret_s)
{
	if (moment <= 0 || moment > last_s)
		return false;
	*ret_s = moment;
	return true;
}

bool time_read_rfc3339(struct str s, int64_t *ret_s)
{
	int64_t year, month, day, date, seconds, shift;
	if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't') ||
	    !number(s, 0, 4, &year) || !number(s, 5, 2, &month) || !number(s, 8, 2, &day) ||
	    !days(year, month, day, &date) || !clock_time(s, 11, &seconds))
		return false;
	size_t at = 19;
	if (s.p[at] == '.') {
		size_t first = ++at;
		while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
			at++;
		if (at == first)
			return false;
	}
	return offset(s, at, &shift) && in_range(date * DAY_S + seconds - shift, ret_s);
}

bool time_read_http(struct str s, int64_t *ret_s)
{
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	int64_t year, month = 1, day, date, seconds;
	if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || memcmp(s.p + 25, " GMT", 4) != 0)
		return false;
	while (month <= 12 && memcmp(s.p + 8, months + 4 * (month - 1), 4) != 0)
		month++;
	return number(s, 12, 4, &year) && number(s, 5, 2, &day) && s.p[7] == ' ' && s.p[16] == ' ' &&
	       days(year, month, day, &date) && clock_time(s, 17, &seconds) &&
	       in_range(date * DAY_S + seconds, ret_s);
}

bool time_read_number(double seconds, int64_t *ret_s)
{
	return seconds >= 1 && seconds <= (double)last_s && in_range((int64_t)seconds, ret_s);
}

/* The civil date of a day count since 1970-01-01 (proleptic Gregorian, years of 400 in eras). */
static void civil(int64_t since, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = since + 719468, era = z / 146097, day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
	                      365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153; /* months from March */
	*ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

static void digits(char *at, int value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
}

bool time_write_rfc3339(int64_t time_s, char ret[TIME_RFC3339_LEN + 1])
{
	int year, month, day, rest = (int)(time_s % DAY_S);
	if (time_s < 0 || time_s > last_s)
		return false;
	civil(time_s / DAY_S, &year, &month, &day);
	memcpy(ret, "YYYY-MM-DDThh:mm:ssZ", TIME_RFC3339_LEN + 1);
	digits(ret, year, 4);
	digits(ret + 5, month, 2);
	digits(ret + 8, day, 2);
	digits(ret + 11, rest / 3600, 2);
	digits(ret + 14, rest / 60 % 60, 2);
	digits(ret + 17, rest % 60, 2);
	return true;
}

bool time_write_basic(int64_t time_s, char ret[TIME_BASIC_LEN + 1])
{
	char text[TIME_RFC3339_LEN + 1];
	if (!time_write_rfc3339(time_s, text))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (*p != '-' && *p != ':')
			*ret++ = *p;
	*ret = '\0';
	return true;
}
