/*
 * A generator of random octets takes 5 us between other work, since each thread
 * has one of its own to get going; a hash of a counter takes none.
 */
#include "config.h"

#include "core/unique.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/siphash.h"

_Static_assert((int)UNIQUE_MAX == (int)sizeof(struct siphash_sum), "one sum is enough");

static struct {
	pthread_once_t once;
	bool ready;
	unsigned char key[SIPHASH_KEY_BYTES];
	_Atomic uint64_t counter;
} made = {.once = PTHREAD_ONCE_INIT};

static void make_key(void)
{
	made.ready = RAND_bytes(made.key, sizeof made.key) == 1;
}

int unique_octets(unsigned char *out, size_t n)
{
	struct siphash_sum sum;
	uint64_t number;

	if (n > UNIQUE_MAX || pthread_once(&made.once, make_key) || !made.ready)
		return -1;
	number = atomic_fetch_add_explicit(&made.counter, 1, memory_order_relaxed);
	sum = siphash_of(made.key, span_make(&number, sizeof number));
	memcpy(out, &sum, n);
	return 0;
}
