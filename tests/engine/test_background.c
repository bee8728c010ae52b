/* Work aside: its result, and a priority that is nobody else's. */
#include "config.h"

#include "engine/background.h"

#include <pthread.h>
#include <sys/resource.h>

#include "tests/lib/tap.h"

struct seen {
	pthread_t thread;
	int nice;
};

static int look(void *arg)
{
	struct seen *s = arg;

	s->thread = pthread_self();
	s->nice = getpriority(PRIO_PROCESS, 0);
	return -7;
}

int main(void)
{
	int before = getpriority(PRIO_PROCESS, 0);
	struct seen s;

	tap_int(background_run(false, look, &s), -7, "not aside: its result");
	tap_ok(pthread_equal(s.thread, pthread_self()), "in this thread");
	tap_int(s.nice, before, "as it is");
	tap_int(background_run(true, look, &s), -7, "aside: its result");
	tap_int(s.nice, before + 10 < 19 ? before + 10 : 19, "after those of mail");
	tap_int(getpriority(PRIO_PROCESS, 0), before, "and this thread is as before");
	return tap_done();
}
