/*
 * One list: from the store or from its address, read, verified, and put in the
 * place of the one before.
 */
#include "config.h"

#include "core/crlcache_internal.h"

#include "core/kept.h"
#include "core/monotonic.h"

enum {
	MAX_DOUBLINGS = 6, /* 60 s to more than an hour */
	FRESH_PART = 5,    /* a fifth is left */
	JITTER_PART = 10,
	/* Certificates of one name that are tried: a change of keys, and one gone wrong. */
	NAMESAKES = 8
};

/* --- when next ---------------------------------------------------------------------- */

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* With the lock: give or take a tenth, so that hosts and lists do not ask together. */
static int64_t jittered(struct crlcache *c, const struct crlcache_entry *e, int64_t s)
{
	const unsigned long n = c->attempts++;
	struct siphash h;
	int64_t part = s / JITTER_PART;

	siphash_begin(&h, c->seed);
	siphash_put(&h, span_make(&n, sizeof n));
	siphash_put(&h, span_make(e->url, e->url_n));
	return part ? s - part + (int64_t)(siphash_end(&h).half[0] % (uint64_t)(2 * part + 1)) : s;
}

static void schedule(struct crlcache *c, struct crlcache_entry *e, bool good, int64_t now)
{
	int64_t wait;

	if (good && e->list && crl_is_current(e->list, now)) {
		int64_t left = crl_next_update(e->list) - now;

		e->failures = 0;
		wait = at_most(left - left / FRESH_PART, CRLCACHE_REFRESH_S);
		wait = wait > CRLCACHE_RETRY_S ? wait : CRLCACHE_RETRY_S;
	} else {
		wait = at_most((int64_t)CRLCACHE_RETRY_S << (e->failures < MAX_DOUBLINGS ? e->failures : MAX_DOUBLINGS), CRLCACHE_REFRESH_S);
		e->failures += e->failures < MAX_DOUBLINGS;
	}
	e->next = now + jittered(c, e, wait);
}

/* --- whose is it --------------------------------------------------------------------- */

/* References to the known certificates of that name. */
static size_t namesakes(struct crlcache *c, const X509_NAME *name, X509 *out[NAMESAKES])
{
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n_signers && n < NAMESAKES; i++)
		if (X509_NAME_cmp(X509_get_subject_name(c->signer[i]), name) == 0 && X509_up_ref(c->signer[i]))
			out[n++] = c->signer[i];
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* old: the list before, as long as it is current; or NULL. */
static bool is_verified(struct crlcache *c, struct crl *l, struct crl *old)
{
	X509 *signer[NAMESAKES];
	size_t n = namesakes(c, crl_issuer(l), signer);
	bool good = false;

	for (size_t i = 0; i < n; i++) {
		good = good || (crl_signed_by(l, signer[i]) && (!old || crl_signed_by(old, signer[i])));
		X509_free(signer[i]);
	}
	return good;
}

static bool is_acceptable(struct crlcache *c, struct crl *l, struct crl *old, int64_t now)
{
	if (crl_this_update(l) > now + CRL_SKEW_S)
		return false;
	if (!old || (!crl_is_current(old, now) && X509_NAME_cmp(crl_issuer(old), crl_issuer(l)) != 0))
		return is_verified(c, l, NULL);
	return crl_may_replace(l, old) && is_verified(c, l, crl_is_current(old, now) ? old : NULL);
}

/* --- one list -------------------------------------------------------------------------- */

struct refresh {
	struct crlcache *c;
	struct crlcache_entry *e; /* busy, by us */
	struct span url;
	struct crl *old;          /* a reference, or NULL */
	int64_t now;
};

/* With the lock: is there room for it beside the others? */
static bool has_room(const struct crlcache *c, const struct crl *l, const struct crl *old)
{
	return c->memory - (old ? crl_memory(old) : 0) + crl_memory(l) <= LIMIT_CRL_MEMORY_BYTES;
}

/* Takes over l. False: refused. */
static bool install(struct refresh *r, struct crl *l)
{
	bool good = is_acceptable(r->c, l, r->old, r->now);
	struct crl *gone = l;

	pthread_mutex_lock(&r->c->lock);
	good = good && has_room(r->c, l, r->old);
	r->e->refused = !good;
	if (!good)
		r->c->stats.refused++;
	else if (!r->old || !crl_is_same(l, r->old))
		gone = crlcache_swap(r->c, r->e, l);
	pthread_mutex_unlock(&r->c->lock);
	crl_unref(gone);
	return good;
}

