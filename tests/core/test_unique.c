/* Octets that are made once, whoever asks. */
#include "config.h"

#include "core/unique.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/tap.h"

enum { THREADS = 4, TIMES = 20000, OCTETS = 12 };

static unsigned char all[THREADS * TIMES][OCTETS];

static void *make(void *arg)
{
	unsigned char (*own)[OCTETS] = arg;

	for (int i = 0; i < TIMES; i++)
		if (unique_octets(own[i], OCTETS))
			tap_bail("no randomness");
	return NULL;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, OCTETS);
}

int main(void)
{
	unsigned char more[UNIQUE_MAX + 1];
	pthread_t t[THREADS];
	int twice = 0, zeros = 0;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, make, all + (size_t)i * TIMES))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (size_t i = 0; i < THREADS * TIMES; i++)
		zeros += all[i][0] == 0;
	qsort(all, THREADS * TIMES, OCTETS, order);
	for (size_t i = 1; i < THREADS * TIMES; i++)
		twice += memcmp(all[i - 1], all[i], OCTETS) == 0;
	tap_int(twice, 0, "80,000 by four threads, none twice");
	tap_ok(zeros > 150 && zeros < 500, "and nobody would tell the counter: %d begin with a zero", zeros);
	tap_int(unique_octets(more, sizeof more), -1, "no more than there are");
	return tap_done();
}
