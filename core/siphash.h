/*
 * SipHash-2-4 with a result of 128 bits (Aumasson, Bernstein): the hash of tables
 * whose keys others choose.  Who does not know the key of the hash can neither
 * find two texts of one sum nor fill one chain.  One call, no memory, no provider
 * to ask.
 */
#ifndef STIR_CORE_SIPHASH_H
#define STIR_CORE_SIPHASH_H

#include <stdint.h>

#include "core/span.h"

enum { SIPHASH_KEY_BYTES = 16 };

struct siphash_sum {
	uint64_t half[2];
};

/* Of one text. */
struct siphash_sum siphash_of(const unsigned char key[SIPHASH_KEY_BYTES], struct span text);

/* Of several pieces, one after the other. */
struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t word; /* octets that don't make eight yet, the first lowest */
	uint64_t n;    /* octets so far */
};
void siphash_begin(struct siphash *s, const unsigned char key[SIPHASH_KEY_BYTES]);
void siphash_put(struct siphash *s, struct span piece);
struct siphash_sum siphash_end(struct siphash *s);

static inline bool siphash_same(const struct siphash_sum *a, const struct siphash_sum *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

#endif
