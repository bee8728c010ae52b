/*
 * Which lists there are, for whom, and when each is asked for.  How one is had is
 * in crlcache_refresh.c.
 */
#include "config.h"

#include "core/crlcache.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "core/crlcache_internal.h"
#include "core/monotonic.h"

/* --- life ------------------------------------------------------------------------- */

static int open_lock(struct crlcache *c)
{
	if (pthread_mutex_init(&c->lock, NULL))
		return -1;
	if (monotonic_cond_init(&c->calm) == 0)
		return 0;
	pthread_mutex_destroy(&c->lock);
	return -1;
}

struct crlcache *crlcache_new(const struct crlcache_params *params)
{
	struct crlcache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->p = *params;
	if (c->p.max_lists == 0 || c->p.max_lists > LIMIT_CRL_LISTS)
		c->p.max_lists = LIMIT_CRL_LISTS;
	c->entry = calloc(c->p.max_lists, sizeof(struct crlcache_entry *));
	if (!c->entry || RAND_bytes(c->seed, sizeof c->seed) != 1 || open_lock(c)) {
		free(c->entry);
		free(c);
		return NULL;
	}
	atomic_init(&c->refs, 1);
	return c;
}

struct crlcache *crlcache_ref(struct crlcache *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void crlcache_unref(struct crlcache *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < c->n; i++) {
		crl_unref(c->entry[i]->list);
		free(c->entry[i]);
	}
	for (size_t i = 0; i < c->n_signers; i++)
		X509_free(c->signer[i]);
	free(c->entry);
	pthread_cond_destroy(&c->calm);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- entries; the lock is held ------------------------------------------------------ */

static struct span url_of(const struct crlcache_entry *e)
{
	return span_make(e->url, e->url_n);
}

struct crlcache_entry *crlcache_find(const struct crlcache *c, struct span url, size_t *at)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = span_order(url, url_of(c->entry[mid]));

		if (order == 0) {
			*at = mid;
			return c->entry[mid];
		}
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*at = lo;
	return NULL;
}

struct crl *crlcache_swap(struct crlcache *c, struct crlcache_entry *e, struct crl *l)
{
	struct crl *old = e->list;

	c->memory -= old ? crl_memory(old) : 0;
	c->memory += l ? crl_memory(l) : 0;
	e->list = l;
	return old;
}

/* Its list, if any, is freed here: rare enough to hold the others up for. */
static void take_out(struct crlcache *c, size_t i)
{
	struct crlcache_entry *e = c->entry[i];

	crl_unref(crlcache_swap(c, e, NULL));
	free(e);
	c->n--;
	memmove(c->entry + i, c->entry + i + 1, (c->n - i) * sizeof *c->entry);
}

/* Makes room: the one that was not asked for longest goes, but none that a domain names. False: all must stay. */
static bool evict(struct crlcache *c)
{
	size_t oldest = c->n;

	for (size_t i = 0; i < c->n; i++) {
		const struct crlcache_entry *e = c->entry[i];

		if (!e->wanted && !e->queued && !e->busy && (oldest == c->n || e->used < c->entry[oldest]->used))
			oldest = i;
	}
	if (oldest == c->n)
		return false;
	take_out(c, oldest);
	return true;
}

struct crlcache_entry *crlcache_ensure(struct crlcache *c, struct span url, int64_t now)
{
	struct crlcache_entry *e;
	size_t at;

	if (url.n > LIMIT_X5U_BYTES)
		return NULL;
	e = crlcache_find(c, url, &at);
	if (!e && fetch_may(c->p.fetch, url) && (c->n < c->p.max_lists || evict(c))) {
		e = calloc(1, sizeof *e + url.n);
		if (!e)
			return NULL;
		e->url_n = url.n;
		memcpy(e->url, url.p, url.n);
		(void)crlcache_find(c, url, &at);
		memmove(c->entry + at + 1, c->entry + at, (c->n - at) * sizeof *c->entry);
		c->entry[at] = e;
		c->n++;
	}
	if (e && e->used < now)
		e->used = now;
	return e;
}

