/*
 * From x5u to a chain that validated: kept for a while, bounded, least recently
 * used out first.  Nothing enters that did not pass cert_chain_parse() and
 * trust_check(); a bad signature of some message evicts nothing.
 */
#ifndef STIR_CORE_CERTCACHE_H
#define STIR_CORE_CERTCACHE_H

#include "core/fetch.h"
#include "core/trust.h"

struct certcache; /* opaque. Any thread. */

struct certcache_stats {
	unsigned long hits, misses, failures, evictions;
	size_t entries;
};

/*
 * fetch and trust are borrowed and must outlive the cache.
 * ttl_s: how long a chain is used before it is fetched again (the same octets
 * then keep their verdict).  Gives *out (certcache_free()), or NULL.
 */
struct certcache *certcache_new(struct fetch *fetch, const struct trust *trust, size_t max_entries, unsigned ttl_s) MUST_USE;
void certcache_free(struct certcache *c); /* NULL is allowed */

/*
 * The chain at url, which x5u_check() has accepted.  now_ms is a monotonic
 * clock.  No lock is held while fetching or validating.
 * STIR_OK and *out (cert_chain_unref()), or STIR_CERT_UNREACHABLE,
 * STIR_CERT_INVALID, STIR_CERT_UNTRUSTED, STIR_NO_RESOURCE and *why.
 */
enum stir_reason certcache_get(struct certcache *c, struct span url, int64_t now_ms, unsigned deadline_ms, struct cert_chain **out, struct err *why) MUST_USE;

void certcache_stats(struct certcache *c, struct certcache_stats *out);

#endif
