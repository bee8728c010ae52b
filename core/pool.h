/*
 * A bounded number of threads for slow work off the mail path, and a bounded
 * queue before them.  Threads start when there is work and end when idle.
 */
#ifndef STIR_CORE_POOL_H
#define STIR_CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct pool; /* opaque. Any thread. */

/* Gives a pool (pool_free()), or NULL. */
struct pool *pool_new(unsigned max_threads, size_t max_queue) MUST_USE;
/*
 * run(arg, false) in some thread, or run(arg, true) when the pool was stopped
 * before its turn came: exactly one of both, unless -1 is returned (the queue is
 * full, the pool is stopping, no thread).
 */
int pool_submit(struct pool *p, void (*run)(void *arg, bool cancelled), void *arg) MUST_USE;
/*
 * The same, of work that a stranger asked for: whose stands for the stranger, not
 * 0.  Work of one has half the threads and half the queue (of each at least one),
 * however much of it comes.
 */
int pool_submit_of(struct pool *p, uint64_t whose, void (*run)(void *arg, bool cancelled), void *arg) MUST_USE;
/*
 * The same, of the program's own work, which that of strangers must not hold up:
 * its turn comes before all that waits, and it has POOL_OWN places of its own
 * there.
 */
int pool_submit_own(struct pool *p, void (*run)(void *arg, bool cancelled), void *arg) MUST_USE;

enum { POOL_OWN = 64 };

/* No new work; what waits is cancelled.  Returns at once; pool_stopping() is true from now on. */
void pool_stop(struct pool *p);
bool pool_stopping(const struct pool *p);
/* pool_stop(), then waits for what is under way. NULL is allowed. Not from one of its threads. */
void pool_free(struct pool *p);

struct pool_stats {
	unsigned threads, busy;
	size_t queued;
	unsigned long ran, refused;
};
void pool_stats(struct pool *p, struct pool_stats *out);

#endif
