/*
 * Threads for slow work.  A thread begins with a job in its hands, takes others
 * as long as some wait, and ends when none does: idle threads are not kept, for
 * what they would do takes far longer than their start.
 *
 * Knows nothing of the work but whose it is, so that one stranger's can't take all
 * threads.  What waits because of that has threads at work that are its owner's,
 * and each looks into the queue before it ends: nothing waits for ever.
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
	uint64_t whose; /* 0: nobody's */
	void (*run)(void *arg, bool cancelled);
	void *arg;
};

struct queue {
	struct job *first, *last;
	size_t n;
};

struct pool {
	unsigned max_threads;
	size_t max_queue;
	atomic_bool stopping; /* changes with the lock held */

	pthread_mutex_t lock; /* holds all below */
	pthread_cond_t calm;  /* no thread, and nobody who cancels */
	struct queue own, queue;
	uint64_t *running;    /* whose jobs the busy threads have in hand */
	unsigned n_running;
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
	p->max_threads = max_threads ? max_threads : 1;
	p->running = calloc(p->max_threads, sizeof *p->running);
	if (!p->running || pthread_mutex_init(&p->lock, NULL)) {
		free(p->running);
		free(p);
		return NULL;
	}
	if (pthread_cond_init(&p->calm, NULL)) {
		pthread_mutex_destroy(&p->lock);
		free(p->running);
		free(p);
		return NULL;
	}
	p->max_queue = max_queue;
	atomic_init(&p->stopping, false);
	return p;
}

bool pool_stopping(const struct pool *p)
{
	return atomic_load(&p->stopping);
}

/* --- whose turn it is; the lock is held --------------------------------------------- */

/* What one stranger may have of n. */
static size_t share(size_t n)
{
	return n > 1 ? n / 2 : 1;
}

static bool may_run(const struct pool *p, uint64_t whose)
{
	size_t n = 0;

	for (unsigned i = 0; whose && i < p->n_running; i++)
		n += p->running[i] == whose;
	return n < share(p->max_threads);
}

static bool may_wait(const struct pool *p, uint64_t whose)
{
	size_t n = 0;

	if (p->queue.n >= p->max_queue)
		return false;
	for (const struct job *j = p->queue.first; whose && j; j = j->next)
		n += j->whose == whose;
	return n < share(p->max_queue);
}

static void put(struct queue *q, struct job *j)
{
	*(q->last ? &q->last->next : &q->first) = j;
	q->last = j;
	q->n++;
}

/* Takes the one behind before (NULL: the first) out. */
static struct job *cut(struct queue *q, struct job *before)
{
	struct job **at = before ? &before->next : &q->first, *j = *at;

	*at = j->next;
	if (q->last == j)
		q->last = before;
	q->n--;
	return j;
}

/* The next one that may run; any when all are to be cancelled. */
static struct job *take(struct pool *p, bool any)
{
	struct job *before = NULL, *j;

	if (p->own.first)
		return cut(&p->own, NULL);
	for (j = p->queue.first; j && !any && !may_run(p, j->whose); j = j->next)
		before = j;
	return j ? cut(&p->queue, before) : NULL;
}

static void begin(struct pool *p, uint64_t whose)
{
	p->running[p->n_running++] = whose;
}

static void end(struct pool *p, uint64_t whose)
{
	unsigned i = 0;

	while (p->running[i] != whose)
		i++;
	p->running[i] = p->running[--p->n_running];
}

/* --- the threads; the lock is held ------------------------------------------------ */

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
		uint64_t whose = j->whose;

		j->run(j->arg, false);
		free(j);
		pthread_mutex_lock(&p->lock);
		p->stats.ran++;
		end(p, whose);
		j = take(p, false);
		if (j) {
			begin(p, j->whose);
			pthread_mutex_unlock(&p->lock);
		}
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
	uint64_t whose = j->whose; /* j is gone when the thread is fast */
	sigset_t all, before;
	pthread_t t;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&t, NULL, work, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -1;
	begin(p, whose);
	p->stats.threads++;
	p->stats.busy++;
	return 0;
}

/* --- work ----------------------------------------------------------------------------- */

static int accept_job(struct pool *p, struct job *j, bool own)
{
	if (atomic_load(&p->stopping))
		return -1;
	if (p->stats.threads < p->max_threads && may_run(p, j->whose) && start(p, j) == 0)
		return 0;
	/* A thread that is there looks into the queue before it ends. */
	if (p->stats.threads == 0 || (own ? p->own.n >= POOL_OWN : !may_wait(p, j->whose)))
		return -1;
	put(own ? &p->own : &p->queue, j);
	return 0;
}

static int submit(struct pool *p, uint64_t whose, bool own, void (*run)(void *arg, bool cancelled), void *arg)
{
	struct job *j = malloc(sizeof *j);
	int rc = -1;

	if (j)
		*j = (struct job){.pool = p, .whose = whose, .run = run, .arg = arg};
	pthread_mutex_lock(&p->lock);
	if (j)
		rc = accept_job(p, j, own);
	if (rc)
		p->stats.refused++;
	pthread_mutex_unlock(&p->lock);
	if (rc)
		free(j);
	return rc;
}

int pool_submit(struct pool *p, void (*run)(void *arg, bool cancelled), void *arg)
{
	return submit(p, 0, false, run, arg);
}

int pool_submit_of(struct pool *p, uint64_t whose, void (*run)(void *arg, bool cancelled), void *arg)
{
	return submit(p, whose, false, run, arg);
}

int pool_submit_own(struct pool *p, void (*run)(void *arg, bool cancelled), void *arg)
{
	return submit(p, 0, true, run, arg);
}

/* --- the end ---------------------------------------------------------------------------- */

void pool_stop(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stopping, true);
	p->cancelling++;
	while ((j = take(p, true))) {
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
	free(p->running);
	free(p);
}

void pool_stats(struct pool *p, struct pool_stats *out)
{
	pthread_mutex_lock(&p->lock);
	*out = p->stats;
	out->queued = p->own.n + p->queue.n;
	pthread_mutex_unlock(&p->lock);
}
