/*
 * Many 64-bit numbers in ascending order, and how many of them are not above
 * one that is asked for: two or three cache misses among a million of them, where
 * a binary search has a dozen.  8.6 octets of memory for each.
 */
#ifndef STIR_CORE_SORTEDKEYS_H
#define STIR_CORE_SORTEDKEYS_H

#include <stddef.h>
#include <stdint.h>

#include "core/span.h"

enum {
	SORTEDKEYS_BLOCK = 16, /* keys that are compared at once: two cache lines */
	SORTEDKEYS_LEVELS = 11 /* 16^11 keys */
};

/* All zero: no keys. */
struct sortedkeys {
	uint64_t *key; /* n of them, ascending, equal ones allowed, all below UINT64_MAX */
	size_t n;
	size_t levels;
	size_t at[SORTEDKEYS_LEVELS]; /* where in key[] each level begins; level 0 are the keys */
};

/* Room for n keys, which are then written to key[0..n-1]. 0, or -1 without memory. */
int sortedkeys_init(struct sortedkeys *s, size_t n) MUST_USE;
/* Memory for n elements of that size beside the keys, which begins with a cache line as theirs does. free(); NULL without memory. */
void *sortedkeys_beside(size_t n, size_t size) MUST_USE;
/* After the last one: makes the levels above them. */
void sortedkeys_seal(struct sortedkeys *s);
void sortedkeys_free(struct sortedkeys *s);

/* The number of keys that are at most this: the last of them is at the index before it. */
size_t sortedkeys_upto(const struct sortedkeys *s, uint64_t key);
/*
 * The same in two steps, for who has something beside each key: the answer will
 * be from to from + SORTEDKEYS_BLOCK, so that this can be fetched while the keys
 * themselves come.
 */
size_t sortedkeys_from(const struct sortedkeys *s, uint64_t key);
size_t sortedkeys_upto_from(const struct sortedkeys *s, uint64_t key, size_t from);
/* Asks the processor for elements from to from + SORTEDKEYS_BLOCK of an array beside the keys; their end may be less. */
static inline void sortedkeys_fetch(const void *beside, size_t from, size_t size)
{
	for (size_t i = 0; i < SORTEDKEYS_BLOCK * size; i += 64)
		__builtin_prefetch((const void *)((uintptr_t)beside + from * size + i));
}
/* Memory it takes. */
size_t sortedkeys_bytes(const struct sortedkeys *s);

#endif
