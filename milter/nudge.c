/*
 * A thread that sleeps while there is no crowd.  What the calls come to is not
 * asked here: whether we answer at all, others watch (supervise.c).
 */
#include "config.h"

#include "milter/nudge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/monotonic.h"
#include "milter/selfcall.h"
#include "milter/session.h"

static struct {
	struct selfcall self;
	pthread_mutex_t lock;
	pthread_cond_t crowd;
	atomic_bool asleep;
} nudge = {.lock = PTHREAD_MUTEX_INITIALIZER, .crowd = PTHREAD_COND_INITIALIZER};

static bool is_crowd(void)
{
	return session_count().connections >= NUDGE_CROWD;
}

static void await_crowd(void)
{
	pthread_mutex_lock(&nudge.lock);
	/* In this order: who comes after we have counted sees that we sleep. */
	atomic_store(&nudge.asleep, true);
	while (!is_crowd())
		pthread_cond_wait(&nudge.crowd, &nudge.lock);
	atomic_store(&nudge.asleep, false);
	pthread_mutex_unlock(&nudge.lock);
}

static void *run(void *arg)
{
	int patience = NUDGE_EVERY_MS;
	struct err e;

	(void)arg;
	for (;;) {
		await_crowd();
		monotonic_sleep_ms(NUDGE_EVERY_MS);
		err_clear(&e);
		if (!is_crowd())
			continue;
		/*
		 * Not waited for longer at first: the next one goes to another thread.  But
		 * where no thread can be had any more, libmilter never closes a call.
		 */
		if (selfcall_ask(&nudge.self, patience, &e) == 0)
			patience = NUDGE_EVERY_MS;
		else if (patience < NUDGE_PATIENCE_MS)
			patience *= 2;
	}
	return NULL;
}

int nudge_start(const char *spec, struct err *e)
{
	pthread_t thread;
	int rc;

	if (selfcall_aim(&nudge.self, spec, e))
		return -1;
	rc = pthread_create(&thread, NULL, run, NULL);
	if (!rc)
		rc = pthread_detach(thread);
	return rc ? err_set(e, ERR_OS, "can't start a thread: %s", strerror(rc)) : 0;
}

void nudge_wake(void)
{
	if (!atomic_load(&nudge.asleep) || !is_crowd())
		return;
	pthread_mutex_lock(&nudge.lock);
	pthread_cond_signal(&nudge.crowd);
	pthread_mutex_unlock(&nudge.lock);
}
