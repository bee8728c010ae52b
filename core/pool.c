/*
 * Threads for slow work.  A thread begins with a job in its hands, takes others
 * as long as some wait, and ends when none does: idle threads are not kept, for
 * what they would do takes far longer than their start.
 *
 * Knows nothing of the work.
 */
#include "config.h"

#include "core/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct job {
	struct job *next;
	struct pool *pool;
	void (*run)(void *arg, bool cancelled);
	void *arg;
};

struct pool {
	unsigned max_threads;
	size_t max_queue;
	atomic_bool stopping; /* changes with the lock held */

	pthread_mutex_t lock; /* holds all below */
	pthread_cond_t calm;  /* no thread, and nobody who cancels */
	struct job *first, *last;
	unsigned cancelling;  /* callers of pool_stop() that still cancel */
	bool has_ended;
	pthread_t ended;      /* the last one that ended, to be joined */
	struct pool_stats stats;
};

struct pool *pool_new(unsigned max_threads, size_t max_queue)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (pthread_mutex_init(&p->lock, NULL)) {
		free(p);
		return NULL;
	}
	if (pthread_cond_init(&p->calm, NULL)) {
		pthread_mutex_destroy(&p->lock);
		free(p);
		return NULL;
	}
	p->max_threads = max_threads ? max_threads : 1;
	p->max_queue = max_queue;
	atomic_init(&p->stopping, false);
	return p;
}

bool pool_stopping(const struct pool *p)
{
	return atomic_load(&p->stopping);
}

/* --- the threads; the lock is held ------------------------------------------------ */

static struct job *take(struct pool *p)
{
	struct job *j = p->first;

	if (!j)
		return NULL;
	p->first = j->next;
	if (!p->first)
		p->last = NULL;
	p->stats.queued--;
	return j;
}

/*
 * A thread ends: it leaves itself to be joined by the next one that ends, or by
 * pool_free(), and takes over the one that ended before.
 */
static bool leave(struct pool *p, pthread_t *before)
{
	bool had = p->has_ended;

	*before = p->ended;
	p->ended = pthread_self();
	p->has_ended = true;
	p->stats.threads--;
	if (p->stats.threads == 0)
		pthread_cond_broadcast(&p->calm);
	return had;
}

static void *work(void *arg)
{
	struct job *j = arg;
	struct pool *p = j->pool;
	pthread_t before;
	bool had;

	do {
		j->run(j->arg, false);
		free(j);
		pthread_mutex_lock(&p->lock);
		p->stats.ran++;
		j = take(p);
		if (j)
			pthread_mutex_unlock(&p->lock);
	} while (j);
	p->stats.busy--;
	had = leave(p, &before);
	pthread_mutex_unlock(&p->lock);
	/* From here on p may be gone. */
	if (had)
		pthread_join(before, NULL);
	return NULL;
}

/* Signals are for the threads of the front end. */
static int start(struct pool *p, struct job *j)
{
	sigset_t all, before;
	pthread_t t;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&t, NULL, work, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -1;
	p->stats.threads++;
	p->stats.busy++;
	return 0;
}

/* --- work ----------------------------------------------------------------------------- */

static int accept_job(struct pool *p, struct job *j)
{
	if (atomic_load(&p->stopping))
		return -1;
	if (p->stats.threads < p->max_threads && start(p, j) == 0)
		return 0;
	/* A thread that is there looks into the queue before it ends. */
	if (p->stats.threads == 0 || p->stats.queued >= p->max_queue)
		return -1;
	*(p->last ? &p->last->next : &p->first) = j;
	p->last = j;
	p->stats.queued++;
	return 0;
}

int pool_submit(struct pool *p, void (*run)(void *arg, bool cancelled), void *arg)
{
	struct job *j = malloc(sizeof *j);
	int rc = -1;

	if (j)
		*j = (struct job){.pool = p, .run = run, .arg = arg};
	pthread_mutex_lock(&p->lock);
	if (j)
		rc = accept_job(p, j);
	if (rc)
		p->stats.refused++;
	pthread_mutex_unlock(&p->lock);
	if (rc)
		free(j);
	return rc;
}

/* --- the end ---------------------------------------------------------------------------- */

void pool_stop(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stopping, true);
	p->cancelling++;
	while ((j = take(p))) {
		pthread_mutex_unlock(&p->lock);
		j->run(j->arg, true);
		free(j);
		pthread_mutex_lock(&p->lock);
	}
	if (--p->cancelling == 0)
		pthread_cond_broadcast(&p->calm);
	pthread_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pool_stop(p);
	pthread_mutex_lock(&p->lock);
	while (p->stats.threads || p->cancelling)
		pthread_cond_wait(&p->calm, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (p->has_ended)
		pthread_join(p->ended, NULL);
	pthread_cond_destroy(&p->calm);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_stats(struct pool *p, struct pool_stats *out)
{
	pthread_mutex_lock(&p->lock);
	*out = p->stats;
	pthread_mutex_unlock(&p->lock);
}
