/*
 * Windows of the day, in the time of a zone.
 *
 * Zones and their summer time are GLib's; the time is a parameter.
 */
#include "config.h"

#include "policy/window.h"

#include <glib.h>
#include <stdlib.h>

#include "core/printable.h"

enum { DAY_S = 86400, WEEK = 7, THURSDAY = 3 /* 1970-01-01, from Monday */, ZONE_MAX = 64 };

struct window {
	GTimeZone *zone;
	uint32_t from, to;
	unsigned days;
};

static int no_such_zone(const struct ast_value *zone, struct source_report *report)
{
	struct buf shown;

	buf_init(&shown, ERR_TEXT_BYTES);
	printable_put(&shown, span_take(zone->text, ZONE_MAX), "\"");
	source_say(report, SOURCE_ERROR, zone->at, "no such time zone: \"%s\"; names are as in America/Chicago", shown.failed || !shown.p ? "" : shown.p);
	buf_free(&shown);
	return -1;
}

/*
 * A name of the zone files.  GLib would also read offsets ("+05"), rules
 * ("ABC5DEF") and paths; of the files only a few old ones have a digit and no
 * folder, and those can't be told from rules.
 */
static bool is_name(struct span s)
{
	bool folder = false, digit = false;

	if (!s.n || s.n > ZONE_MAX || !g_ascii_isalpha(s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		folder = folder || s.p[i] == '/';
		digit = digit || g_ascii_isdigit(s.p[i]);
		if (!g_ascii_isalnum(s.p[i]) && s.p[i] != '/' && s.p[i] != '_' && s.p[i] != '-' && s.p[i] != '+')
			return false;
	}
	return folder || !digit;
}

static GTimeZone *open_zone(struct span name)
{
	char text[ZONE_MAX + 1];

	if (!is_name(name))
		return NULL;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return g_time_zone_new_identifier(text);
}

int window_make(const struct ast_window *w, struct window **out, struct source_report *report)
{
	struct window *made;
	GTimeZone *zone = w->zone.text.n ? open_zone(w->zone.text) : g_time_zone_new_utc();

	*out = NULL;
	if (!zone)
		return no_such_zone(&w->zone, report);
	made = calloc(1, sizeof *made);
	if (!made) {
		g_time_zone_unref(zone);
		return source_say(report, SOURCE_ERROR, w->name.at, "no memory for the window");
	}
	*made = (struct window){zone, w->from_s, w->to_s, w->days};
	*out = made;
	return 0;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	g_time_zone_unref(w->zone);
	free(w);
}

/* The whole days of t, downwards. */
static int64_t days_of(int64_t t)
{
	return t / DAY_S - (t % DAY_S < 0);
}

static bool begins_on(const struct window *w, int64_t day)
{
	int64_t weekday = (day + THURSDAY) % WEEK;

	if (weekday < 0)
		weekday += WEEK;
	return w->days >> weekday & 1;
}

bool window_contains(const struct window *w, int64_t now)
{
	/* Beyond these no calendar says anything (years 1 and 9999). */
	const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
	int64_t local, day;
	uint32_t second;
	gint interval;

	if (now < first || now > last)
		return false;
	interval = g_time_zone_find_interval(w->zone, G_TIME_TYPE_UNIVERSAL, now);
	if (interval < 0)
		return false;
	local = now + g_time_zone_get_offset(w->zone, interval);
	day = days_of(local);
	second = (uint32_t)(local - day * DAY_S);
	if (w->from <= w->to)
		return second >= w->from && second < w->to && begins_on(w, day);
	/* Over midnight: the hours after it belong to the day before. */
	return (second >= w->from && begins_on(w, day)) || (second < w->to && begins_on(w, day - 1));
}
