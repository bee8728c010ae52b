/*
 * Knows nothing of what is done.
 */
#include "config.h"

#include "engine/errand.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/clock.h"

struct errand {
	atomic_uint refs;
	struct pool *pool;
	struct errand_work work;

	pthread_mutex_t lock; /* holds all below */
	bool busy;
	int64_t next;
	unsigned pause_s; /* before it: a clock that was set back must not make it longer */
	struct buf said;
};

struct errand *errand_new(struct pool *pool, const struct errand_work *work)
{
	struct errand *e = calloc(1, sizeof *e);

	if (!e || pthread_mutex_init(&e->lock, NULL)) {
		free(e);
		return NULL;
	}
	atomic_init(&e->refs, 1);
	e->pool = pool;
	e->work = *work;
	buf_init(&e->said, LIMIT_CONF_BYTES);
	return e;
}

void errand_unref(struct errand *e)
{
	if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	e->work.release(e->work.arg);
	buf_free(&e->said);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void run(void *arg, bool cancelled)
{
	struct errand *e = arg;
	unsigned pause_s = 0;
	struct buf said;

	buf_init(&said, LIMIT_CONF_BYTES);
	if (!cancelled)
		pause_s = e->work.run(e->work.arg, &said);
	pthread_mutex_lock(&e->lock);
	(void)buf_put_span(&e->said, buf_span(&said));
	e->busy = false;
	e->pause_s = pause_s;
	e->next = clock_wall_s() + pause_s;
	pthread_mutex_unlock(&e->lock);
	buf_free(&said);
	errand_unref(e);
}

void errand_tick(struct errand *e, int64_t now, struct buf *said)
{
	bool start;

	pthread_mutex_lock(&e->lock);
	(void)buf_put_span(said, buf_span(&e->said));
	buf_reset(&e->said);
	start = !e->busy && (now >= e->next || now < e->next - e->pause_s);
	e->busy = e->busy || start;
	pthread_mutex_unlock(&e->lock);
	if (!start)
		return;
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	if (pool_submit_own(e->pool, run, e)) {
		pthread_mutex_lock(&e->lock);
		e->busy = false;
		pthread_mutex_unlock(&e->lock);
		errand_unref(e);
	}
}
