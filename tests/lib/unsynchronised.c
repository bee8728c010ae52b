/*
 * adjtimex(2) of a host whose clock nobody sets: preloaded into the daemon by
 * tests/milter/test_signing.py.
 */
#include <sys/timex.h>

int adjtimex(struct timex *t)
{
	t->status = STA_UNSYNC;
	return TIME_ERROR;
}
