/*
 * What the files of policy/counters*.c share: the table, its entries, the hash.
 */
#ifndef STIR_POLICY_COUNTERS_INTERNAL_H
#define STIR_POLICY_COUNTERS_INTERNAL_H

#include <pthread.h>
#include <stdint.h>

#include "core/siphash.h"
#include "policy/counters.h"

enum {
	COUNTERS_SHARDS = 64,         /* a power of two */
	COUNTERS_SMALL = 64 * 1024,   /* up to so many entries one shard does, so that the order of all is exact */
	COUNTERS_HASH_BYTES = 16,     /* of a key */
	COUNTERS_SEED_BYTES = SIPHASH_KEY_BYTES, /* the key of the hash */
	COUNTERS_TICK_S = 60,         /* history decays in steps of this */
	COUNTERS_NONE = UINT32_MAX    /* no entry: end of a chain */
};

/* What is counted; part of the key. Values are those of the snapshot. */
enum counters_what { COUNTERS_OF_RATE, COUNTERS_OF_NUMBER, COUNTERS_OF_SIGNER, COUNTERS_OF_PEER, COUNTERS_WHATS };

/* The end of year 9999; times are kept within 0 and this. */
#define COUNTERS_TIME_MAX INT64_C(253402300799)

struct counters_entry {
	struct siphash_sum key;
	uint32_t next;         /* in its chain */
	uint32_t newer, older; /* by use */
	uint32_t what;         /* enum counters_what */
	int64_t at;            /* RATE: ms when level was worked out; else seconds when good and bad were */
	int64_t level;         /* RATE: tokens in thousandths; else seconds when first seen */
	union {
		uint64_t rest; /* RATE: and this part of a thousandth, times per_ms */
		struct {
			float good, bad;
		};
	};
};
_Static_assert(sizeof(struct counters_entry) <= 64, "counters.h promises at most 64 octets");

/* Entries are used from the front; the pages behind are not touched before. */
struct counters_shard {
	pthread_mutex_t lock; /* holds all below */
	struct counters_entry *entry;
	uint32_t *bucket;
	uint32_t n, newest, oldest;
	uint64_t evicted;
} __attribute__((aligned(64)));

struct counters {
	unsigned char seed[COUNTERS_SEED_BYTES]; /* set once, before anybody else knows the object */
	size_t max;
	size_t nshard, nbucket; /* powers of two; buckets of each shard */
	uint32_t cap;           /* entries of each shard */
	struct counters_shard *shard;
	struct counters_entry *entry; /* all of them, shard after shard */
	uint32_t *bucket;
};

/* SipHash-2-4 with 128 bits of what, name and key. */
struct siphash_sum counters_hash(const unsigned char seed[COUNTERS_SEED_BYTES], enum counters_what what, struct span name, struct span key);

struct counters_shard *counters_shard_of(struct counters *c, const struct siphash_sum *key);
/* With the shard locked: the entry, or NULL. */
struct counters_entry *counters_find(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key);
/* With the shard locked: a zeroed entry of that key, the newest; there must be none yet. Takes the oldest one's place when all are in use. */
struct counters_entry *counters_add(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key);

#endif
