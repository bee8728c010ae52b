/*
 * clock_gettime(2) and conditions that go by the same clock.
 */
#include "config.h"

#include "core/monotonic.h"

#include <errno.h>
#include <time.h>

int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int monotonic_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t a;
	int rc;

	if (pthread_condattr_init(&a))
		return -1;
	rc = pthread_condattr_setclock(&a, CLOCK_MONOTONIC) || pthread_cond_init(c, &a) ? -1 : 0;
	pthread_condattr_destroy(&a);
	return rc;
}

bool monotonic_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t deadline_ms)
{
	struct timespec ts = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};

	return pthread_cond_timedwait(c, lock, &ts) != ETIMEDOUT;
}

void monotonic_sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}
