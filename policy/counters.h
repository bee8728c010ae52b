/*
 * What is remembered between messages: token buckets of rates, first-seen times
 * and decaying good/bad counts of numbers, signers and peers.
 *
 * Bounded: a fixed number of entries, the least recently used goes first.  Keys
 * are 128-bit keyed hashes, never plain numbers; the key is random and travels
 * with the snapshot.  Survives a reload (the caller hands the same object to the
 * next engine) and a restart (counters_save() / counters_load()).
 *
 * Time is a parameter (seconds since 1970, milliseconds for buckets), may stand
 * still and may step back: then nothing is refilled and nothing decays.
 * Any thread: shards with a lock each, held for a look-up only.
 */
#ifndef STIR_POLICY_COUNTERS_H
#define STIR_POLICY_COUNTERS_H

#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum {
	COUNTERS_DEFAULT = 1000000, /* entries, of at most 64 octets */
	COUNTERS_HALF_LIFE_S = 7 * 86400,
	COUNTERS_SNAPSHOT_MAX = 512 * 1024 * 1024
};

struct counters; /* opaque */

/* NULL without memory or randomness. max: entries of all kinds together. Memory grows with use. */
struct counters *counters_new(size_t max) MUST_USE;
void counters_free(struct counters *c); /* NULL is allowed */

/* --- token buckets */

struct counters_rate {
	struct span name;     /* identity of the bucket across reloads */
	int64_t limit_milli;  /* tokens in thousandths ... */
	int64_t per_ms;       /* ... refilled evenly over this time */
	int64_t burst_milli;  /* size of the bucket, full at first */
};

/*
 * Is the bucket of that key empty for one more message?  take: if not, this
 * message's token is taken out.  A changed limit or burst takes effect at once,
 * what is left in the bucket is cut to the new size.  A full table never says over.
 */
bool counters_over(struct counters *c, const struct counters_rate *r, struct span key, int64_t now_ms, bool take);

/* --- history */

enum counters_kind { COUNTERS_NUMBER, COUNTERS_SIGNER, COUNTERS_PEER };

struct counters_seen {
	bool known;
	int64_t first_seen; /* seconds since 1970 */
	int reputation;     /* 0..100: (good + 1) / (good + bad + 2), 50 when unknown */
};

/* Look only. */
struct counters_seen counters_look(struct counters *c, enum counters_kind k, struct span key, int64_t now);
/* One more message of that key; stopped: the policy would have done worse than tag. */
void counters_note(struct counters *c, enum counters_kind k, struct span key, bool stopped, int64_t now);

/* --- snapshots */

/* Everything in a binary form with version and checksum. 0 / -1 without memory. Doesn't stop others for more than a shard's copy. */
int counters_save(struct counters *c, struct buf *out) MUST_USE;
/* Into a new, empty object. Hostile input is refused whole. 0, or -1 and *e. */
int counters_load(struct counters *c, struct span in, struct err *e) MUST_USE;

struct counters_stat {
	size_t entries, max;
	uint64_t evicted;
};
struct counters_stat counters_stat(struct counters *c);

#endif
