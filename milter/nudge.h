/*
 * Keeps libmilter's pool of threads going.
 *
 * Where libmilter is built with its pool (Debian's is), a connection with a command
 * to be read is handed to "an idle thread", which is counted as idle until it
 * wakes: two connections can be handed to one thread.  The second then waits until
 * some thread has nothing to do, seconds where every client is fast.  A thread
 * that served a connection looks for such ones when it ends; so a short call of our
 * own, now and then while there is a crowd, bounds that wait to NUDGE_EVERY_MS.
 */
#ifndef STIR_MILTER_NUDGE_H
#define STIR_MILTER_NUDGE_H

#include "core/err.h"

enum {
	NUDGE_EVERY_MS = 50,
	NUDGE_PATIENCE_MS = 30 * 1000, /* a call that is not answered is followed by one that waits twice as long, up to about this */
	NUDGE_CROWD = 2 /* connections; one alone always has a thread */
};

/* "Socket spec" is being served. Starts a thread that lives as long as the process. 0, or -1 and *e. */
int nudge_start(const char *spec, struct err *e) MUST_USE;

/* There is a connection more. Any thread; nothing before nudge_start(). */
void nudge_wake(void);

#endif
