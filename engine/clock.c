/*
 * clock_gettime(2), in the units that are used here.
 */
#include "config.h"

#include "engine/clock.h"

#include <sys/timex.h>
#include <time.h>

#include "core/monotonic.h"

int64_t clock_wall_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

int64_t clock_boot_s(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	/* As the kernel rounds it. */
	return (int64_t)(now.tv_sec - up.tv_sec) - (now.tv_nsec < up.tv_nsec);
}

int64_t clock_monotonic_ms(void)
{
	return monotonic_ms();
}

int64_t clock_monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

bool clock_is_synchronised(void)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}
