/*
 * The key of a counter: a sum over what is counted, its name and its key.
 */
#include "config.h"

#include "policy/counters_internal.h"

/* The length of the name stands in front of it, so that no two pairs look alike. */
struct siphash_sum counters_hash(const unsigned char seed[COUNTERS_SEED_BYTES], enum counters_what what, struct span name, struct span key)
{
	uint32_t n = (uint32_t)name.n;
	unsigned char head[5] = {(unsigned char)what, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
	struct siphash s;

	siphash_begin(&s, seed);
	siphash_put(&s, span_make(head, sizeof head));
	siphash_put(&s, name);
	siphash_put(&s, key);
	return siphash_end(&s);
}
