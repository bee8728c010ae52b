/*
 * What the files of store_mem share: a part of the store, its cells, the hash.
 *
 * All memory of a part is three arrays of fixed size: cells, buckets (heads of
 * chains) and a heap by end of life.  An entry is a chain of cells, mostly one.
 */
#ifndef STIR_CORE_STORE_STORE_MEM_INTERNAL_H
#define STIR_CORE_STORE_STORE_MEM_INTERNAL_H

#include <pthread.h>
#include <stdint.h>

#include "core/store.h"

enum {
	STORE_MEM_SEED_BYTES = 16,
	STORE_MEM_HEAD_BYTES = 36,        /* key and value in an entry's first cell */
	STORE_MEM_MORE_BYTES = 52,        /* in each further one */
	STORE_MEM_ENTRY_BYTES = 64        /* a cell, a bucket and a place in the heap */
};

struct store_mem_cell {
	uint32_t link; /* the next cell of the entry, or of the free ones */
	union {
		struct {
			uint32_t next;  /* entry in the same bucket */
			uint32_t pos;   /* in the heap */
			uint32_t until; /* seconds since 1970; to 2106, later ends are cut to that */
			uint32_t sizes; /* key << 24 | value */
			char head[STORE_MEM_HEAD_BYTES];
		};
		char more[STORE_MEM_MORE_BYTES];
	};
};
_Static_assert(sizeof(struct store_mem_cell) + 2 * sizeof(uint32_t) == STORE_MEM_ENTRY_BYTES, "store_mem.h promises 64 octets");
_Static_assert(STORE_VALUE_MAX < 1 << 24 && STORE_KEY_MAX < 1 << 8, "sizes fit");

struct store_mem_part {
	pthread_mutex_t lock; /* holds all below; taken by store_mem.c */
	const unsigned char *seed;
	struct store_mem_cell *cell;
	uint32_t *bucket, *heap;
	uint32_t cap;              /* cells, buckets and places in the heap */
	uint32_t used;             /* cells from the front that were ever in use */
	uint32_t free, nfree;      /* those given back */
	uint32_t n;                /* entries: the length of the heap */
	unsigned long evicted;
} __attribute__((aligned(64)));

/* SipHash-2-4 (Aumasson, Bernstein): which keys share a chain must not be for others to choose. */
uint64_t store_mem_hash(const unsigned char seed[STORE_MEM_SEED_BYTES], struct span key);

/* 0 / -1 without memory. */
int store_mem_part_init(struct store_mem_part *p, const unsigned char *seed, uint32_t cap) MUST_USE;
void store_mem_part_free(struct store_mem_part *p);

/* The entry, or UINT32_MAX; one that ended before now is removed and not found. */
uint32_t store_mem_part_find(struct store_mem_part *p, struct span key, uint64_t hash, int64_t now);
/* Appends the value; 0 / -1 when it does not fit. */
int store_mem_part_value(const struct store_mem_part *p, uint32_t at, struct buf *out) MUST_USE;
/* In place of what is there; those that end first give way. 0 / -1: does not fit even alone. */
int store_mem_part_put(struct store_mem_part *p, struct span key, uint64_t hash, struct span value, uint32_t until, int64_t now) MUST_USE;
/* Removes at most max that ended; how many. */
unsigned store_mem_part_expire(struct store_mem_part *p, int64_t now, unsigned max);

#endif
