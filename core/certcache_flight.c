/*
 * Fetches under way: one for each URL, in a thread of the pool, and those who wait
 * for it.  It stands in the table until it has landed; its memory lives until the
 * last one has looked at the answer.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/monotonic.h"

enum { SITE_LABELS = 2, HOST_BYTES = 253 };

static struct span url_of(const struct certcache_flight *f)
{
	return span_make(f->url, f->url_n);
}

/* --- life --------------------------------------------------------------------------- */

struct certcache_flight *certcache_flight_new(struct certcache *c, const struct siphash_sum *key, struct span url, int64_t now)
{
	struct certcache_flight *f = malloc(sizeof *f + url.n);

	if (!f)
		return NULL;
	memset(f, 0, sizeof *f);
	if (monotonic_cond_init(&f->landed)) {
		free(f);
		return NULL;
	}
	f->item.key = *key;
	f->cache = c;
	f->refs = 1;
	f->begun = now;
	f->url_n = url.n;
	memcpy(f->url, url.p, url.n);
	return f;
}

void certcache_flight_drop(struct certcache *c, struct certcache_flight *f)
{
	bool last;

	if (!f)
		return;
	pthread_mutex_lock(&c->lock);
	last = --f->refs == 0;
	pthread_mutex_unlock(&c->lock);
	if (!last)
		return;
	cert_chain_unref(f->early);
	cert_chain_unref(f->answer.chain);
	pthread_cond_destroy(&f->landed);
	free(f);
}

struct certcache_flight *certcache_flight_join(struct certcache *c, const struct siphash_sum *key)
{
	struct certcache_flight *f = (struct certcache_flight *)certcache_table_find(&c->flights, key);

	if (f)
		f->refs++;
	return f;
}

void certcache_flight_add(struct certcache *c, struct certcache_flight *f)
{
	certcache_table_add(&c->flights, &f->item);
	c->running++;
	f->refs++; /* of the thread that fetches, as is the cache's */
	(void)certcache_ref(c);
}

/* --- landing ------------------------------------------------------------------------- */

void certcache_flight_settle(struct certcache *c, const struct siphash_sum *key, struct span url, const struct certcache_answer *a, int64_t now,
			     struct certcache_flight *f)
{
	struct certcache_change g;

	certcache_change_make(c, &g, key, url, a, now);
	pthread_mutex_lock(&c->lock);
	if (!a->kept)
		c->stats.cause[a->cause]++;
	certcache_change_put(c, &g);
	if (f) {
		certcache_table_remove(&c->flights, &f->item);
		f->answer = *a;
		if (a->chain)
			f->answer.chain = cert_chain_ref(a->chain);
		f->done = true;
		pthread_cond_broadcast(&f->landed);
	}
	pthread_mutex_unlock(&c->lock);
	certcache_change_free(&g);
}

/* Everything is done; the cache may be gone afterwards. */
static void end(struct certcache *c, struct certcache_flight *f, struct certcache_answer *a)
{
	cert_chain_unref(a->chain);
	pthread_mutex_lock(&c->lock);
	c->running--;
	pthread_mutex_unlock(&c->lock);
	certcache_flight_drop(c, f);
	certcache_unref(c);
}

/* --- in a thread of the pool ------------------------------------------------------------ */

/* In memory by now? Gives a reference to an old copy in *known otherwise. */
static bool is_in_memory(struct certcache *c, struct certcache_flight *f, struct certcache_answer *a, struct cert_chain **known)
{
	struct certrecord *record = NULL;
	struct cert_chain *chain = NULL;
	struct certcache_entry *e;
	bool fresh;

	pthread_mutex_lock(&c->lock);
	e = certcache_entry_of(c, &f->item.key);
	fresh = e && !f->forced && certcache_is_fresh(e->fetched, e->until, f->begun);
	if (fresh)
		*a = (struct certcache_answer){.reason = STIR_OK, .known = true, .kept = true, .fetched = e->fetched, .until = e->until};
	if (e)
		chain = certcache_live_take(c, e, &record);
	pthread_mutex_unlock(&c->lock);
	if (record)
		chain = certcache_live_open(c, &f->item.key, record);
	/* Without memory for it, what was there counts as if it had not been. */
	if (fresh && chain)
		a->chain = chain;
	else
		*known = chain;
	return fresh && chain;
}

static bool is_kept(struct certcache *c, struct certcache_flight *f, struct certcache_answer *a)
{
	bool there = certcache_kept_look(c, url_of(f), f->begun, a);
	bool fresh = there && certcache_is_fresh(a->fetched, a->until, f->begun);

	pthread_mutex_lock(&c->lock);
	f->looked = true;
	c->stats.kept_hits += fresh;
	pthread_mutex_unlock(&c->lock);
	if (there && !fresh) {
		(void)certcache_complete(c, a->chain, f->begun, 0);
		certcache_flight_settle(c, &f->item.key, url_of(f), a, f->begun, NULL);
		cert_chain_unref(a->chain);
	}
	return fresh;
}

