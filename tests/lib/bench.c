/* Processor time, time that goes by, and medians. */
#include "config.h"

#include "tests/lib/bench.h"

#include <stdlib.h>
#include <time.h>

static double clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

double bench_cpu_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_wall_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *value, size_t n)
{
	qsort(value, n, sizeof *value, by_value);
	return value[n / 2];
}
