/* The pool: how many threads and jobs, what runs and what is cancelled, and its end. */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "core/pool.h"
#include "tests/lib/tap.h"

enum { THREADS = 3, QUEUE = 5, MANY = 400 };

/* A gate that jobs wait at. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool open_gate;
static int inside, most, ran, cancelled_jobs, last_ran;
static bool masked = true, in_order = true;

static void reset(bool gate)
{
	open_gate = gate;
	inside = most = ran = cancelled_jobs = 0;
	last_ran = -1;
	in_order = true;
}

static void job(void *arg, bool cancelled)
{
	int number = (int)(intptr_t)arg;
	sigset_t now;

	pthread_mutex_lock(&lock);
	if (cancelled) {
		cancelled_jobs++;
		pthread_mutex_unlock(&lock);
		return;
	}
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	masked = masked && sigismember(&now, SIGTERM) == 1;
	in_order = in_order && number > last_ran;
	last_ran = number;
	inside++;
	most = inside > most ? inside : most;
	pthread_cond_broadcast(&changed);
	while (!open_gate)
		pthread_cond_wait(&changed, &lock);
	inside--;
	ran++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void let_go(void)
{
	pthread_mutex_lock(&lock);
	open_gate = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_for(const int *what, int n)
{
	pthread_mutex_lock(&lock);
	while (*what < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static struct pool *pool(unsigned threads, size_t queue)
{
	struct pool *p = pool_new(threads, queue);

	if (!p)
		tap_bail("no pool");
	return p;
}

static int submit(struct pool *p, int n)
{
	int taken = 0;

	for (int i = 0; i < n; i++)
		taken += pool_submit(p, job, (void *)(intptr_t)i) == 0;
	return taken;
}

static void bounds(void)
{
	struct pool *p = pool(THREADS, QUEUE);
	struct pool_stats s;

	reset(false);
	pool_stats(p, &s);
	tap_int(s.threads, 0, "no work, no thread");
	tap_int(submit(p, THREADS + QUEUE + 4), THREADS + QUEUE, "threads and queue take so many");
	wait_for(&inside, THREADS);
	pool_stats(p, &s);
	tap_ok(s.threads == THREADS && s.busy == THREADS && s.queued == QUEUE && s.refused == 4, "the others were refused");
	let_go();
	wait_for(&ran, THREADS + QUEUE);
	tap_int(most, THREADS, "never more at one time than there are threads");
	pool_free(p);
	tap_int(cancelled_jobs, 0, "all of them ran");
	tap_ok(masked, "their threads get no signals");
}

static void order(void)
{
	struct pool *p = pool(0, MANY);

	reset(false);
	tap_int(submit(p, MANY), MANY, "a pool of no threads has one");
	let_go();
	wait_for(&ran, MANY);
	tap_ok(in_order && most == 1, "first come, first served");
	pool_free(p);
}

static int submit_of(struct pool *p, uint64_t whose, int n)
{
	int taken = 0;

	for (int i = 0; i < n; i++)
		taken += pool_submit_of(p, whose, job, (void *)(intptr_t)i) == 0;
	return taken;
}

/* Jobs of one stranger, however many, leave half of everything to the others. */
static void shares(void)
{
	struct pool *p = pool(4, 6);
	struct pool_stats s;

	reset(false);
	tap_int(submit_of(p, 7, 20), 2 + 3, "half the threads, half the queue");
	wait_for(&inside, 2);
	tap_int(submit_of(p, 8, 20), 2 + 3, "another one has the other half");
	wait_for(&inside, 4);
	pool_stats(p, &s);
	tap_ok(s.threads == 4 && s.queued == 6, "all of it is taken");
	tap_int(submit(p, 1), 0, "nothing more waits");
	tap_int(pool_submit_own(p, job, NULL), 0, "but what the program itself needs");
	let_go();
	wait_for(&ran, 11);
	pool_free(p);
	tap_int(cancelled_jobs, 0, "all of them ran, though some had to let others go first");
	reset(false);
	p = pool(1, 1);
	tap_int(submit_of(p, 7, 3), 2, "one thread, one place: all of it is his");
	let_go();
	wait_for(&ran, 2);
	pool_free(p);
}

