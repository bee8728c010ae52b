/* How long an HTTP answer may be used, and the dates of HTTP. */
#include "config.h"

#include "core/httpdate.h"
#include "core/httpfresh.h"
#include "tests/lib/tap.h"

#include <stdint.h>

/* Fri, 27 Nov 2026 12:00:00 GMT */
#define NOW INT64_C(1795780800)
#define DATE_NOW "Date: Fri, 27 Nov 2026 12:00:00 GMT\n"
#define HOUR_AGO "Date: Fri, 27 Nov 2026 11:00:00 GMT\n"
#define HOUR_AHEAD "Date: Fri, 27 Nov 2026 13:00:00 GMT\n"

static const struct {
	const char *text;
	int64_t want; /* -1: refused */
} dates[] = {
	{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
	{"Sun Nov  6 08:49:37 1994", 784111777},
	{"Wed Nov 16 08:49:37 1994", 784975777},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Fri, 27 Nov 2026 12:00:00 GMT", NOW},
	{"Tue, 29 Feb 2000 23:59:60 GMT", 951868800},
	{"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
	{"Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648)},
	{"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
	{"Sat, 01 Jan 0000 00:00:00 GMT", INT64_C(-62167219200)},
	{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the wrong day of the week */
	{"Friday, 27-Nov-26 12:00:00 GMT", NOW},
	{"Friday, 31-Dec-75 00:00:00 GMT", INT64_C(3344976000)}, /* 49 years ahead is 2075 */
	{"Friday, 31-Dec-77 00:00:00 GMT", 252374400},           /* 51 are not */
	{"Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
	{"", -1},
	{"0", -1},
	{"-1", -1},
	{"784111777", -1},
	{" Sun, 06 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	{"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	{"Sun, 06 Nov 1994 08:49:37 +0000", -1},
	{"Sun, 06 Nov 1994 08:49:37", -1},
	{"sun, 06 nov 1994 08:49:37 gmt", -1},
	{"Sun, 6 Nov 1994 08:49:37 GMT", -1},
	{"Sun,  6 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 Nov 94 08:49:37 GMT", -1},
	{"Sun, 06 Nov 19940 08:49:37 GMT", -1},
	{"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 31 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 29 Feb 1900 08:49:37 GMT", -1},
	{"Sun, 29 Feb 2023 08:49:37 GMT", -1},
	{"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	{"Sun, 06 Nov 1994 08:60:37 GMT", -1},
	{"Sun, 06 Nov 1994 08:49:61 GMT", -1},
	{"Sun, 06 Nov 1994 8:49:37 GMT", -1},
	{"Sun, -6 Nov 1994 08:49:37 GMT", -1},
	{"Sun 06 Nov 1994 08:49:37 GMT", -1},
	{"Sunday, 06 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06-Nov-1994 08:49:37 GMT", -1},
	{"Sun, 06-Nov-94 08:49:37 GMT", -1},
	{"Sunday, 06-Nov-1994 08:49:37 GMT", -1},
	{"Sunday, 30-Feb-94 08:49:37 GMT", -1},
	{"Sun Nov 06 08:49:37 1994 GMT", -1},
	{"Sun Nov 6 08:49:37 1994", -1},
	{"Sun Nov  66 08:49:37 1994", -1},
	{"Xxx, 06 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 Xxx 1994 08:49:37 GMT", -1},
};

static void test_dates(void)
{
	int64_t got;

	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		int rc = httpdate_parse(span_cstr(dates[i].text), NOW, &got);

		if (dates[i].want == -1)
			tap_int(rc, -1, "no date: '%s'", dates[i].text);
		else
			tap_ok(rc == 0 && got == dates[i].want, "'%s' is %lld", dates[i].text, (long long)got);
	}
	tap_int(httpdate_parse(span_make("Sun, 06 Nov 1994 08:49:37 GMT\0", 30), NOW, &got), -1, "a NUL behind it");
	tap_ok(httpdate_parse(span_cstr("Sunday, 06-Nov-21 08:49:37 GMT"), 0, &got) == 0 && got < 0, "in 1970, 21 was 1921");
	/* Every day of four centuries, counted. */
	for (int64_t day = 0, year = 1900, month = 1, mday = 1; year < 2300; day++) {
		static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
		static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		char text[] = "Sun, dd mmm yyyy 00:00:00 GMT";

		text[5] = (char)('0' + mday / 10);
		text[6] = (char)('0' + mday % 10);
		memcpy(text + 8, names + 3 * (month - 1), 3);
		for (int64_t i = 15, y = year; i >= 12; i--, y /= 10)
			text[i] = (char)('0' + y % 10);
		if (httpdate_parse(span_cstr(text), NOW, &got) || got != (day - 25567) * 86400) {
			tap_ok(false, "%s is day %lld after 1900", text, (long long)day);
			return;
		}
		if (++mday > days[month - 1] + (month == 2 && leap)) {
			mday = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
	tap_ok(true, "every day from 1900 to 2299 is one more than the day before");
}

/* asked 0 s before the answer unless told */
static const struct {
	const char *about, *fields;
	int64_t want;
	int64_t delay;
} cases[] = {
	{"nothing at all", "", -1, 0},
	{"what does not matter", "Content-Type: text/plain\nServer: x\nPragma: no-cache\nX-Cache-Control: no-store\n", -1, 0},
	{"Date and Age alone", HOUR_AGO "Age: 10\n", -1, 0},
	{"max-age", "Cache-Control: max-age=3600\n", 3600, 0},
	{"in any case", "cAcHe-cOnTrOl: MAX-AGE=3600\n", 3600, 0},
	{"with others", "Cache-Control: public, max-age=3600, must-revalidate, immutable\n", 3600, 0},
	{"private is for us", "Cache-Control: private, max-age=60\n", 60, 0},
	{"private with an argument", "Cache-Control: private=\"set-cookie, no-store\", max-age=60\n", 60, 0},
	{"s-maxage is for others", "Cache-Control: s-maxage=10, max-age=60\n", 60, 0},
	{"s-maxage alone says nothing to us", "Cache-Control: s-maxage=10\n", -1, 0},
	{"must-revalidate alone", "Cache-Control: must-revalidate\n", -1, 0},
	{"quoted", "Cache-Control: max-age=\"60\"\n", 60, 0},
	{"blanks around", "Cache-Control:  \t max-age=60\t , \tpublic \n", 60, 0},
	{"blanks about the sign", "Cache-Control: max-age = 60\n", 60, 0},
	{"empty elements", "Cache-Control: ,, max-age=60,,\n", 60, 0},
	{"a leading zero", "Cache-Control: max-age=0060\n", 60, 0},
	{"zero", "Cache-Control: max-age=0\n", 0, 0},
	{"2^31 - 1", "Cache-Control: max-age=2147483647\n", 2147483647, 0},
	{"2^31", "Cache-Control: max-age=2147483648\n", 2147483647, 0},
	{"2^64 + 5", "Cache-Control: max-age=18446744073709551621\n", 2147483647, 0},
	{"a hundred digits", "Cache-Control: max-age=1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\n", 2147483647, 0},
	{"negative", "Cache-Control: max-age=-1\n", 0, 0},
	{"no number", "Cache-Control: max-age=soon\n", 0, 0},
	{"a number and more", "Cache-Control: max-age=60s\n", 0, 0},
	{"a fraction", "Cache-Control: max-age=60.5\n", 0, 0},
	{"no value", "Cache-Control: max-age\n", 0, 0},
	{"an empty value", "Cache-Control: max-age=\n", 0, 0},
	{"an empty quoted value", "Cache-Control: max-age=\"\"\n", 0, 0},
	{"half a quote", "Cache-Control: max-age=\"60\n", 0, 0},
	{"an open quote before it", "Cache-Control: foo=\"bar, max-age=60\n", 0, 0},
	{"inside a quote it is not meant", "Cache-Control: foo=\"max-age=60\"\n", -1, 0},
	{"an escaped quote inside", "Cache-Control: foo=\"\\\", no-store\", max-age=60\n", 60, 0},
	{"another directive that begins alike", "Cache-Control: max-age-x=60\n", -1, 0},
	{"twice, the smaller first", "Cache-Control: max-age=10, max-age=60\n", 10, 0},
	{"twice, the smaller last", "Cache-Control: max-age=60\nCache-Control: max-age=10\n", 10, 0},
	{"a good and a bad one", "Cache-Control: max-age=60, max-age=x\n", 0, 0},
	{"no-store", "Cache-Control: no-store, max-age=60\n", 0, 0},
	{"no-store alone", "Cache-Control: no-store\n", 0, 0},
	{"no-store with a tail", "Cache-Control: no-store; max-age=60\n", 0, 0},
	{"no-cache", "Cache-Control: max-age=60, No-Cache\n", 0, 0},
	{"no-cache for a field", "Cache-Control: max-age=60, no-cache=\"set-cookie\"\n", 0, 0},
	{"no-store in a second field", "Cache-Control: max-age=60\nCache-Control: no-store\n", 0, 0},
	{"Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 13:00:00 GMT\n", 3600, 0},
	{"Expires without Date", "Expires: Fri, 27 Nov 2026 13:00:00 GMT\n", 3600, 0},
	{"Expires of RFC 850", DATE_NOW "Expires: Friday, 27-Nov-26 13:00:00 GMT\n", 3600, 0},
	{"Expires of asctime", DATE_NOW "Expires: Fri Nov 27 13:00:00 2026\n", 3600, 0},
	{"Expires now", DATE_NOW "Expires: Fri, 27 Nov 2026 12:00:00 GMT\n", 0, 0},
	{"Expires before", DATE_NOW "Expires: Fri, 27 Nov 2026 11:00:00 GMT\n", 0, 0},
	{"Expires: 0", DATE_NOW "Expires: 0\n", 0, 0},
	{"Expires: 0 without Date", "Expires: 0\n", 0, 0},
	{"Expires: -1", DATE_NOW "Expires: -1\n", 0, 0},
	{"Expires: nothing", DATE_NOW "Expires:\n", 0, 0},
	{"Expires and a Date of old", "Date: Sat, 01 Jan 0000 00:00:00 GMT\nExpires: 0\n", 0, 0},
	{"two Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 14:00:00 GMT\nExpires: Fri, 27 Nov 2026 13:00:00 GMT\n", 3600, 0},
	{"a good and a bad Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 14:00:00 GMT\nExpires: 0\n", 0, 0},
	{"Expires of the year 9999", DATE_NOW "Expires: Fri, 31 Dec 9999 23:59:59 GMT\n", 2147483647, 0},
	{"max-age over Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 13:00:00 GMT\nCache-Control: max-age=60\n", 60, 0},
	{"max-age over a bad Expires", DATE_NOW "Expires: -1\nCache-Control: max-age=60\n", 60, 0},
	{"max-age=0 over Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 13:00:00 GMT\nCache-Control: max-age=0\n", 0, 0},
	{"Age", "Age: 10\nCache-Control: max-age=60\n", 50, 0},
	{"Age and Expires", DATE_NOW "Expires: Fri, 27 Nov 2026 13:00:00 GMT\nAge: 600\n", 3000, 0},
	{"older than it may be", "Age: 61\nCache-Control: max-age=60\n", 0, 0},
	{"just as old", "Age: 60\nCache-Control: max-age=60\n", 0, 0},
	{"Age: no number", "Age: ten\nCache-Control: max-age=60\n", 60, 0},
	{"Age: negative", "Age: -10\nCache-Control: max-age=60\n", 60, 0},
	{"Age: a list", "Age: 10, 20\nCache-Control: max-age=60\n", 50, 0},
	{"Age twice", "Age: 10\nAge: 20\nCache-Control: max-age=60\n", 40, 0},
	{"Age beyond 2^31", "Age: 99999999999999999999\nCache-Control: max-age=99999999999999999999\n", 0, 0},
	{"a Date of an hour ago", HOUR_AGO "Cache-Control: max-age=7200\n", 3600, 0},
	{"the larger of both ages", HOUR_AGO "Age: 10\nCache-Control: max-age=7200\n", 3600, 0},
	{"or the other", HOUR_AGO "Age: 7000\nCache-Control: max-age=7200\n", 200, 0},
	{"a Date ahead adds no life", HOUR_AHEAD "Cache-Control: max-age=60\n", 60, 0},
	{"nor to Expires", HOUR_AHEAD "Expires: Fri, 27 Nov 2026 13:01:00 GMT\n", 60, 0},
	{"a bad Date is none", "Date: today\nCache-Control: max-age=60\n", 60, 0},
	{"one Date twice", DATE_NOW DATE_NOW "Cache-Control: max-age=60\n", 60, 0},
	{"two Dates", DATE_NOW HOUR_AGO "Cache-Control: max-age=7200\n", 0, 0},
	{"it took 5 s", "Cache-Control: max-age=60\n", 55, 5},
	{"and was 10 s old", "Age: 10\nCache-Control: max-age=60\n", 45, 5},
	{"a Date between", DATE_NOW "Cache-Control: max-age=60\n", 55, 5},
	{"our clock was set back meanwhile", "Cache-Control: max-age=60\n", 60, -5},
	{"Vary", "Cache-Control: max-age=60\nVary: accept-encoding, user-agent\n", 60, 0},
	{"Vary: *", "Cache-Control: max-age=60\nVary: accept, *\n", 0, 0},
	{"must-understand", "Cache-Control: must-understand, no-store, max-age=60\n", 0, 0},
};

static int64_t lifetime_of(struct span fields, int64_t delay)
{
	struct httpfresh h;

	httpfresh_init(&h, NOW - delay);
	while (fields.n) {
		struct span line = span_cut(&fields, '\n'), name = span_cut(&line, ':');

		httpfresh_field(&h, name, line);
	}
	return httpfresh_lifetime(&h, NOW);
}

int main(void)
{
	test_dates();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_int(lifetime_of(span_cstr(cases[i].fields), cases[i].delay), cases[i].want, "%s", cases[i].about);
	return tap_done();
}