/* --- for core/trust.h ------------------------------------------------------------------ */

/* With the lock: where it stands, or n_signers. */
static size_t find_signer(const struct crlcache *c, const X509 *signer)
{
	size_t i = 0;

	while (i < c->n_signers && X509_cmp(c->signer[i], signer) != 0)
		i++;
	return i;
}

/* Moves what stands between two places, and puts signer on the first. */
static void place(struct crlcache *c, size_t from, size_t to, X509 *signer)
{
	memmove(c->signer + to + 1, c->signer + to, (from - to) * sizeof *c->signer);
	c->signer[to] = signer;
}

/* With the lock. A new signer: lists that were refused for want of one may be had now. */
static void encourage(struct crlcache *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entry[i]->refused)
			c->entry[i]->next = 0;
}

/* 1 it is new, 0 it was known, -1 there is no room. */
static int learn(struct crlcache *c, X509 *signer, bool stays)
{
	X509 *gone = NULL;
	size_t at;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	at = find_signer(c, signer);
	if (at < c->n_signers) {
		signer = c->signer[at];
	} else if (c->n_staying == LIMIT_CRL_SIGNERS || !X509_up_ref(signer)) {
		rc = -1;
	} else {
		if (c->n_signers == LIMIT_CRL_SIGNERS)
			gone = c->signer[--c->n_signers];
		at = c->n_signers++;
		rc = 1;
		encourage(c);
	}
	if (rc >= 0 && at < c->n_signers && at >= c->n_staying) {
		place(c, at, c->n_staying, signer);
		c->n_staying += stays;
	}
	pthread_mutex_unlock(&c->lock);
	X509_free(gone);
	return rc;
}

int crlcache_add_signer(struct crlcache *c, X509 *signer)
{
	return learn(c, signer, true) < 0 ? -1 : 0;
}

int crlcache_want(struct crlcache *c, struct span url)
{
	struct crlcache_entry *e;

	pthread_mutex_lock(&c->lock);
	e = crlcache_ensure(c, url, 0);
	if (e)
		e->wanted = true;
	pthread_mutex_unlock(&c->lock);
	return e ? 0 : -1;
}

struct crl *crlcache_get(struct crlcache *c, struct span url, int64_t now)
{
	struct crlcache_entry *e;
	struct crl *l = NULL;

	pthread_mutex_lock(&c->lock);
	e = crlcache_ensure(c, url, now);
	if (e && e->list)
		l = crl_ref(e->list);
	pthread_mutex_unlock(&c->lock);
	return l;
}

/* --- chains -------------------------------------------------------------------------------- */

/* Is there nothing to be had at the moment? */
static bool is_settled(struct crlcache *c, struct span url, int64_t now)
{
	struct crlcache_entry *e;
	bool settled;

	pthread_mutex_lock(&c->lock);
	e = crlcache_ensure(c, url, now);
	settled = !e || (!e->busy && e->looked && ((e->list && crl_is_current(e->list, now)) || now < e->next));
	pthread_mutex_unlock(&c->lock);
	return settled;
}

static bool have_lists(struct crlcache *c, const X509 *x, int64_t now, unsigned deadline_ms)
{
	struct span url[LIMIT_CRL_POINTS];
	CRL_DIST_POINTS *points;
	bool settled = true;
	size_t n;

	/* The signer's own were had when it was read, if this was opened from a record. */
	if (!x || crl_points(x, &points) != 1)
		return true;
	n = crl_points_urls(points, url, LIMIT_CRL_POINTS);
	for (size_t i = 0; i < n; i++)
		if (!is_settled(c, url[i], now)) {
			crlcache_refresh(c, url[i], now, deadline_ms / (unsigned)n);
			settled = is_settled(c, url[i], now) && settled;
		}
	CRL_DIST_POINTS_free(points);
	return settled;
}

