/*
 * What callers ask: a chain now, a chain soon, another chain.  First memory, then
 * what is known not to work, then the fetch under way, then the store, and only
 * then a new fetch.
 */
#include "config.h"

#include "core/certcache.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "core/certcache_internal.h"
#include "core/limits.h"
#include "core/monotonic.h"
#include "core/p256.h"

enum { FLIGHTS = 256 }; /* buckets; there are as many flights as the pool takes */

/* --- life --------------------------------------------------------------------------- */

static void close_tables(struct certcache *c)
{
	certcache_table_free(&c->entries);
	certcache_table_free(&c->lives);
	certcache_table_free(&c->negatives);
	certcache_table_free(&c->flights);
}

static void set_params(struct certcache *c, const struct certcache_params *p)
{
	c->p = *p;
	if (p->fetch->at_hand)
		c->p.pool = NULL;
	if (!c->p.pool)
		c->p.keep = NULL; /* it is at hand after a restart as well */
	if (p->max_entries > LIMIT_CERTCACHE_ENTRIES)
		c->p.max_entries = LIMIT_CERTCACHE_ENTRIES;
	if (p->max_entries == 0)
		c->p.max_entries = 1;
	if (p->max_live > LIMIT_CERTCACHE_LIVE)
		c->p.max_live = LIMIT_CERTCACHE_LIVE;
	if (p->default_lifetime_s == 0)
		c->p.default_lifetime_s = CERTCACHE_DEFAULT_LIFETIME_S;
	c->max_octets = c->p.max_entries * LIMIT_CERTCACHE_ENTRY_BYTES;
	if (c->max_octets < LIMIT_CERTCACHE_BYTES)
		c->max_octets = LIMIT_CERTCACHE_BYTES;
}

static int open_tables(struct certcache *c)
{
	return certcache_table_init(&c->entries, c->p.max_entries) || certcache_table_init(&c->lives, LIMIT_CERTCACHE_LIVE) ||
			       certcache_table_init(&c->negatives, LIMIT_CERTCACHE_NEGATIVES) || certcache_table_init(&c->flights, FLIGHTS)
		       ? -1
		       : 0;
}

/* What records are opened with: the base point of the curve is a public key as good as any. */
static int open_records(struct certcache *c)
{
	static const unsigned char base[] = {0x03, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
					     0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96};

	c->share = certshare_new();
	c->like = p256_public_key(span_make(base, sizeof base));
	return c->share && c->like ? 0 : -1;
}

static void close_records(struct certcache *c)
{
	certshare_unref(c->share);
	EVP_PKEY_free(c->like);
}

struct certcache *certcache_new(const struct certcache_params *params)
{
	struct certcache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	set_params(c, params);
	atomic_init(&c->refs, 1);
	if (RAND_bytes(c->seed, sizeof c->seed) != 1 || open_tables(c) || open_records(c) || pthread_mutex_init(&c->lock, NULL)) {
		close_tables(c);
		close_records(c);
		free(c);
		return NULL;
	}
	(void)trustset_ref(c->p.trust);
	(void)spctable_ref(c->p.spcs);
	return c;
}

