/*
 * Reads dates by their fixed columns.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate
 *     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
 *     Sun Nov  6 08:49:37 1994           asctime()
 */
#include "config.h"

#include "core/httpdate.h"

static const char *const long_days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum { SHORT_NAME = 3, DAYS = 7, MONTHS = 12, DAY_S = 86400, CENTURY = 100 };

struct date {
	int year, month, day, hour, minute, second; /* month and day from 1 */
};

/* The next octets must be these. */
static bool take(struct span *s, const char *text)
{
	if (!span_starts(*s, text))
		return false;
	*s = span_skip(*s, strlen(text));
	return true;
}

static bool take_digits(struct span *s, size_t n, int *out)
{
	if (s->n < n)
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		*out = 10 * *out + (s->p[i] - '0');
	}
	*s = span_skip(*s, n);
	return true;
}

static bool take_day(struct span *s, bool whole)
{
	for (size_t i = 0; i < DAYS; i++) {
		struct span name = span_cstr(long_days[i]);

		if (!whole)
			name.n = SHORT_NAME;
		if (s->n >= name.n && span_eq(span_take(*s, name.n), name)) {
			*s = span_skip(*s, name.n);
			return true;
		}
	}
	return false;
}

static bool take_month(struct span *s, int *out)
{
	for (*out = 1; *out <= MONTHS; ++*out)
		if (take(s, months[*out - 1]))
			return true;
	return false;
}

static bool take_time(struct span *s, struct date *d)
{
	return take_digits(s, 2, &d->hour) && take(s, ":") && take_digits(s, 2, &d->minute) && take(s, ":") && take_digits(s, 2, &d->second);
}

static bool read_fixdate(struct span s, struct date *d)
{
	return take_day(&s, false) && take(&s, ", ") && take_digits(&s, 2, &d->day) && take(&s, " ") && take_month(&s, &d->month) && take(&s, " ") &&
	       take_digits(&s, 4, &d->year) && take(&s, " ") && take_time(&s, d) && take(&s, " GMT") && s.n == 0;
}

/* With a year of two digits. */
static bool read_rfc850(struct span s, struct date *d)
{
	return take_day(&s, true) && take(&s, ", ") && take_digits(&s, 2, &d->day) && take(&s, "-") && take_month(&s, &d->month) && take(&s, "-") &&
	       take_digits(&s, 2, &d->year) && take(&s, " ") && take_time(&s, d) && take(&s, " GMT") && s.n == 0;
}

static bool read_asctime(struct span s, struct date *d)
{
	if (!take_day(&s, false) || !take(&s, " ") || !take_month(&s, &d->month) || !take(&s, " "))
		return false;
	if (!(take(&s, " ") ? take_digits(&s, 1, &d->day) : take_digits(&s, 2, &d->day)))
		return false;
	return take(&s, " ") && take_time(&s, d) && take(&s, " ") && take_digits(&s, 4, &d->year) && s.n == 0;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Second 60 is a leap second. */
static bool is_possible(const struct date *d)
{
	return d->day >= 1 && d->day <= days_of(d->year, d->month) && d->hour <= 23 && d->minute <= 59 && d->second <= 60;
}

/* Days since 1970-01-01; years are counted from March, so that a leap day is a year's last. */
static int64_t days_since_1970(const struct date *d)
{
	int64_t year = d->month > 2 ? d->year : d->year - 1;
	int64_t month = (d->month + 9) % MONTHS;
	int64_t era = (year + 400) / 400 - 1; /* year 0 begins in March: -1 is possible */
	int64_t of_era = year - era * 400;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + d->day - 1 - 719468;
}

static int64_t seconds_since_1970(const struct date *d)
{
	return days_since_1970(d) * DAY_S + d->hour * 3600 + d->minute * 60 + d->second;
}

/* The latest year with these two digits whose date is at most 50 years ahead. */
static int read_short_year(struct date *d, int64_t now, int64_t *out)
{
	enum { LAST_YEAR = 9999 };
	const int64_t ahead = (int64_t)50 * 365 * DAY_S + (int64_t)12 * DAY_S; /* their leap days */
	int digits = d->year;

	for (d->year = LAST_YEAR - (CENTURY - 1) + digits; d->year >= 0; d->year -= CENTURY)
		if (seconds_since_1970(d) <= now + ahead)
			break;
	if (d->year < 0 || !is_possible(d))
		return -1;
	*out = seconds_since_1970(d);
	return 0;
}

int httpdate_parse(struct span text, int64_t now, int64_t *out)
{
	struct date d;

	*out = 0;
	if (read_rfc850(text, &d))
		return read_short_year(&d, now, out);
	if ((!read_fixdate(text, &d) && !read_asctime(text, &d)) || !is_possible(&d))
		return -1;
	*out = seconds_since_1970(&d);
	return 0;
}
