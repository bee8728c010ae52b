/*
 * What the parts of an engine have counted, put into the one registry; and the
 * same in words, for the log (USR2).
 *
 * What an engine counts itself is engine_count.c's.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <inttypes.h>

#include "core/certcache.h"
#include "core/crlcache.h"

/* --- from the parts ------------------------------------------------------------------- */

static void put_causes(struct metrics_values *v, enum metrics_fetch_of of, const unsigned long *cause)
{
	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++)
		metrics_put(v, METRICS_FETCHES, of, i, cause[i]);
}

void engine_gather_certs(void *part, struct metrics_values *v)
{
	struct certcache_stats s;

	certcache_stats(part, &s);
	const unsigned long events[METRICS_CERT_COUNT] = {
		[METRICS_CERT_HIT] = s.hits,
		[METRICS_CERT_MISS] = s.misses,
		[METRICS_CERT_FAILURE] = s.failures,
		[METRICS_CERT_EVICTION] = s.evictions,
		[METRICS_CERT_FETCH] = s.fetches,
		[METRICS_CERT_RENEWAL] = s.renewals,
		[METRICS_CERT_NEGATIVE_HIT] = s.negative_hits,
		[METRICS_CERT_KEPT_HIT] = s.kept_hits,
		[METRICS_CERT_JOINED] = s.joined,
		[METRICS_CERT_GAVE_UP] = s.gave_up,
		[METRICS_CERT_NO_WAITER] = s.no_waiter,
		[METRICS_CERT_STALE_USED] = s.stale_used,
		[METRICS_CERT_KEPT_REFUSED] = s.kept_refused,
		[METRICS_CERT_KEEP_FAILURE] = s.keep_failures,
	};
	for (size_t i = 0; i < METRICS_CERT_COUNT; i++)
		metrics_put(v, METRICS_CERT_EVENTS, i, 0, events[i]);
	metrics_put(v, METRICS_CERT_ENTRIES, 0, 0, s.entries);
	metrics_put(v, METRICS_CERT_BYTES, 0, 0, s.octets);
	metrics_put(v, METRICS_CERT_NEGATIVES, 0, 0, s.negatives);
	metrics_put(v, METRICS_CERT_WAITING, 0, 0, s.waiting);
	metrics_put(v, METRICS_CERT_FLIGHTS, 0, 0, s.flights);
	put_causes(v, METRICS_FETCH_CERTIFICATE, s.cause);
}

void engine_gather_crls(void *part, struct metrics_values *v)
{
	struct crlcache_stats s;

	crlcache_stats(part, &s);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_FETCH, 0, s.fetches);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_FAILURE, 0, s.failures);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_REFUSED, 0, s.refused);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_KEPT_HIT, 0, s.kept_hits);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_UNKEPT, 0, s.unkept);
	metrics_put(v, METRICS_CRL_EVENTS, METRICS_CRL_KEEP_FAILURE, 0, s.keep_failures);
	metrics_put(v, METRICS_CRL_LISTS, 0, 0, s.lists);
	metrics_put(v, METRICS_CRL_CURRENT, 0, 0, s.current);
	metrics_put(v, METRICS_CRL_BYTES, 0, 0, s.memory);
	put_causes(v, METRICS_FETCH_CRL, s.cause);
}

void engine_gather_remote(void *part, struct metrics_values *v)
{
	struct pool *pool = remote_pool(part);
	struct fetch_https_stats https;
	struct pool_stats s;

	if (!pool)
		return;
	remote_stats(part, &https);
	pool_stats(pool, &s);
	put_causes(v, METRICS_FETCH_NETWORK, https.cause);
	metrics_put(v, METRICS_FETCH_BYTES, 0, 0, https.octets);
	metrics_put(v, METRICS_BREAKERS, 0, 0, https.hosts_open);
	metrics_put(v, METRICS_FETCH_REFUSED, 0, 0, s.refused);
	metrics_put(v, METRICS_FETCH_THREADS, 0, 0, s.threads);
	metrics_put(v, METRICS_FETCH_BUSY, 0, 0, s.busy);
	metrics_put(v, METRICS_FETCH_QUEUE, 0, 0, s.queued);
}

void engine_gather_replay(void *part, struct metrics_values *v)
{
	struct replay_place_stats s;
	struct store_redis_stats redis;

	replay_place_stats(part, &s);
	metrics_put(v, METRICS_STORE_UNKNOWN, 0, 0, s.unknown);
	metrics_put(v, METRICS_STORE_EVICTED, 0, 0, s.evicted);
	if (!replay_place_redis(part, &redis))
		return;
	metrics_put(v, METRICS_REDIS_CALLS, 0, 0, redis.calls);
	metrics_put(v, METRICS_REDIS_FAILURES, 0, 0, redis.failures);
	metrics_put(v, METRICS_REDIS_DOWN, 0, 0, redis.down);
}

void engine_gather_evidence(void *part, struct metrics_values *v)
{
	struct evidence_stats s;

	evidence_stats(part, &s);
	metrics_put(v, METRICS_EVIDENCE_LINES, 0, 0, s.lines);
	metrics_put(v, METRICS_EVIDENCE_BYTES, 0, 0, s.octets);
	metrics_put(v, METRICS_EVIDENCE_LOST, 0, 0, s.lost);
	metrics_put(v, METRICS_EVIDENCE_DELETED, 0, 0, s.deleted);
}

void engine_gather_factlog(void *part, struct metrics_values *v)
{
	struct factlog_file_stats s;

	factlog_file_stats(part, &s);
	metrics_put(v, METRICS_FACT_LINES, 0, 0, s.lines);
	metrics_put(v, METRICS_FACT_LOST, 0, 0, s.lost);
}

