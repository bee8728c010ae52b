/*
 * From x5u to a chain that validated.
 *
 * What is kept of a chain is a record of some 300 octets (core/certrecord.h), opened
 * again for who asks; the LIMIT_CERTCACHE_LIVE chains used last stay open.
 *
 * Kept for as long as HTTP says (within bounds), bounded, least recently used
 * out first; renewed ahead of its end while it is in use; optionally kept in a
 * store, so that a restart needs no network.  Nothing enters, in memory or in the
 * store, that did not pass cert_chain_parse(), trustset_check() and
 * trust_scope(); a bad signature of some message evicts nothing.
 *
 * One fetch per URL, however many wait for it.  It goes on when they have given
 * up, so that the next message finds the chain.  A negative answer is kept for
 * negative_s (not when the fetch is at hand: asking again costs nothing then).
 *
 * How long a chain is used: as HTTP says, within CERTCACHE_MIN_LIFETIME_S and
 * CERTCACHE_MAX_LIFETIME_S; the default when it says nothing; never beyond the end
 * of the path, because then the signer must have another one.  A path that has
 * ended still serves messages from before, so it is kept all the same, and asked
 * for again after negative_s.
 *
 * After that time it is asked for again.  As long as the server can not be had, is
 * in trouble or too slow for who waits, the old copy stands in, for at most
 * CERTCACHE_STALE_S and while its path is valid (stale_used).  Not when there is
 * an answer: the address is gone, leads elsewhere, or has what does not validate.
 */
#ifndef STIR_CORE_CERTCACHE_H
#define STIR_CORE_CERTCACHE_H

#include "core/fetch.h"
#include "core/pool.h"
#include "core/spctable.h"
#include "core/store.h"
#include "core/trustset.h"

struct certcache; /* opaque, counted. Any thread. */

enum {
	/* Without a directive of HTTP (ATIS-1000074). */
	CERTCACHE_DEFAULT_LIFETIME_S = 86400,
	/* Whatever HTTP says: a server can not make us ask at each message, nor use
	 * a chain for ever. */
	CERTCACHE_MIN_LIFETIME_S = 60,
	CERTCACHE_MAX_LIFETIME_S = 7 * 86400,
	/* A server that is down for a day is one whose operator knows it. */
	CERTCACHE_STALE_S = 86400,
	/* How long a look into keep may take: the timeout that its maker gives it. */
	CERTCACHE_LOOK_MS = 200,
	/* A message that has waited less than that may look, whatever its time is. */
	CERTCACHE_LOOK_FREE_MS = 10
};

struct certcache_params {
	struct fetch *fetch;        /* borrowed: outlives the cache, its fetches under way included (released()) */
	struct trustset *trust;     /* a reference is taken */
	struct spctable *spcs;      /* or NULL; a reference is taken */
	struct pool *pool;          /* where fetches run; NULL when fetch is at_hand */
	struct store *keep;         /* or NULL; borrowed like fetch */
	size_t max_entries;         /* at most LIMIT_CERTCACHE_ENTRIES */
	size_t max_live;            /* of them, ready to use; at most LIMIT_CERTCACHE_LIVE. The others are opened for who asks. */
	bool keep_pem;              /* chains have their octets as served (cert_chain_pem()) */
	unsigned default_lifetime_s; /* 0: CERTCACHE_DEFAULT_LIFETIME_S; CertificateTTL for a folder */
	unsigned negative_s;
	unsigned max_waiters;       /* messages that may wait at one time; more do not wait */
	unsigned fetch_timeout_ms;  /* of one fetch, all in all */
	/* Called for each chain that validated, before anybody gets it: have what
	 * else there is to know of it (its revocation lists); or NULL.  deadline_ms 0:
	 * a kept chain, in a message's own thread; nothing is to be had from the
	 * network then.  False: something was not to be had in that time; a fetching
	 * thread then tries longer.  Who can't wait for that gets the chain as it is. */
	bool (*validated)(void *arg, const struct cert_chain *c, int64_t now, unsigned deadline_ms);
	void *validated_arg;
	/* Called with validated_arg when the cache is gone, in the thread that gave
	 * back the last reference, perhaps one of the pool: from then on nothing that
	 * was borrowed is used. NULL is allowed. */
	void (*released)(void *arg);
	/* How long a message waited for a flight, in microseconds of clock_us, in its own
	 * thread; NULL is allowed. waited_arg outlives those who wait. */
	void (*waited)(void *arg, int64_t us);
	void *waited_arg;
	int64_t (*clock_us)(void);  /* monotonic; with waited */
	int64_t (*clock)(void);     /* seconds since 1970, for what is done in the background; NULL: the time of who asked first */
};

struct certcache_stats {
	/* of certcache_get(): was in memory, was not, gave no chain */
	unsigned long hits, misses, failures, evictions;
	unsigned long fetches, renewals, negative_hits, kept_hits, joined, gave_up, no_waiter;
	unsigned long stale_used;   /* an old copy stood in */
	unsigned long kept_refused; /* what was kept could not be used: damaged, or not trusted (any more) */
	unsigned long keep_failures; /* the store could not be read or written */
	unsigned long cause[FETCH_CAUSE_COUNT]; /* how fetches ended; those refused for want of threads too */
	size_t entries, negatives, waiting, flights;
	size_t octets; /* of memory, about, that the entries take */
};

/* Copies params. Gives *out (certcache_unref()), or NULL. */
struct certcache *certcache_new(const struct certcache_params *params) MUST_USE;
struct certcache *certcache_ref(struct certcache *c);
void certcache_unref(struct certcache *c); /* NULL is allowed; fetches under way keep their own reference */

/*
 * now in seconds since 1970; ms of CLOCK_MONOTONIC, when "now" was.  Waiting ends
 * at ms + wait_ms on that clock: who passes the same t and wait_ms for several
 * URLs waits no longer in all.
 */
struct certcache_time {
	int64_t now;
	int64_t ms;
};

/*
 * The chain at url, which x5u_check() has accepted; waits at most wait_ms (also
 * when the fetch is at hand: then it does not wait).
 * STIR_OK and *out (cert_chain_unref()), or STIR_CERT_UNREACHABLE,
 * STIR_X5U_FORBIDDEN (fetch_may() said no), STIR_CERT_INVALID,
 * STIR_CERT_UNTRUSTED, STIR_NO_RESOURCE and *why.
 */
enum stir_reason certcache_get(struct certcache *c, struct span url, struct certcache_time t, unsigned wait_ms, struct cert_chain **out, struct err *why) MUST_USE;

/*
 * Begin, without waiting, what certcache_get() will ask for.  Only for tokens
 * that passed every check that is free of cost.
 */
void certcache_start(struct certcache *c, struct span url, struct certcache_time t);

/*
 * The chain in hand does not fit a token (another key signed, or its dates do not
 * cover iat): perhaps the signer has renewed it.  Fetches again and waits, but
 * only if the copy is older than CERTCACHE_MIN_LIFETIME_S, and what is cached
 * stays until the new one has validated.  STIR_OK and *out when there is another
 * chain now; STIR_CERT_UNREACHABLE when there is none (no new fetch, the same
 * octets, a failure).  At most one fetch per URL in CERTCACHE_MIN_LIFETIME_S.
 */
enum stir_reason certcache_newer(struct certcache *c, struct span url, const struct cert_chain *than, struct certcache_time t, unsigned wait_ms, struct cert_chain **out) MUST_USE;

/* Now and then, from a background thread: renews what is in use and ends soon. */
void certcache_tick(struct certcache *c, struct certcache_time t);

void certcache_stats(struct certcache *c, struct certcache_stats *out);

#endif
