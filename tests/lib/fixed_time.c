/*
 * time(2) that answers $STIR_FIXED_TIME: preloaded into the daemon by the
 * vector test, so that a committed token is fresh and the daemon needs no test
 * mode.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out)
{
	const char *text = getenv("STIR_FIXED_TIME");
	time_t now = text ? (time_t)strtoll(text, NULL, 10) : 0;

	if (out)
		*out = now;
	return now;
}
