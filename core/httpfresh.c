/*
 * Reads what an origin says of freshness.  Heuristics and bounds are left to the
 * cache, which knows what it keeps.
 */
#include "config.h"

#include "core/httpfresh.h"

#include "core/httpdate.h"

void httpfresh_init(struct httpfresh *h, int64_t asked)
{
	memset(h, 0, sizeof *h);
	h->asked = asked;
}

/* delta-seconds (RFC 9111, 1.2.2): what is too large is 2^31. */
static bool read_seconds(struct span s, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = 10 * *out + (s.p[i] - '0');
		if (*out > HTTPFRESH_MAX)
			*out = HTTPFRESH_MAX;
	}
	return s.n > 0;
}

/* The length of a quoted-string at the beginning, its quotes included; 0 when it has no end. */
static size_t quoted_length(struct span s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
	}
	return 0;
}

/*
 * Cuts the next element off a list: up to a comma that is not quoted.  False when
 * a quote has no end, so that nobody knows what is an element.
 */
static bool next_element(struct span *rest, struct span *element)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ',') {
		size_t step = rest->p[n] == '"' ? quoted_length(span_skip(*rest, n)) : 1;

		if (step == 0)
			return false;
		n += step;
	}
	*element = span_trim(span_take(*rest, n));
	*rest = span_skip(*rest, n + 1);
	return true;
}

/* The argument of max-age, quoted or not (RFC 9111, 5.2). */
static void read_max_age(struct httpfresh *h, struct span argument)
{
	int64_t seconds;

	if (argument.n >= 2 && argument.p[0] == '"' && argument.p[argument.n - 1] == '"')
		argument = span_make(argument.p + 1, argument.n - 2);
	if (!read_seconds(argument, &seconds)) {
		h->stale = true;
		return;
	}
	if (!h->has_max_age || seconds < h->max_age)
		h->max_age = seconds;
	h->has_max_age = true;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/*
 * private, public, must-revalidate and s-maxage say nothing to a private cache.
 * A name followed by what does not belong there is that name all the same.
 */
static void read_directive(struct httpfresh *h, struct span element)
{
	struct span name = element, argument;

	for (name.n = 0; name.n < element.n && is_name(element.p[name.n]);)
		name.n++;
	argument = span_trim(span_skip(element, name.n));
	if (argument.n && argument.p[0] == '=')
		argument = span_trim(span_skip(argument, 1));
	if (span_caseis(name, "no-store"))
		h->no_store = true;
	else if (span_caseis(name, "no-cache"))
		h->no_cache = true; /* for some fields only is for all: we keep no fields */
	else if (span_caseis(name, "max-age"))
		read_max_age(h, argument);
}

static void read_cache_control(struct httpfresh *h, struct span value)
{
	struct span element;

	while (value.n) {
		if (!next_element(&value, &element)) {
			h->stale = true;
			return;
		}
		read_directive(h, element);
	}
}

static void read_expires(struct httpfresh *h, struct span value)
{
	int64_t when;

	/* "0" and other values that are no dates mean the past (RFC 9111, 5.3). */
	if (httpdate_parse(value, h->asked, &when))
		when = 0;
	if (!h->has_expires || when < h->expires)
		h->expires = when;
	h->has_expires = true;
}

static void read_date(struct httpfresh *h, struct span value)
{
	int64_t when;

	if (httpdate_parse(value, h->asked, &when))
		return; /* like an answer without one: it was made when it came */
	/* Neither the earlier nor the later one is the more cautious in all cases. */
	if (h->has_date && when != h->date)
		h->stale = true;
	h->has_date = true;
	h->date = when;
}

/* Of a list the first counts, and what is no number is ignored (RFC 9111, 5.1). */
static void read_age(struct httpfresh *h, struct span value)
{
	int64_t seconds;

	if (!read_seconds(span_trim(span_cut(&value, ',')), &seconds))
		return;
	if (!h->has_age || seconds > h->age)
		h->age = seconds;
	h->has_age = true;
}

/* "*": no later request is ever the same (RFC 9111, 4.1); ours are all alike otherwise. */
static void read_vary(struct httpfresh *h, struct span value)
{
	while (value.n)
		if (span_is(span_trim(span_cut(&value, ',')), "*"))
			h->no_cache = true;
}

void httpfresh_field(struct httpfresh *h, struct span name, struct span value)
{
	static const struct {
		const char *name;
		void (*read)(struct httpfresh *h, struct span value);
	} fields[] = {
		{"cache-control", read_cache_control}, {"expires", read_expires}, {"date", read_date}, {"age", read_age}, {"vary", read_vary},
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (span_caseis(name, fields[i].name))
			fields[i].read(h, span_trim(value));
}

/* corrected_initial_age (RFC 9111, 4.2.3). */
static int64_t current_age(const struct httpfresh *h, int64_t now)
{
	int64_t delay = now > h->asked ? now - h->asked : 0;
	int64_t corrected = (h->has_age ? h->age : 0) + delay;
	int64_t apparent = h->has_date && now > h->date ? now - h->date : 0;

	return apparent > corrected ? apparent : corrected;
}

int64_t httpfresh_lifetime(const struct httpfresh *h, int64_t now)
{
	int64_t lifetime;

	if (h->no_store || h->no_cache || h->stale)
		return 0;
	if (!h->has_max_age && !h->has_expires)
		return -1;
	lifetime = h->has_max_age ? h->max_age : h->expires - (h->has_date ? h->date : now);
	lifetime -= current_age(h, now);
	if (lifetime < 0)
		return 0;
	return lifetime > HTTPFRESH_MAX ? HTTPFRESH_MAX : lifetime;
}