/* --- in words --------------------------------------------------------------------------- */

static void say(struct buf *out, const char *key, uint64_t n)
{
	buf_printf(out, " %s=%" PRIu64, key, n);
}

static void say_causes(struct buf *out, const struct metrics_values *v, enum metrics_fetch_of of)
{
	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++) {
		uint64_t n = metrics_get(v, METRICS_FETCHES, of, i);

		if (n)
			say(out, fetch_cause_name((enum fetch_cause)i), n);
	}
	buf_putc(out, '\n');
}

static void say_events(struct buf *out, const struct metrics_values *v, enum metrics_id id, enum metrics_label l)
{
	for (size_t i = 0; i < metrics_labels_count(l); i++)
		say(out, metrics_labels_value(l, i), metrics_get(v, id, i, 0));
}

static uint64_t one(const struct metrics_values *v, enum metrics_id id)
{
	return metrics_get(v, id, 0, 0);
}

static void say_certs(const struct engine *g, const struct metrics_values *v, struct buf *out)
{
	buf_puts(out, "certificates:");
	say(out, "entries", one(v, METRICS_CERT_ENTRIES));
	say(out, "waiting", one(v, METRICS_CERT_WAITING));
	say(out, "flights", one(v, METRICS_CERT_FLIGHTS));
	say_events(out, v, METRICS_CERT_EVENTS, METRICS_LABEL_CERT_EVENT);
	say_causes(out, v, METRICS_FETCH_CERTIFICATE);
	if (!g->crls)
		return;
	buf_puts(out, "revocation-lists:");
	say(out, "lists", one(v, METRICS_CRL_LISTS));
	say(out, "current", one(v, METRICS_CRL_CURRENT));
	say_events(out, v, METRICS_CRL_EVENTS, METRICS_LABEL_CRL_EVENT);
	say_causes(out, v, METRICS_FETCH_CRL);
}

static void say_network(const struct metrics_values *v, struct buf *out)
{
	buf_puts(out, "network:");
	say(out, "octets", one(v, METRICS_FETCH_BYTES));
	say(out, "hosts-left-alone", one(v, METRICS_BREAKERS));
	say(out, "threads", one(v, METRICS_FETCH_THREADS));
	say(out, "busy", one(v, METRICS_FETCH_BUSY));
	say(out, "queued", one(v, METRICS_FETCH_QUEUE));
	say(out, "refused", one(v, METRICS_FETCH_REFUSED));
	say_causes(out, v, METRICS_FETCH_NETWORK);
}

static void say_replay(const struct engine *g, const struct metrics_values *v, struct buf *out)
{
	struct store_redis_stats redis;

	buf_puts(out, "replay:");
	say(out, "unknown", one(v, METRICS_STORE_UNKNOWN));
	say(out, "forgotten-early", one(v, METRICS_STORE_EVICTED));
	buf_putc(out, '\n');
	if (!replay_place_redis(g->replay, &redis))
		return;
	buf_puts(out, "redis:");
	say(out, "calls", one(v, METRICS_REDIS_CALLS));
	say(out, "failures", one(v, METRICS_REDIS_FAILURES));
	buf_printf(out, " down=%s\n", one(v, METRICS_REDIS_DOWN) ? "yes" : "no");
}

static void say_evidence(const struct metrics_values *v, struct buf *out)
{
	buf_puts(out, "evidence:");
	say(out, "lines", one(v, METRICS_EVIDENCE_LINES));
	say(out, "octets", one(v, METRICS_EVIDENCE_BYTES));
	say(out, "lost", one(v, METRICS_EVIDENCE_LOST));
	say(out, "files-deleted", one(v, METRICS_EVIDENCE_DELETED));
	buf_putc(out, '\n');
}

/* Only what there is: these tables are long. */
static void say_messages(const struct metrics_values *v, struct buf *out)
{
	static const struct {
		const char *what;
		enum metrics_id id;
		enum metrics_label l;
	} rows[] = {
		{"directions", METRICS_MESSAGES, METRICS_LABEL_DIRECTION}, {"verified", METRICS_VERIFIED, METRICS_LABEL_REASON},
		{"signed", METRICS_SIGNED, METRICS_LABEL_OUTCOME},         {"skipped-checks", METRICS_SKIPPED, METRICS_LABEL_CHECK},
		{"limits", METRICS_LIMITS, METRICS_LABEL_LIMIT},            {"answers", METRICS_REPLAY, METRICS_LABEL_REPLAY},
		{"pdus", METRICS_PDUS, METRICS_LABEL_PDU},
	};

	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		bool any = false;

		for (size_t i = 0; i < metrics_labels_count(rows[r].l); i++) {
			uint64_t n = metrics_get(v, rows[r].id, i, 0);

			if (n && !any)
				buf_printf(out, "%s:", rows[r].what);
			any |= n > 0;
			if (n)
				say(out, metrics_labels_value(rows[r].l, i), n);
		}
		if (any)
			buf_putc(out, '\n');
	}
}

void engine_counters_text(struct engine *g, struct buf *out)
{
	struct metrics_values *v = metrics_look(g->metrics);

	if (!v)
		return;
	say_messages(v, out);
	if (g->trust)
		say_certs(g, v, out);
	if (g->trust && remote_pool(g->remote))
		say_network(v, out);
	if (g->replay)
		say_replay(g, v, out);
	if (g->evidence)
		say_evidence(v, out);
	if (g->factlog)
		buf_printf(out, "facts: lines=%" PRIu64 " lost=%" PRIu64 "\n", one(v, METRICS_FACT_LINES), one(v, METRICS_FACT_LOST));
	metrics_values_free(v);
}
