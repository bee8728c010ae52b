/*
 * A thread with a nice value of its own.
 *
 * Not the caller's: who has lowered it may not raise it again, and threads that
 * are made later would have it too.
 */
#include "config.h"

#include "engine/background.h"

#include <pthread.h>
#include <sys/resource.h>

/*
 * A tenth of what a thread of mail gets.  Not as little as there is: who hardly
 * gets a turn holds a lock of the kernel (that of our memory) for long when it
 * is his turn no more.
 */
enum { BACKGROUND_NICER = 10, NICEST = 19 };

struct job {
	int (*work)(void *arg);
	void *arg;
	int result;
};

static void *run(void *arg)
{
	int nice = getpriority(PRIO_PROCESS, 0) + BACKGROUND_NICER;
	struct job *j = arg;

	/* Of this thread only (Linux).  Where it is not allowed, mail waits a little. */
	(void)setpriority(PRIO_PROCESS, 0, nice < NICEST ? nice : NICEST);
	j->result = j->work(j->arg);
	return NULL;
}

int background_run(bool aside, int (*work)(void *arg), void *arg)
{
	struct job j = {work, arg, 0};
	pthread_t thread;

	if (!aside || pthread_create(&thread, NULL, run, &j))
		return work(arg);
	(void)pthread_join(thread, NULL);
	return j.result;
}
