/*
 * What the files of core/certcache*.c share: tables, entries, negative answers,
 * flights; nobody else includes this.
 *
 * One mutex, held for pointer work only: never while hashing, fetching, validating,
 * in the store, opening a record, or freeing one.
 */
#ifndef STIR_CORE_CERTCACHE_INTERNAL_H
#define STIR_CORE_CERTCACHE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/certcache.h"
#include "core/certrecord.h"
#include "core/siphash.h"

enum {
	/* So much may a clock be set back without everything being fetched again. */
	CERTCACHE_CLOCK_SLACK_S = 3600
};

/* --- tables (certcache_table.c) ---------------------------------------------------- */

/*
 * First member of what stands in a table.  The key is the keyed sum of the URL and
 * stands for it: 128 bits nobody can steer.
 */
struct certcache_item {
	struct certcache_item *next;          /* in the same bucket */
	struct certcache_item *newer, *older; /* in order of use, or of coming */
	struct siphash_sum key;
};

struct certcache_table {
	struct certcache_item **bucket;
	size_t nbucket, n; /* a power of two */
	struct certcache_item *newest, *oldest;
	/* The next item of a walk from the newest to the oldest, during which the lock
	 * is given back now and then: one that leaves its place is passed over. */
	struct certcache_item *walk;
};

/* For about most items; 0 / -1 without memory. */
int certcache_table_init(struct certcache_table *t, size_t most) MUST_USE;
/* The buckets; what stands in them is the caller's. */
void certcache_table_free(struct certcache_table *t);
struct certcache_item *certcache_table_find(const struct certcache_table *t, const struct siphash_sum *key);
/* As the newest; its key is set, and not in the table yet. */
void certcache_table_add(struct certcache_table *t, struct certcache_item *i);
void certcache_table_remove(struct certcache_table *t, struct certcache_item *i);
/* Makes it the newest. */
void certcache_table_touch(struct certcache_table *t, struct certcache_item *i);
/* Out of the table, in front of others that are linked by older. */
void certcache_table_move(struct certcache_table *t, struct certcache_item *i, struct certcache_item **to);

/* --- what stands in them --------------------------------------------------------------- */

/* There may be a million: each octet counts. */
struct certcache_entry {
	struct certcache_item item;
	struct certrecord *record;
	int64_t fetched, until; /* fresh from the first up to the second, that not included */
	int64_t asked;          /* when it was last asked for before its end */
	uint16_t url_n;
	bool used;  /* since it was fetched */
	char url[]; /* at most LIMIT_X5U_BYTES */
};

/* Of an entry: its record, opened. */
struct certcache_live {
	struct certcache_item item;
	struct cert_chain *chain;
};

struct certcache_negative {
	struct certcache_item item;
	int64_t since, until;
	enum stir_reason reason;
	bool stale_will_do; /* as in certcache_answer */
	char text[]; /* of the err */
};

/* How asking for a URL ended. */
struct certcache_answer {
	enum stir_reason reason;
	enum fetch_cause cause;
	struct cert_chain *chain; /* STIR_OK: a reference */
	int64_t fetched, until;   /* STIR_OK */
	bool known;         /* STIR_OK: it is the one that was there before */
	bool kept;          /* STIR_OK: it comes from memory or the store, not from the network */
	bool remembered;    /* otherwise: it would end so again */
	bool stale_will_do; /* otherwise: an old copy may stand in */
	struct err why;
};

/* One fetch; lives as long as somebody looks at it. */
struct certcache_flight {
	struct certcache_item item;
	struct certcache *cache; /* a reference of the thread that fetches */
	unsigned refs;           /* of it and of those who wait; the lock is held */
	pthread_cond_t landed;
	bool forced;  /* whatever is in memory or in the store */
	bool looked;  /* the store was looked into */
	bool done;    /* and answer is there */
	struct certcache_answer answer;
	/* The chain has validated, but not all is known of it yet: for those who can't
	 * wait for that. */
	struct cert_chain *early;
	int64_t begun;
	size_t url_n;
	char url[];
};

struct certcache {
	atomic_uint refs;
	struct certcache_params p; /* immutable; without a pool what is asked for is had at once */
	unsigned char seed[SIPHASH_KEY_BYTES];
	struct certshare *share; /* what records have in common */
	EVP_PKEY *like;          /* for certrecord_open() */
	size_t max_octets;

	pthread_mutex_t lock; /* holds all below */
	struct certcache_table entries, lives, negatives, flights;
	size_t octets;  /* of the entries, their records and what those share */
	size_t running; /* flights that have not ended; some may have landed */
	struct certcache_stats stats;
};

/* --- times (certcache_time.c) ------------------------------------------------------------- */

/* Seconds since 1970 for what happens in the background; then is when it began. */
int64_t certcache_now(const struct certcache *c, int64_t then);
/* Until when a chain fetched then may be used; lifetime as in fetch_answer. */
int64_t certcache_until(const struct certcache *c, const struct cert_chain *chain, int64_t fetched, int64_t lifetime_s);
bool certcache_is_fresh(int64_t fetched, int64_t until, int64_t now);
/* Not fresh any more, but it may stand in. */
bool certcache_is_stale(const struct certcache_entry *e, int64_t now);
/* When it was last asked for before its end; 0: never, or by a clock that was ahead. */
int64_t certcache_asked(const struct certcache_entry *e, int64_t now);
/* Is it time to renew it? */
bool certcache_is_due(const struct certcache_entry *e, int64_t now);

