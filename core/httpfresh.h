/*
 * How long an HTTP answer may be used: RFC 9111, 4.2, for a private cache that
 * fetches with plain GETs.  Header fields in, seconds out.
 *
 * Where an answer says two things, or one that can't be read, the more cautious
 * reading holds: it is used for a shorter time, or not again.
 */
#ifndef STIR_CORE_HTTPFRESH_H
#define STIR_CORE_HTTPFRESH_H

#include <stdint.h>

#include "core/span.h"

struct httpfresh {
	int64_t asked;
	/* stale: freshness was told, but in a way that can't be read or contradicts itself. */
	bool no_store, no_cache, stale;
	bool has_max_age, has_expires, has_date, has_age;
	int64_t max_age, expires, date, age;
};

enum { HTTPFRESH_MAX = INT32_MAX };

/* asked: when the request went out, in seconds since 1970. */
void httpfresh_init(struct httpfresh *h, int64_t asked);
/*
 * One header field of the answer, in order, line end stripped; anything else than
 * Cache-Control, Expires, Date, Age and Vary is ignored.
 */
void httpfresh_field(struct httpfresh *h, struct span name, struct span value);
/*
 * Seconds from now, 0..HTTPFRESH_MAX, that it may be used; 0 when it must not be
 * used again; -1 when nothing was said.  now: when the answer was there.
 */
int64_t httpfresh_lifetime(const struct httpfresh *h, int64_t now);

#endif