/* The program's own work is next, and has room of its own. */
static void own_work(void)
{
	struct pool *p = pool(1, MANY);
	int taken = 0;

	reset(false);
	tap_int(submit_of(p, 7, 10), 10, "strangers wait");
	wait_for(&inside, 1);
	for (int i = 0; i < POOL_OWN + 1; i++)
		taken += pool_submit_own(p, job, (void *)(intptr_t)(MANY + i)) == 0;
	tap_int(taken, POOL_OWN, "its places are counted");
	let_go();
	wait_for(&ran, 2);
	pthread_mutex_lock(&lock);
	tap_ok(last_ran >= MANY || ran > 1 + POOL_OWN, "what came last is next");
	pthread_mutex_unlock(&lock);
	wait_for(&ran, 10 + POOL_OWN);
	pool_free(p);
}

static void threads_end(void)
{
	struct pool *p = pool(THREADS, 0);
	struct pool_stats s;

	reset(true);
	for (int i = 0; i < MANY; i++) {
		while (submit(p, 1) == 0)
			;
		if (i % 7 == 0)
			do
				pool_stats(p, &s);
			while (s.threads);
	}
	do
		pool_stats(p, &s);
	while (s.threads);
	tap_ok(ran == MANY && s.busy == 0 && s.ran == MANY, "threads come with the work and go after it");
	tap_int((long long)s.queued, 0, "without a queue nothing waits");
	pool_free(p);
}

static void *stopper(void *arg)
{
	pool_stop(arg);
	return NULL;
}

static void stopping(void)
{
	struct pool *p = pool(THREADS, QUEUE);
	pthread_t t[2];

	reset(false);
	tap_int(submit(p, THREADS + 4), THREADS + 4, "some run, some wait");
	wait_for(&inside, THREADS);
	tap_ok(!pool_stopping(p), "not stopping");
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, stopper, p))
			tap_bail("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	tap_ok(pool_stopping(p), "stopping");
	pthread_mutex_lock(&lock);
	tap_ok(cancelled_jobs == 4 && ran == 0, "what waits is cancelled, while others are under way");
	pthread_mutex_unlock(&lock);
	tap_int(submit(p, 1), 0, "no new work");
	let_go();
	pool_free(p);
	tap_int(ran, THREADS, "pool_free() waits for what is under way");
	tap_int(cancelled_jobs, 4, "each job ran or was cancelled, once");
	pool_free(NULL);
}

static atomic_int accepted;

static void *submitter(void *arg)
{
	for (int i = 0; i < MANY; i++)
		atomic_fetch_add(&accepted, (i % 3 ? pool_submit_of(arg, (uint64_t)(i % 5), job, NULL) : pool_submit_own(arg, job, NULL)) == 0);
	return NULL;
}

/* Four threads submit while the pool is stopped: every accepted job is heard of once. */
static void race(void)
{
	int lost = 0;

	for (int round = 0; round < 10; round++) {
		struct pool *p = pool(THREADS, QUEUE);
		pthread_t t[4];

		reset(true);
		atomic_store(&accepted, 0);
		for (int i = 0; i < 4; i++)
			if (pthread_create(&t[i], NULL, submitter, p))
				tap_bail("pthread_create");
		if (round % 2)
			pool_stop(p);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		pool_free(p);
		lost += ran + cancelled_jobs != atomic_load(&accepted);
	}
	tap_int(lost, 0, "no job is lost, none is run twice");
}

int main(void)
{
	bounds();
	order();
	shares();
	own_work();
	threads_end();
	stopping();
	race();
	return tap_done();
}
