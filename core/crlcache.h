/*
 * Revocation lists had from the network: those that validated chains point to,
 * and those a trust domain names.  Fetched off the mail path, renewed before
 * their nextUpdate, kept in a store over a restart; a list that does not verify is
 * never used and never replaces one that did, and neither does an older one.
 *
 * A list enters when its signature is that of a certificate known here: a signer
 * that a domain names, an anchor, or an issuer on a path that was validated.  The
 * next one at its address must be signed by a key of which the one before was, as
 * long as that is current.  Whether its signer may speak for a certificate is asked
 * again, by core/trust.h, of each domain; the signature is then only remembered.
 *
 * Renewed after four fifths of the time to its nextUpdate, at the latest after
 * CRLCACHE_REFRESH_S, for a stolen key is listed when it was stolen; give or take a
 * tenth.  After a failure: CRLCACHE_RETRY_S, twice that, and so on up to
 * CRLCACHE_REFRESH_S.  Lists nobody has asked for in CRLCACHE_IDLE_S are let go.
 *
 * What is larger than a store takes (512 KiB) is not kept, and had anew after a
 * restart (stats: unkept).
 */
#ifndef STIR_CORE_CRLCACHE_H
#define STIR_CORE_CRLCACHE_H

#include "core/cert.h"
#include "core/crl.h"
#include "core/fetch.h"
#include "core/pool.h"
#include "core/store.h"

struct crlcache; /* opaque, counted. Any thread. */

enum {
	CRLCACHE_REFRESH_S = 3600,
	CRLCACHE_RETRY_S = 60,
	CRLCACHE_IDLE_S = 7 * 86400,
	/* What a list revokes stays revoked when it is old; kept for so long after its nextUpdate. */
	CRLCACHE_KEEP_S = 30 * 86400
};

struct crlcache_params {
	struct fetch *fetch;   /* borrowed, like pool and keep: outlives the cache */
	struct pool *pool;     /* NULL: crlcache_tick() fetches in its own thread */
	struct store *keep;    /* or NULL */
	size_t max_lists;
	unsigned fetch_timeout_ms;
	int64_t (*clock)(void); /* seconds since 1970 */
};

struct crlcache_stats {
	/* refused: had, but not a list that verifies; unkept: too large for the store */
	unsigned long fetches, failures, refused, kept_hits, unkept, keep_failures;
	size_t lists, current, memory; /* memory: octets, about */
	int64_t oldest_next_update; /* seconds since 1970; 0 when there is no list */
	unsigned long cause[FETCH_CAUSE_COUNT];
};

/* Copies params. NULL without memory. */
struct crlcache *crlcache_new(const struct crlcache_params *params) MUST_USE;
struct crlcache *crlcache_ref(struct crlcache *c);
void crlcache_unref(struct crlcache *c); /* NULL is allowed; fetches under way keep their own reference */

/*
 * In a fetching thread: have the lists that the certificates of a validated path
 * point to, as far as deadline_ms goes.  deadline_ms 0: only those that are kept.
 * False: some list was not looked for to the end; it is had at the next tick.
 */
bool crlcache_chain(struct crlcache *c, const struct cert_chain *chain, int64_t now, unsigned deadline_ms);
/* Now and then, from a background thread: renews what is due. */
void crlcache_tick(struct crlcache *c, int64_t now);
void crlcache_stats(struct crlcache *c, struct crlcache_stats *out);

/* --- for core/trust.h ---------------------------------------------------------------- */

/* A certificate whose lists may enter, and stays known. 0, or -1 (no memory, LIMIT_CRL_SIGNERS of them). */
int crlcache_add_signer(struct crlcache *c, X509 *signer) MUST_USE;
/* An address whose list is always had. x5u_check() must have accepted it. 0, or -1 (no memory, max_lists). */
int crlcache_want(struct crlcache *c, struct span url) MUST_USE;
/*
 * The list at an address, if there is one (crl_unref()); otherwise NULL, and it is
 * had at the next tick.  Never waits for the network or the store.
 */
struct crl *crlcache_get(struct crlcache *c, struct span url, int64_t now) MUST_USE;

#endif