/* A server of revocation lists that hangs must not turn a good chain into none. */
static void complete(struct certcache *c, struct certcache_flight *f, const struct certcache_answer *a)
{
	pthread_mutex_lock(&c->lock);
	f->early = cert_chain_ref(a->chain);
	pthread_mutex_unlock(&c->lock);
	(void)certcache_complete(c, a->chain, certcache_now(c, f->begun), c->p.fetch_timeout_ms);
}

static void fly(struct certcache *c, struct certcache_flight *f, struct buf *pem, struct certcache_answer *a)
{
	struct cert_chain *known = NULL;

	if (is_in_memory(c, f, a, &known))
		return;
	/* Only this thread changes looked. */
	if (known || f->looked || !is_kept(c, f, a)) {
		pthread_mutex_lock(&c->lock);
		c->stats.fetches++;
		pthread_mutex_unlock(&c->lock);
		certcache_ask(c, url_of(f), f->begun, known, pem, a);
	}
	if (a->reason == STIR_OK && !a->known)
		complete(c, f, a);
	cert_chain_unref(known);
}

static void stopped(struct certcache_answer *a, enum fetch_cause cause)
{
	memset(a, 0, sizeof *a);
	certcache_fail(a, STIR_CERT_UNREACHABLE, cause);
	a->stale_will_do = true;
}

static void run(void *arg, bool cancelled)
{
	struct certcache_flight *f = arg;
	struct certcache *c = f->cache;
	struct certcache_answer a;
	struct buf pem;
	int64_t now;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (cancelled)
		stopped(&a, FETCH_STOPPED);
	else
		fly(c, f, &pem, &a);
	now = certcache_now(c, f->begun);
	certcache_flight_settle(c, &f->item.key, url_of(f), &a, now, f);
	/* Those who wait don't wait for the store. */
	if (a.reason == STIR_OK && !a.kept)
		certcache_kept_put(c, url_of(f), buf_span(&pem), &a, now);
	buf_free(&pem);
	end(c, f, &a);
}

/*
 * For the pool: whoever has a domain has all names below it, and must not have all
 * threads with them.  The last two labels are not always one owner's (co.uk); such
 * neighbours share half the pool.
 */
static uint64_t site_of(const struct certcache *c, struct span url)
{
	struct span host = span_skip(url, span_find(url, ':') + strlen("://"));
	char text[HOST_BYTES];
	size_t n = 0, labels = 0;

	host = span_take(host, span_find(host, '/'));
	host = span_take(host, span_find(host, ':'));
	for (size_t i = host.n; i-- > 0 && n < sizeof text;) {
		labels += host.p[i] == '.';
		if (labels == SITE_LABELS)
			break;
		text[n++] = span_lower(host.p[i]);
	}
	return siphash_of(c->seed, span_make(text, n)).half[0] | 1;
}

void certcache_flight_start(struct certcache *c, struct certcache_flight *f)
{
	struct certcache_answer a;

	if (pool_submit_of(c->p.pool, site_of(c, url_of(f)), run, f) == 0)
		return;
	stopped(&a, pool_stopping(c->p.pool) ? FETCH_STOPPED : FETCH_BUSY);
	certcache_flight_settle(c, &f->item.key, url_of(f), &a, f->begun, f);
	end(c, f, &a);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* The lock is held. */
static void wait_for(struct certcache *c, struct certcache_flight *f, int64_t until_ms)
{
	int64_t since = c->p.waited ? c->p.clock_us() : 0;

	c->stats.waiting++;
	while (!f->done && monotonic_wait(&f->landed, &c->lock, until_ms))
		;
	c->stats.waiting--;
	if (c->p.waited)
		c->p.waited(c->p.waited_arg, c->p.clock_us() - since);
}

static void not_yet(struct certcache *c, const struct certcache_flight *f, struct certcache_answer *a, unsigned wait_ms, bool waited)
{
	if (f->early) {
		*a = (struct certcache_answer){.reason = STIR_OK, .chain = cert_chain_ref(f->early)};
		return;
	}
	*(waited ? &c->stats.gave_up : &c->stats.no_waiter) += 1;
	stopped(a, FETCH_BUSY);
	if (waited)
		(void)err_set(&a->why, ERR_UNAVAILABLE, "it was not there after %u ms; the fetch goes on", wait_ms);
	else
		(void)err_set(&a->why, ERR_UNAVAILABLE, "too many messages wait for certificates; the fetch goes on");
}

void certcache_flight_wait(struct certcache *c, struct certcache_flight *f, struct certcache_time t, unsigned wait_ms, struct certcache_answer *a)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = c->stats.waiting < c->p.max_waiters;
	if (may && wait_ms && !f->done)
		wait_for(c, f, t.ms + wait_ms);
	if (f->done) {
		*a = f->answer;
		if (a->chain)
			(void)cert_chain_ref(a->chain);
	} else {
		not_yet(c, f, a, wait_ms, may);
	}
	pthread_mutex_unlock(&c->lock);
}
