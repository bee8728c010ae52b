/*
 * A store in this process's memory: bounded; the entry that ends first goes
 * first when it is full (exactly so up to some megabytes; a larger store is cut
 * into up to 64 parts by key, and it is the first of its part).  For one host,
 * and nothing survives the process.
 *
 * An entry whose key and value have 36 octets or less takes 64 in all.
 */
#ifndef STIR_CORE_STORE_STORE_MEM_H
#define STIR_CORE_STORE_STORE_MEM_H

#include "core/store.h"

/*
 * max_bytes: for entries, all counted; taken from the system as it fills.  What
 * does not fit into it even alone is refused (-1).
 * Gives a store, or NULL without memory or randomness.
 */
struct store *store_mem_open(size_t max_bytes, store_clock now) MUST_USE;

struct store_mem_stats {
	size_t entries; /* those that ended and were not cleared away yet included */
	size_t bytes;   /* in use */
	unsigned long evicted; /* went before their time */
};
void store_mem_stats(struct store *s, struct store_mem_stats *out);

#endif