static bool use_octets(struct refresh *r, struct span octets)
{
	struct crl *l;

	if (crl_read(octets, &l, NULL) == 0)
		return install(r, l);
	pthread_mutex_lock(&r->c->lock);
	r->e->refused = true;
	r->c->stats.refused++;
	pthread_mutex_unlock(&r->c->lock);
	return false;
}

static void count(struct crlcache *c, unsigned long *what)
{
	pthread_mutex_lock(&c->lock);
	(*what)++;
	pthread_mutex_unlock(&c->lock);
}

/* --- the store --------------------------------------------------------------------------- */

/* True when there is a list that need not be had anew yet. */
static bool from_store(struct refresh *r)
{
	struct crlcache *c = r->c;
	struct kept k;
	int rc = kept_get(c->p.keep, "crl", r->url, &k, NULL);
	bool good = rc == 1 && use_octets(r, k.octets), fresh = false;

	if (rc < 0)
		count(c, &c->stats.keep_failures);
	pthread_mutex_lock(&c->lock);
	if (good) {
		c->stats.kept_hits++;
		fresh = k.when <= r->now && r->now - k.when < CRLCACHE_REFRESH_S && crl_is_current(r->e->list, r->now);
		r->old = crl_ref(r->e->list);
	}
	pthread_mutex_unlock(&c->lock);
	kept_free(&k);
	return fresh;
}

static void to_store(struct refresh *r, struct span octets)
{
	struct crlcache *c = r->c;
	int64_t next_update;
	struct err e = {ERR_NONE, ""};

	/* Only this thread changes it. */
	next_update = crl_next_update(r->e->list);
	if (next_update < r->now)
		next_update = r->now;
	if (next_update - r->now > UINT32_MAX / 2)
		next_update = r->now + UINT32_MAX / 2;
	if (kept_put(c->p.keep, "crl", r->url, r->now, octets, (uint32_t)(next_update - r->now + CRLCACHE_KEEP_S), &e))
		count(c, e.code == ERR_DATA ? &c->stats.unkept : &c->stats.keep_failures);
}

/* --- the network ---------------------------------------------------------------------------- */

static bool from_network(struct refresh *r, unsigned deadline_ms)
{
	struct fetch_answer a = {FETCH_LOCAL, -1};
	struct crlcache *c = r->c;
	struct buf octets;
	bool good;
	int rc;

	count(c, &c->stats.fetches);
	buf_init(&octets, LIMIT_CRL_BYTES);
	rc = fetch_get(c->p.fetch, r->url, deadline_ms, &octets, &a, NULL);
	good = rc == 1 && use_octets(r, buf_span(&octets));
	if (good && c->p.keep)
		to_store(r, buf_span(&octets));
	buf_free(&octets);
	pthread_mutex_lock(&c->lock);
	c->stats.cause[a.cause]++;
	c->stats.failures += rc != 1;
	pthread_mutex_unlock(&c->lock);
	return good;
}

static void refresh(struct refresh *r, bool look, unsigned deadline_ms)
{
	bool good = look && from_store(r), asked = !good && deadline_ms;

	if (asked)
		good = from_network(r, deadline_ms);
	crl_unref(r->old);
	pthread_mutex_lock(&r->c->lock);
	if (good || asked)
		schedule(r->c, r->e, good, r->now);
	else
		r->e->next = r->now;
	r->e->busy = false;
	pthread_cond_broadcast(&r->c->calm);
	pthread_mutex_unlock(&r->c->lock);
}

/* With the lock: is somebody about it?  Then waits for that, as long as we have time; a message's own thread has none. */
static bool wait_for_others(struct refresh *r, unsigned deadline_ms)
{
	int64_t until_ms = monotonic_ms() + deadline_ms;
	bool waited = false, waits = deadline_ms > 0;

	for (r->e = crlcache_ensure(r->c, r->url, r->now); r->e && r->e->busy; r->e = crlcache_ensure(r->c, r->url, r->now)) {
		waited = true;
		if (!waits)
			break;
		waits = monotonic_wait(&r->c->calm, &r->c->lock, until_ms);
	}
	return waited;
}

void crlcache_refresh(struct crlcache *c, struct span url, int64_t now, unsigned deadline_ms)
{
	struct refresh r = {.c = c, .now = now, .url = url};
	bool look, waited;

	pthread_mutex_lock(&c->lock);
	waited = wait_for_others(&r, deadline_ms);
	if (!r.e || r.e->busy || waited || !crlcache_is_due(r.e, now)) {
		pthread_mutex_unlock(&c->lock);
		return;
	}
	look = c->p.keep && !r.e->looked && !r.e->list;
	r.e->busy = r.e->looked = true;
	if (r.e->list)
		r.old = crl_ref(r.e->list);
	pthread_mutex_unlock(&c->lock);
	refresh(&r, look, deadline_ms);
}