struct certcache *certcache_ref(struct certcache *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void certcache_unref(struct certcache *c)
{
	struct certcache_change g = {0};

	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* No flight is left: each has a reference. */
	g.old_entries = c->entries.newest;
	g.old_lives = c->lives.newest;
	g.old_negatives = c->negatives.newest;
	certcache_change_free(&g);
	close_tables(c);
	close_records(c);
	trustset_unref(c->p.trust);
	spctable_unref(c->p.spcs);
	if (c->p.released)
		c->p.released(c->p.validated_arg);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void certcache_stats(struct certcache *c, struct certcache_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	out->entries = c->entries.n;
	out->negatives = c->negatives.n;
	out->flights = c->running;
	out->octets = c->octets;
	pthread_mutex_unlock(&c->lock);
}

/* --- one question ----------------------------------------------------------------------- */

struct question {
	struct certcache *c;
	struct span url;
	struct siphash_sum key;
	struct certcache_time t;
	struct certcache_flight *flight; /* counted, or NULL */
	bool look_in_store; /* nobody did */
	struct cert_chain *kept;   /* stands there, but lacks something, see certcache_complete(); or NULL */
	struct certrecord *record; /* a reference: the chain of a is to be opened from it */
	struct certcache_answer a;
};

/* Free of cost, and also for what is in memory or kept: the rules may be newer. */
static bool ask_may(struct question *q, struct certcache *c, struct span url, struct certcache_time t)
{
	memset(q, 0, sizeof *q);
	q->c = c;
	q->url = url;
	q->t = t;
	if (url.n > LIMIT_X5U_BYTES) {
		(void)err_set(&q->a.why, ERR_DATA, "its address is too long");
		q->a.reason = STIR_CERT_UNREACHABLE;
		return false;
	}
	if (!fetch_may(c->p.fetch, url)) {
		certcache_fail(&q->a, STIR_X5U_FORBIDDEN, FETCH_HOST);
		return false;
	}
	q->key = siphash_of(c->seed, url);
	return true;
}

/* --- what is known; the lock is held ------------------------------------------------------- */

static struct certcache_entry *find_fresh(struct question *q)
{
	struct certcache_entry *e = certcache_entry_of(q->c, &q->key);

	q->look_in_store = !e && q->c->p.keep;
	return e && certcache_is_fresh(e->fetched, e->until, q->t.now) ? e : NULL;
}

/* open_record() must follow, without the lock. */
static void take(struct question *q, const struct certcache_entry *e)
{
	q->a.reason = STIR_OK;
	q->a.chain = certcache_live_take(q->c, e, &q->record);
}

static void use(struct question *q, struct certcache_entry *e)
{
	certcache_table_touch(&q->c->entries, &e->item);
	e->used = true;
	take(q, e);
}

static bool find_chain(struct question *q, bool used)
{
	struct certcache_entry *e = find_fresh(q);

	if (e && used)
		use(q, e);
	else if (e)
		take(q, e);
	return e;
}

static bool find_negative(struct question *q)
{
	const struct certcache_negative *n = certcache_negative_of(q->c, &q->key, q->t.now);

	if (!n)
		return false;
	q->c->stats.negative_hits++;
	q->a.reason = n->reason;
	q->a.stale_will_do = n->stale_will_do;
	(void)err_set(&q->a.why, ERR_UNAVAILABLE, "%s", n->text);
	return true;
}

static bool find_flight(struct question *q)
{
	q->flight = certcache_flight_join(q->c, &q->key);
	if (!q->flight)
		return false;
	q->look_in_store = q->look_in_store && !q->flight->looked;
	return true;
}

/* --- asking; without the lock ------------------------------------------------------------------- */

static void open_record(struct question *q)
{
	if (!q->record)
		return;
	q->a.chain = certcache_live_open(q->c, &q->key, q->record);
	q->record = NULL;
	if (!q->a.chain)
		certcache_fail(&q->a, STIR_NO_RESOURCE, FETCH_LOCAL);
}

/* An answer in q->a if there is a fresh one; what is old goes into memory, where it may stand in. */
static bool from_store(struct question *q)
{
	struct certcache *c = q->c;
	struct certcache_answer a;
	bool fresh;

	if (!certcache_kept_look(c, q->url, q->t.now, &a))
		return false;
	if (!certcache_complete(c, a.chain, q->t.now, 0)) {
		q->kept = a.chain;
		return false;
	}
	certcache_flight_settle(c, &q->key, q->url, &a, q->t.now, NULL);
	fresh = certcache_is_fresh(a.fetched, a.until, q->t.now);
	if (!fresh) {
		cert_chain_unref(a.chain);
		return false;
	}
	pthread_mutex_lock(&c->lock);
	c->stats.kept_hits++;
	pthread_mutex_unlock(&c->lock);
	q->a = a;
	return true;
}

/*
 * Begins a flight, or joins the one that somebody else began meanwhile; nothing
 * when it has landed meanwhile.  True when there is an answer in q->a.
 */
static bool begin(struct question *q, bool forced, bool looked)
{
	struct certcache *c = q->c;
	struct certcache_flight *f = certcache_flight_new(c, &q->key, q->url, q->t.now);
	bool answer, added = false;

	if (!f) {
		certcache_fail(&q->a, STIR_NO_RESOURCE, FETCH_LOCAL);
		q->a.stale_will_do = true;
		return true;
	}
	f->forced = forced;
	f->looked = looked;
	pthread_mutex_lock(&c->lock);
	answer = !forced && (find_chain(q, false) || find_negative(q));
	if (!answer && !find_flight(q)) {
		certcache_flight_add(c, f);
		added = true;
	}
	pthread_mutex_unlock(&c->lock);
	open_record(q);
	if (!added) {
		certcache_flight_drop(c, f);
		return answer;
	}
	q->flight = f;
	certcache_flight_start(c, f);
	return false;
}

/* There is nothing to wait for: asked in this thread. */
static void ask_here(struct question *q)
{
	struct certcache *c = q->c;
	struct certrecord *record = NULL;
	struct cert_chain *known = NULL;
	struct certcache_entry *e;
	struct buf pem;

	pthread_mutex_lock(&c->lock);
	c->stats.fetches++;
	e = certcache_entry_of(c, &q->key);
	if (e)
		known = certcache_live_take(c, e, &record);
	pthread_mutex_unlock(&c->lock);
	if (record)
		known = certcache_live_open(c, &q->key, record);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	certcache_ask(c, q->url, q->t.now, known, &pem, &q->a);
	buf_free(&pem);
	if (q->a.reason == STIR_OK && !q->a.known)
		(void)certcache_complete(c, q->a.chain, q->t.now, c->p.fetch_timeout_ms);
	certcache_flight_settle(c, &q->key, q->url, &q->a, q->t.now, NULL);
	cert_chain_unref(known);
}

/* What the store has, where no fetching thread had the time to complete it. */
static void use_kept(struct question *q)
{
	int64_t from, until;

	cert_chain_validity(q->kept, &from, &until);
	if (q->t.now > until)
		return;
	q->a.reason = STIR_OK;
	q->a.chain = q->kept;
	q->kept = NULL;
}

/* A failure, but an old copy may do. */
static void stand_in(struct question *q)
{
	struct certcache *c = q->c;
	struct certcache_entry *e;

	if (q->a.reason == STIR_OK || !q->a.stale_will_do)
		return;
	pthread_mutex_lock(&c->lock);
	e = certcache_entry_of(c, &q->key);
	if (e && certcache_is_stale(e, q->t.now)) {
		use(q, e);
		c->stats.stale_used++;
	}
	pthread_mutex_unlock(&c->lock);
	open_record(q);
	if (q->a.reason != STIR_OK && q->kept)
		use_kept(q);
}

/*
 * A store that another process locks answers after its own timeout, and a message
 * may have many tokens: the looks of all of them stay within what it may wait.
 */
static bool may_look(const struct question *q, unsigned wait_ms)
{
	int64_t gone = monotonic_ms() - q->t.ms;

	return gone < CERTCACHE_LOOK_FREE_MS || gone + CERTCACHE_LOOK_MS <= (int64_t)wait_ms;
}

static void ask(struct question *q, unsigned wait_ms)
{
	bool look = q->look_in_store && may_look(q, wait_ms);

	if (!q->c->p.pool) {
		ask_here(q);
		return;
	}
	if (look && from_store(q))
		return;
	/* A fetching thread has the time to complete what stands in the store. */
	if (!q->flight && begin(q, false, !q->kept && (look || !q->look_in_store)))
		return;
	certcache_flight_wait(q->c, q->flight, q->t, wait_ms, &q->a);
}

static void get(struct question *q, unsigned wait_ms)
{
	struct certcache *c = q->c;
	bool known;

	pthread_mutex_lock(&c->lock);
	known = find_chain(q, true);
	(*(known ? &c->stats.hits : &c->stats.misses))++;
	if (!known)
		known = find_negative(q);
	if (!known && find_flight(q))
		c->stats.joined++;
	pthread_mutex_unlock(&c->lock);
	open_record(q);
	if (!known)
		ask(q, wait_ms);
	certcache_flight_drop(c, q->flight);
	stand_in(q);
	cert_chain_unref(q->kept);
}

enum stir_reason certcache_get(struct certcache *c, struct span url, struct certcache_time t, unsigned wait_ms, struct cert_chain **out, struct err *why)
{
	struct question q;

	if (ask_may(&q, c, url, t))
		get(&q, wait_ms);
	*out = q.a.chain;
	if (q.a.reason == STIR_OK)
		return STIR_OK;
	if (why)
		*why = q.a.why;
	pthread_mutex_lock(&c->lock);
	c->stats.failures++;
	pthread_mutex_unlock(&c->lock);
	return q.a.reason;
}

void certcache_start(struct certcache *c, struct span url, struct certcache_time t)
{
	struct question q;
	bool known;

	if (!c->p.pool || !ask_may(&q, c, url, t))
		return;
	pthread_mutex_lock(&c->lock);
	known = find_fresh(&q) || find_negative(&q) || find_flight(&q);
	pthread_mutex_unlock(&c->lock);
	/* The store is looked into by the flight: this thread must not wait. */
	if (!known)
		(void)begin(&q, false, !q.look_in_store);
	certcache_flight_drop(c, q.flight);
	cert_chain_unref(q.a.chain);
}

/* --- another chain ------------------------------------------------------------------------------------ */

/* Would it say anything else about a token? */
static bool is_other(const struct cert_chain *a, const struct cert_chain *b)
{
	int64_t from_a, until_a, from_b, until_b;

	if (a == b)
		return false;
	cert_chain_validity(a, &from_a, &until_a);
	cert_chain_validity(b, &from_b, &until_b);
	return from_a != from_b || until_a != until_b || !span_eq(cert_chain_fingerprint(a), cert_chain_fingerprint(b));
}

enum newer { NEWER_NONE, NEWER_THERE, NEWER_WAIT, NEWER_ASK };

static enum newer look_for_newer(struct question *q, const struct cert_chain *than)
{
	struct certcache_entry *e = certcache_entry_of(q->c, &q->key);
	int64_t now = q->t.now;

	if (e && !certrecord_is_of(e->record, than) && certcache_is_fresh(e->fetched, e->until, now)) {
		take(q, e);
		return NEWER_THERE;
	}
	if (find_flight(q))
		return NEWER_WAIT;
	/* Whoever sends tokens with bad signatures can have no more than this. */
	if (!e || now - e->fetched < CERTCACHE_MIN_LIFETIME_S || now - certcache_asked(e, now) < CERTCACHE_MIN_LIFETIME_S || find_negative(q))
		return NEWER_NONE;
	e->asked = now;
	return NEWER_ASK;
}

static void ask_newer(struct question *q, const struct cert_chain *than, unsigned wait_ms)
{
	enum newer n;

	pthread_mutex_lock(&q->c->lock);
	n = look_for_newer(q, than);
	pthread_mutex_unlock(&q->c->lock);
	open_record(q);
	if (n == NEWER_ASK && !q->c->p.pool)
		ask_here(q);
	else if (n == NEWER_ASK && begin(q, true, true))
		return;
	if (q->flight)
		certcache_flight_wait(q->c, q->flight, q->t, wait_ms, &q->a);
	certcache_flight_drop(q->c, q->flight);
}

enum stir_reason certcache_newer(struct certcache *c, struct span url, const struct cert_chain *than, struct certcache_time t, unsigned wait_ms,
				 struct cert_chain **out)
{
	struct question q;

	*out = NULL;
	if (!ask_may(&q, c, url, t))
		return STIR_CERT_UNREACHABLE;
	ask_newer(&q, than, wait_ms);
	if (q.a.chain && is_other(q.a.chain, than)) {
		*out = q.a.chain;
		return STIR_OK;
	}
	cert_chain_unref(q.a.chain);
	return STIR_CERT_UNREACHABLE;
}
