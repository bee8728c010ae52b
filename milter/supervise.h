/*
 * Signals, reload and stop of the running milter.
 *
 * HUP USR1  read the configuration again
 * USR2      log the counters
 * TERM INT  finish the messages in hand, then stop; a second one stops at once
 */
#ifndef STIR_MILTER_SUPERVISE_H
#define STIR_MILTER_SUPERVISE_H

#include "milter/options.h"

/* Before any thread: blocks the signals above and ignores SIGPIPE. 0, or -1 and *e. */
int supervise_prepare(struct err *e) MUST_USE;

/*
 * Runs libmilter until told to stop.  Main thread; the socket is open and an
 * engine in force.  0 after an orderly stop, else -1 and *e.
 */
int supervise_run(const struct options *o, struct err *e) MUST_USE;

#endif
