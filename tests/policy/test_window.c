/* Windows of the day: borders, days, midnight, summer time. */
#include "config.h"

#include "policy/window.h"
#include "tests/lib/tap.h"

#include <glib.h>

enum { HOUR = 3600, MON = 1, TUE = 2, WED = 4, THU = 8, FRI = 16, SAT = 32, SUN = 64, EVERY = 127 };

#define CHICAGO "America/Chicago"
#define BERLIN "Europe/Berlin"

static struct ast_window ast(uint32_t from, uint32_t to, unsigned days, const char *zone)
{
	return (struct ast_window){.from_s = from, .to_s = to, .days = days, .zone = {.kind = AST_TEXT, .text = span_cstr(zone)}};
}

static struct window *make(uint32_t from, uint32_t to, unsigned days, const char *zone)
{
	struct ast_window a = ast(from, to, days, zone);
	struct source_report report;
	struct window *w;

	source_report_init(&report);
	if (window_make(&a, &w, &report) < 0)
		tap_bail("%s", report.text.p);
	source_report_free(&report);
	return w;
}

static bool have(const char *zone)
{
	GTimeZone *z = g_time_zone_new_identifier(zone);

	if (z)
		g_time_zone_unref(z);
	return z != NULL;
}

/* Seconds since 1970 of a time in UTC. */
static int64_t utc(const char *iso)
{
	GTimeZone *z = g_time_zone_new_utc();
	GDateTime *t = g_date_time_new_from_iso8601(iso, z);
	int64_t s;

	if (!t)
		tap_bail("bad time in the test: %s", iso);
	s = g_date_time_to_unix(t);
	g_date_time_unref(t);
	g_time_zone_unref(z);
	return s;
}

struct time_case {
	uint32_t from, to;
	unsigned days;
	const char *zone, *at;
	bool in;
	const char *what;
};

/* 2024-01-01 is a Monday. */
static const struct time_case times[] = {
	{9 * HOUR, 17 * HOUR, EVERY, NULL, "2024-01-01T09:00:00", true, "the first second"},
	{9 * HOUR, 17 * HOUR, EVERY, NULL, "2024-01-01T08:59:59", false, "the second before"},
	{9 * HOUR, 17 * HOUR, EVERY, NULL, "2024-01-01T16:59:59", true, "the last second"},
	{9 * HOUR, 17 * HOUR, EVERY, NULL, "2024-01-01T17:00:00", false, "the second after"},
	{0, 86400, MON, NULL, "2024-01-01T00:00:00", true, "a whole day"},
	{0, 86400, MON, NULL, "2024-01-01T23:59:59", true, "a whole day, its end"},
	{0, 86400, MON, NULL, "2024-01-02T00:00:00", false, "the day after"},
	{0, 86400, SUN, NULL, "2023-12-31T23:59:59", true, "Sunday"},
	{0, 86400, THU, NULL, "1970-01-01T00:00:00", true, "Thursday 1970"},
	{0, 86400, WED, NULL, "1969-12-31T23:59:59", true, "before 1970"},
	{0, 86400, SAT, NULL, "2000-02-26T12:00:00", true, "Saturday 2000"},
	{21 * HOUR, 8 * HOUR, EVERY, NULL, "2024-01-01T21:00:00", true, "over midnight, begin"},
	{21 * HOUR, 8 * HOUR, EVERY, NULL, "2024-01-02T07:59:59", true, "over midnight, end"},
	{21 * HOUR, 8 * HOUR, EVERY, NULL, "2024-01-02T08:00:00", false, "over midnight, after"},
	{21 * HOUR, 8 * HOUR, EVERY, NULL, "2024-01-02T20:59:59", false, "over midnight, before"},
	{21 * HOUR, 8 * HOUR, FRI, NULL, "2024-01-05T21:00:00", true, "Friday night begins"},
	{21 * HOUR, 8 * HOUR, FRI, NULL, "2024-01-06T07:59:59", true, "Friday night ends on Saturday"},
	{21 * HOUR, 8 * HOUR, FRI, NULL, "2024-01-05T07:00:00", false, "Friday's morning is Thursday's night"},
	{21 * HOUR, 8 * HOUR, FRI, NULL, "2024-01-06T21:00:00", false, "Saturday night isn't Friday's"},
	{21 * HOUR, 8 * HOUR, SUN, NULL, "2024-01-01T03:00:00", true, "Sunday night ends on Monday"},
	{21 * HOUR, 8 * HOUR, MON | TUE, "Etc/UTC", "2024-01-03T03:00:00", true, "a named UTC"},
	{9 * HOUR, 10 * HOUR, EVERY, CHICAGO, "2024-01-15T15:30:00", true, "Chicago, winter: UTC-6"},
	{9 * HOUR, 10 * HOUR, EVERY, CHICAGO, "2024-01-15T14:30:00", false, "Chicago, winter, an hour before"},
	{9 * HOUR, 10 * HOUR, EVERY, CHICAGO, "2024-07-15T14:30:00", true, "Chicago, summer: UTC-5"},
	{9 * HOUR, 10 * HOUR, EVERY, CHICAGO, "2024-07-15T15:30:00", false, "Chicago, summer, an hour after"},
	{21 * HOUR, 8 * HOUR, SUN, CHICAGO, "2024-01-15T05:00:00", true, "Chicago's Sunday night in UTC's Monday"},
	/* 2024-03-10: 02:00 CST is 03:00 CDT */
	{HOUR, 2 * HOUR, EVERY, CHICAGO, "2024-03-10T07:59:59", true, "Chicago, 01:59:59 before the gap"},
	{2 * HOUR, 3 * HOUR, EVERY, CHICAGO, "2024-03-10T07:59:59", false, "Chicago, before the gap"},
	{2 * HOUR, 3 * HOUR, EVERY, CHICAGO, "2024-03-10T08:00:00", false, "Chicago, the hour that isn't there"},
	{3 * HOUR, 4 * HOUR, EVERY, CHICAGO, "2024-03-10T08:00:00", true, "Chicago, 03:00 after the gap"},
	{21 * HOUR, 8 * HOUR, SAT, CHICAGO, "2024-03-10T12:59:59", true, "Chicago, the short night ends at 08:00 CDT"},
	{21 * HOUR, 8 * HOUR, SAT, CHICAGO, "2024-03-10T13:00:00", false, "Chicago, the short night is over"},
	/* 2024-11-03: 02:00 CDT is 01:00 CST */
	{HOUR, 2 * HOUR, EVERY, CHICAGO, "2024-11-03T06:30:00", true, "Chicago, 01:30 the first time"},
	{HOUR, 2 * HOUR, EVERY, CHICAGO, "2024-11-03T07:30:00", true, "Chicago, 01:30 the second time"},
	{HOUR, 2 * HOUR, EVERY, CHICAGO, "2024-11-03T08:00:00", false, "Chicago, 02:00"},
	/* 2024-03-31: 02:00 CET is 03:00 CEST; 2024-10-27: 03:00 CEST is 02:00 CET */
	{2 * HOUR, 3 * HOUR, EVERY, BERLIN, "2024-03-31T00:59:59", false, "Berlin, 01:59:59 before the gap"},
	{2 * HOUR, 3 * HOUR, EVERY, BERLIN, "2024-03-31T01:00:00", false, "Berlin, the hour that isn't there"},
	{3 * HOUR, 4 * HOUR, EVERY, BERLIN, "2024-03-31T01:00:00", true, "Berlin, 03:00 after the gap"},
	{2 * HOUR, 3 * HOUR, EVERY, BERLIN, "2024-10-27T00:30:00", true, "Berlin, 02:30 the first time"},
	{2 * HOUR, 3 * HOUR, EVERY, BERLIN, "2024-10-27T01:30:00", true, "Berlin, 02:30 the second time"},
	{2 * HOUR, 3 * HOUR, EVERY, BERLIN, "2024-10-27T02:00:00", false, "Berlin, 03:00"},
	{22 * HOUR, 6 * HOUR, EVERY, BERLIN, "2037-07-01T03:59:59", true, "Berlin, years ahead, 05:59:59 CEST"},
	{22 * HOUR, 6 * HOUR, EVERY, BERLIN, "2037-07-01T04:00:00", false, "Berlin, years ahead, 06:00 CEST"},
};