bool crlcache_chain(struct crlcache *c, const struct cert_chain *chain, int64_t now, unsigned deadline_ms)
{
	size_t n = cert_chain_path_count(chain);
	unsigned each = n > 1 ? deadline_ms / (unsigned)(n - 1) : 0;
	bool settled = true;

	/* Those nearest to the signer are placed last, so that they stay longest. */
	for (size_t i = n; i-- > 1;)
		(void)learn(c, cert_chain_path_at(chain, i), false);
	for (size_t i = 0; i + 1 < n; i++)
		settled = have_lists(c, cert_chain_path_at(chain, i), now, each) && settled;
	return settled;
}

/* --- renewal --------------------------------------------------------------------------------- */

struct job {
	struct crlcache *c;
	int64_t now;
	size_t url_n;
	char url[];
};

bool crlcache_is_due(const struct crlcache_entry *e, int64_t now)
{
	return now >= e->next || now < e->next - 2 * CRLCACHE_REFRESH_S;
}

static void leave_queue(struct crlcache *c, struct span url)
{
	struct crlcache_entry *e;
	size_t at;

	pthread_mutex_lock(&c->lock);
	e = crlcache_find(c, url, &at);
	if (e)
		e->queued = false;
	pthread_mutex_unlock(&c->lock);
}

static void run(void *arg, bool cancelled)
{
	struct job *j = arg;

	leave_queue(j->c, span_make(j->url, j->url_n));
	if (!cancelled)
		crlcache_refresh(j->c, span_make(j->url, j->url_n), j->c->p.clock ? j->c->p.clock() : j->now, j->c->p.fetch_timeout_ms);
	crlcache_unref(j->c);
	free(j);
}

/* With the lock. NULL without memory. */
static struct job *new_job(struct crlcache *c, const struct crlcache_entry *e, int64_t now)
{
	struct job *j = malloc(sizeof *j + e->url_n);

	if (!j)
		return NULL;
	j->c = crlcache_ref(c);
	j->now = now;
	j->url_n = e->url_n;
	memcpy(j->url, e->url, e->url_n);
	return j;
}

static void submit(struct crlcache *c, struct job *j)
{
	if (!c->p.pool) {
		run(j, false);
	} else if (pool_submit_own(c->p.pool, run, j)) {
		/* It is due still: the next tick tries again. */
		pthread_mutex_lock(&c->lock);
		c->stats.cause[FETCH_BUSY]++;
		pthread_mutex_unlock(&c->lock);
		run(j, true);
	}
}

static bool is_idle(const struct crlcache_entry *e, int64_t now)
{
	return !e->wanted && !e->queued && !e->busy && now - e->used > CRLCACHE_IDLE_S;
}

void crlcache_tick(struct crlcache *c, int64_t now)
{
	struct job *job[LIMIT_CRL_RENEWALS];
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = c->n; i-- > 0;)
		if (is_idle(c->entry[i], now))
			take_out(c, i);
	for (size_t i = 0; i < c->n && n < LIMIT_CRL_RENEWALS; i++) {
		struct crlcache_entry *e = c->entry[i];

		if (e->queued || e->busy || !crlcache_is_due(e, now))
			continue;
		job[n] = new_job(c, e, now);
		e->queued = job[n] != NULL;
		n += e->queued;
	}
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < n; i++)
		submit(c, job[i]);
}

void crlcache_stats(struct crlcache *c, struct crlcache_stats *out)
{
	int64_t now = c->p.clock ? c->p.clock() : 0;

	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	for (size_t i = 0; i < c->n; i++) {
		const struct crl *l = c->entry[i]->list;

		if (!l)
			continue;
		out->lists++;
		out->current += crl_is_current(l, now);
		if (!out->oldest_next_update || crl_next_update(l) < out->oldest_next_update)
			out->oldest_next_update = crl_next_update(l);
	}
	out->memory = c->memory;
	pthread_mutex_unlock(&c->lock);
}
