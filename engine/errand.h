/*
 * Something done now and then in a thread of the pool, whose findings are said at
 * the next tick: one at a time, and it may outlive the engine that began it.
 */
#ifndef STIR_ENGINE_ERRAND_H
#define STIR_ENGINE_ERRAND_H

#include "core/buf.h"
#include "core/pool.h"

struct errand; /* opaque, counted. Any thread. */

struct errand_work {
	/* Done in a thread of the pool; said gets what an operator should know, each in
	 * a line with '\n'.  Returns in how many seconds it is to be done again. */
	unsigned (*run)(void *arg, struct buf *said);
	/* When nothing of it is left, in whichever thread came last. */
	void (*release)(void *arg);
	void *arg;
};

/* pool is borrowed and outlives what is under way.  Takes over arg; NULL without memory, and arg is the caller's still. */
struct errand *errand_new(struct pool *pool, const struct errand_work *work) MUST_USE;
void errand_unref(struct errand *e); /* NULL is allowed */
/* Begins when it is due; said gets what the last one had to say. now: seconds since 1970. */
void errand_tick(struct errand *e, int64_t now, struct buf *said);

#endif