static void check_times(void)
{
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		const struct time_case *c = &times[i];
		struct window *w;

		if (c->zone && !have(c->zone)) {
			tap_skip("%s: no zone %s here (package tzdata)", c->what, c->zone);
			continue;
		}
		w = make(c->from, c->to, c->days, c->zone);
		tap_int(window_contains(w, utc(c->at)), c->in, "%s: %s", c->what, c->at);
		window_free(w);
	}
}

static void check_zones(void)
{
	static const char *const bad[] = {"America/Chicag", "Nowhere", "+05:00", "05", "-3", "/etc/localtime", "../America/Chicago", "America/Chicago\n", "ABC5DEF", "ABC5",
		"ABC5DEF,M3.2.0,M11.1.0", ":UTC", "America", "posix/../UTC", " UTC", "a_very_long_name_of_a_zone_that_no_file_could_have_and_nobody_would_ever_write_down"};
	struct source src = {"a.policy", span_cstr("window w daily 01:00..02:00 zone \"Nowhere\"\n")};
	struct ast_window a = ast(0, 1, EVERY, "Nowhere");
	struct source_report report;
	struct window *w;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct ast_window one = ast(0, 1, EVERY, bad[i]);

		source_report_init(&report);
		w = (struct window *)&one;
		tap_int(window_make(&one, &w, &report), -1, "no zone, case %zu", i);
		tap_ok(!w && report.errors == 1, "it is said once");
		source_report_free(&report);
	}
	a.zone.at = (struct source_pos){&src, 1, 34};
	source_report_init(&report);
	tap_int(window_make(&a, &w, &report), -1, "an unknown zone");
	tap_str(report.first, "a.policy:1:34: error: no such time zone: \"Nowhere\"; names are as in America/Chicago", "its place is said");
	source_report_free(&report);
	a.zone.text = span_make("UTC\0x", 5);
	source_report_init(&report);
	tap_int(window_make(&a, &w, &report), -1, "a zone with NUL");
	source_report_free(&report);
}

static void check_edges(void)
{
	struct window *w = make(0, 86400, EVERY, NULL);

	tap_ok(!window_contains(w, INT64_MAX) && !window_contains(w, INT64_MIN), "no window holds the end of time");
	tap_ok(window_contains(w, 0) && window_contains(w, INT64_C(253402300799)) && window_contains(w, INT64_C(-62135596800)), "every day of the calendar");
	window_free(w);
	window_free(NULL);
	w = make(0, 86400, 0, NULL);
	tap_ok(!window_contains(w, 0), "no days, no window");
	window_free(w);
}

int main(void)
{
	check_times();
	check_zones();
	check_edges();
	return tap_done();
}
