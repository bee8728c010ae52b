/*
 * What an engine does besides mail: renewals, housekeeping, and what its parts
 * have counted.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include "core/crlcache.h"
#include "engine/clock.h"

void engine_tick(struct engine *g, int64_t now, struct buf *said)
{
	if (!g->trust)
		return;
	certcache_tick(g->certs, (struct certcache_time){.now = now, .ms = clock_monotonic_ms()});
	if (g->crls)
		crlcache_tick(g->crls, now);
	if (g->renewal)
		renewal_tick(g->renewal, now, said);
	remote_tick(g->remote, said);
	if (g->replay)
		replay_place_tick(g->replay);
	if (g->evidence)
		evidence_tick(g->evidence, now);
}

bool engine_wants_reopen(const struct engine *g)
{
	return g->renewal && renewal_done(g->renewal);
}

static void put_causes(struct buf *out, const unsigned long *cause)
{
	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++)
		if (cause[i])
			buf_printf(out, " %s=%lu", fetch_cause_name((enum fetch_cause)i), cause[i]);
	buf_putc(out, '\n');
}

static void put_certs(struct engine *g, struct buf *out)
{
	struct certcache_stats s;

	certcache_stats(g->certs, &s);
	buf_printf(out,
		   "certificates: entries=%zu hits=%lu misses=%lu kept-hits=%lu negative-hits=%lu evictions=%lu fetches=%lu renewals=%lu "
		   "joined=%lu gave-up=%lu no-waiter=%lu waiting=%zu flights=%zu failures=%lu stale-used=%lu kept-refused=%lu keep-failures=%lu",
		   s.entries, s.hits, s.misses, s.kept_hits, s.negative_hits, s.evictions, s.fetches, s.renewals, s.joined, s.gave_up, s.no_waiter,
		   s.waiting, s.flights, s.failures, s.stale_used, s.kept_refused, s.keep_failures);
	put_causes(out, s.cause);
}

static void put_crls(struct engine *g, struct buf *out)
{
	struct crlcache_stats s;

	crlcache_stats(g->crls, &s);
	buf_printf(out, "revocation-lists: lists=%zu current=%zu fetches=%lu failures=%lu refused=%lu kept-hits=%lu unkept=%lu keep-failures=%lu", s.lists,
		   s.current, s.fetches, s.failures, s.refused, s.kept_hits, s.unkept, s.keep_failures);
	put_causes(out, s.cause);
}

static void put_replay(struct engine *g, struct buf *out)
{
	struct replay_place_stats s;

	replay_place_stats(g->replay, &s);
	buf_printf(out, "replay: unknown=%lu forgotten-early=%lu\n", s.unknown, s.evicted);
}

static void put_evidence(struct engine *g, struct buf *out)
{
	struct evidence_stats s;

	evidence_stats(g->evidence, &s);
	buf_printf(out, "evidence: lines=%llu octets=%llu lost=%llu files-deleted=%llu\n", (unsigned long long)s.lines, (unsigned long long)s.octets,
		   (unsigned long long)s.lost, (unsigned long long)s.deleted);
}

void engine_counters_text(struct engine *g, struct buf *out)
{
	struct fetch_https_stats https;
	struct store_redis_stats redis;
	struct pool_stats pool;

	if (!g->trust)
		return;
	put_certs(g, out);
	if (g->crls)
		put_crls(g, out);
	if (remote_pool(g->remote)) {
		remote_stats(g->remote, &https);
		pool_stats(remote_pool(g->remote), &pool);
		buf_printf(out, "network: octets=%lu hosts-left-alone=%zu threads=%u busy=%u queued=%zu refused=%lu", https.octets, https.hosts_open,
			   pool.threads, pool.busy, pool.queued, pool.refused);
		put_causes(out, https.cause);
	}
	if (g->replay)
		put_replay(g, out);
	if (g->replay && replay_place_redis(g->replay, &redis))
		buf_printf(out, "redis: calls=%lu failures=%lu down=%s\n", redis.calls, redis.failures, redis.down ? "yes" : "no");
	if (g->evidence)
		put_evidence(g, out);
}