/* --- memory (certcache_memory.c); all but the two that make and free need the lock --------- */

struct certcache_entry *certcache_entry_of(const struct certcache *c, const struct siphash_sum *key);
/* The negative answer in force, or NULL. */
struct certcache_negative *certcache_negative_of(const struct certcache *c, const struct siphash_sum *key, int64_t now);

/*
 * What is put into memory is made before the lock is taken, and what leaves it is
 * freed after that.
 */
struct certcache_change {
	struct certcache_entry *entry;
	struct certcache_negative *negative;
	struct certcache_live *live; /* of the entry */
	bool kept; /* as in certcache_answer */
	struct certcache_item *old_entries, *old_lives, *old_negatives; /* linked by older */
};
void certcache_change_make(const struct certcache *c, struct certcache_change *g, const struct siphash_sum *key, struct span url,
			   const struct certcache_answer *a, int64_t now);
void certcache_change_put(struct certcache *c, struct certcache_change *g);
/* Takes out what nobody will use any more, at most so many. False: there is nothing more. */
bool certcache_change_purge(struct certcache *c, struct certcache_change *g, int64_t now, size_t most);
void certcache_change_free(struct certcache_change *g);

/* --- what is ready to use (certcache_live.c) --------------------------------------------------- */

/* With the lock: a reference to the chain of e; or NULL, and one to its record for certcache_live_open(). */
struct cert_chain *certcache_live_take(struct certcache *c, const struct certcache_entry *e, struct certrecord **record);
/* Without the lock: takes over the record, and makes it ready for others too. NULL without memory. */
struct cert_chain *certcache_live_open(struct certcache *c, const struct siphash_sum *key, struct certrecord *record);
/* Without the lock. NULL without memory; takes a reference. */
struct certcache_live *certcache_live_new(const struct siphash_sum *key, struct cert_chain *chain) MUST_USE;
/* With the lock: takes over l, whose key is not there; who leaves goes to old. */
void certcache_live_put(struct certcache *c, struct certcache_live *l, struct certcache_item **old);
void certcache_live_drop(struct certcache *c, const struct siphash_sum *key, struct certcache_item **old);
/* Without the lock: all that are linked by older. */
void certcache_live_free(struct certcache_item *all);

/* --- asking (certcache_ask.c) ---------------------------------------------------------------- */

/* Fills *a with a failure; fmt NULL: the sentence of the cause. */
void certcache_fail(struct certcache_answer *a, enum stir_reason r, enum fetch_cause cause);
/*
 * From the network or whatever fetch is, and judged.  known: what was there before,
 * or NULL.  The octets go into pem (LIMIT_CHAIN_BYTES).
 */
void certcache_ask(struct certcache *c, struct span url, int64_t begun, struct cert_chain *known, struct buf *pem, struct certcache_answer *a);
/* validated() of the parameters. */
bool certcache_complete(struct certcache *c, const struct cert_chain *chain, int64_t now, unsigned deadline_ms);
/* parse, trust, number lists, scope; lists are fetched if lifetime_s isn't NULL. */
enum stir_reason certcache_judge(struct certcache *c, struct span pem, int64_t *lifetime_s, enum fetch_cause *cause,
				 struct cert_chain **out, struct err *why) MUST_USE;

/* --- the store (certcache_kept.c) ----------------------------------------------------------------- */

/* True and *a (STIR_OK) when a chain is kept that validates now; it need not be fresh. */
bool certcache_kept_look(struct certcache *c, struct span url, int64_t now, struct certcache_answer *a);
void certcache_kept_put(struct certcache *c, struct span url, struct span pem, const struct certcache_answer *a, int64_t now);

struct certcache_kept {
	int64_t fetched, until;
	struct span url, pem; /* borrowed */
};
/* 0 / -1: not such a value. */
int certcache_kept_read(struct span value, struct certcache_kept *out) MUST_USE;
int certcache_kept_write(struct buf *out, const struct certcache_kept *k) MUST_USE;

/* --- flights (certcache_flight.c) ------------------------------------------------------------------ */

/* Not in the table yet, counted for the caller; NULL without memory. */
struct certcache_flight *certcache_flight_new(struct certcache *c, const struct siphash_sum *key, struct span url, int64_t now) MUST_USE;
/* With the lock: the one under way, counted for the caller, or NULL. */
struct certcache_flight *certcache_flight_join(struct certcache *c, const struct siphash_sum *key);
/* With the lock: into the table. certcache_flight_start() must follow. */
void certcache_flight_add(struct certcache *c, struct certcache_flight *f);
/* Hands it to the pool; it lands at once, in vain, when that is full. */
void certcache_flight_start(struct certcache *c, struct certcache_flight *f);
/* Until it has landed, or the end of the caller's time. */
void certcache_flight_wait(struct certcache *c, struct certcache_flight *f, struct certcache_time t, unsigned wait_ms, struct certcache_answer *a);
/* Gives back the caller's count. NULL is allowed. */
void certcache_flight_drop(struct certcache *c, struct certcache_flight *f);
/*
 * Counts how asking ended, puts into memory what is to be remembered, and tells
 * those who wait for f, which may be NULL.  a keeps its chain.
 */
void certcache_flight_settle(struct certcache *c, const struct siphash_sum *key, struct span url, const struct certcache_answer *a, int64_t now,
			     struct certcache_flight *f);

#endif
