/*
 * The cache of chains, over a restart: what is kept in a store, what comes out of
 * it, and that nothing does which does not validate.
 */
#include "config.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/certcache_internal.h"
#include "core/limits.h"
#include "core/store/store_mem.h"
#include "engine/clock.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/tap.h"

enum { T0 = CERT_SOURCE_T0, DAY = CERT_SOURCE_DAY, LONG_MS = 60 * 1000, SLOTS = 8, THREADS = 2, QUEUE = 10 };

static const char URL[] = "https://example.com/1.pem";
static struct cert_source source;

/* --- a store that can be looked into -------------------------------------------------- */

struct slots {
	struct store store; /* first */
	pthread_mutex_t lock; /* holds all below */
	struct slot {
		char key[STORE_KEY_MAX];
		size_t key_n;
		struct buf value;
		uint32_t ttl_s;
	} slot[SLOTS];
	size_t n;
	int gets;
	bool fails;
};

static struct slot *find(struct slots *s, struct span key)
{
	for (size_t i = 0; i < s->n; i++)
		if (span_eq(span_make(s->slot[i].key, s->slot[i].key_n), key))
			return &s->slot[i];
	return NULL;
}

static int slots_get(struct store *base, struct span key, struct buf *value, struct err *e)
{
	struct slots *s = (struct slots *)base;
	struct slot *at;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	s->gets++;
	at = find(s, key);
	if (s->fails)
		rc = err_set(e, ERR_UNAVAILABLE, "the disk is gone");
	else if (at)
		rc = buf_put_span(value, buf_span(&at->value)) ? -1 : 1;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int slots_put(struct store *base, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	struct slots *s = (struct slots *)base;
	struct slot *at;
	int rc;

	pthread_mutex_lock(&s->lock);
	at = find(s, key);
	if (!at && s->n < SLOTS) {
		at = &s->slot[s->n++];
		memcpy(at->key, key.p, key.n);
		at->key_n = key.n;
		buf_init(&at->value, STORE_VALUE_MAX);
	}
	if (s->fails || !at) {
		rc = err_set(e, ERR_UNAVAILABLE, "the disk is full");
	} else {
		at->ttl_s = ttl_s;
		buf_reset(&at->value);
		rc = buf_put_span(&at->value, value);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static const struct store_ops slots_ops = {.get = slots_get, .put = slots_put};

static void slots_open(struct slots *s)
{
	memset(s, 0, sizeof *s);
	s->store.ops = &slots_ops;
	if (pthread_mutex_init(&s->lock, NULL))
		tap_bail("no lock");
}

static void slots_close(struct slots *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_free(&s->slot[i].value);
	pthread_mutex_destroy(&s->lock);
}

/* --- a life between two restarts -------------------------------------------------------- */

static struct pool *pool;

/* What is to be known of a chain beside its octets: had at once, or in a while. */
static struct {
	bool (*validated)(void *arg, const struct cert_chain *c, int64_t now, unsigned deadline_ms);
	atomic_int at_once, in_time;
	sem_t go_on;
} more;

static struct certcache *start(struct store *keep, struct trustset *trust, int64_t now)
{
	struct certcache_params p = cert_source_params(&source, NULL);

	p.validated = more.validated;
	pool = pool_new(THREADS, QUEUE);
	if (!pool)
		tap_bail("no pool");
	p.pool = pool;
	p.keep = keep;
	if (trust)
		p.trust = trust;
	cert_source_set_now(now);
	source.calls = 0;
	return cert_source_cache(&p);
}

static void stop(struct certcache *c)
{
	cert_source_calm(c);
	certcache_unref(c);
	pool_free(pool);
}

static enum stir_reason get(struct certcache *c, unsigned wait_ms)
{
	struct cert_chain *chain;
	enum stir_reason r = certcache_get(c, span_cstr(URL), cert_source_time(), wait_ms, &chain, NULL);

	cert_chain_unref(chain);
	cert_source_calm(c);
	return r;
}

static void say_good(void)
{
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
}

static void say_down(void)
{
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
}

/* Fills a store as a daemon would. */
static void fill(struct slots *s)
{
	struct certcache *c;

	slots_open(s);
	say_good();
	c = start(&s->store, NULL, T0);
	if (get(c, LONG_MS) != STIR_OK || s->n != 1)
		tap_bail("nothing kept");
	stop(c);
	s->gets = 0;
}

/* --- rows --------------------------------------------------------------------------------- */

static void restart(void)
{
	struct certcache_stats st;
	struct certcache *c;
	struct slots s;

	fill(&s);
	tap_int(s.slot[0].ttl_s, 2 * DAY, "kept for its time and the day it may stand in");
	say_down();
	c = start(&s.store, NULL, T0 + 1000);
	tap_int(get(c, 0), STIR_OK, "after a restart, a message that may not wait has its chain");
	tap_int(get(c, 0), STIR_OK, "and the next");
	st = cert_source_stats(c);
	tap_ok(cert_source_calls(&source) == 0 && st.kept_hits == 1 && st.hits == 1 && st.fetches == 0 && s.gets == 1, "without any fetch, of one look into the store");
	cert_source_set_now(T0 + DAY - 1);
	tap_int(get(c, 0), STIR_OK, "for as long as it would have lived");
	say_good();
	cert_source_set_now(T0 + DAY);
	tap_int(get(c, LONG_MS), STIR_OK, "then it is fetched");
	tap_int(cert_source_calls(&source), 1, "once");
	stop(c);
	slots_close(&s);
}

static void ahead(void)
{
	struct certcache *c;
	struct slots s;

	fill(&s);
	say_down();
	c = start(&s.store, NULL, T0 + 1000);
	certcache_start(c, span_cstr(URL), cert_source_time());
	cert_source_calm(c);
	tap_ok(cert_source_calls(&source) == 0 && cert_source_stats(c).kept_hits == 1, "a start ahead finds it as well");
	tap_int(get(c, 0), STIR_OK, "before the message asks");
	stop(c);
	slots_close(&s);
}

/* The pool is stuck: what is kept is served all the same. */
static void stuck(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c;
	struct slots s;

	fill(&s);
	pool = pool_new(1, 10);
	p.pool = pool;
	p.keep = &s.store;
	c = cert_source_cache(&p);
	source.calls = 0;
	cert_source_hold(&source);
	certcache_start(c, span_cstr("https://example.net/stalls"), cert_source_time());
	cert_source_wait_inside(&source, 1);
	certcache_start(c, span_cstr(URL), cert_source_time());
	cert_source_say(&source, 0, FETCH_NOT_FOUND, -1, span_cstr(""));
	{
		struct cert_chain *chain;

		tap_int(certcache_get(c, span_cstr(URL), cert_source_time(), 0, &chain, NULL), STIR_OK, "a pool full of stalled fetches holds up nothing that is kept");
		cert_chain_unref(chain);
	}
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(cert_source_calls(&source), 1, "and the flight that waited finds it in memory");
	tap_int(get(c, 0), STIR_OK, "where it stays");
	stop(c);
	slots_close(&s);
}

/* A message that has waited for other tokens' looks already asks the store no more. */
static void slow_store(void)
{
	struct certcache_time t;
	struct cert_chain *chain;
	struct certcache *c;
	struct slots s;

	fill(&s);
	say_down();
	c = start(&s.store, NULL, T0 + 1000);
	t = cert_source_time();
	t.ms -= CERTCACHE_LOOK_FREE_MS + 1;
	tap_int(certcache_get(c, span_cstr(URL), t, 0, &chain, NULL), STIR_CERT_UNREACHABLE, "a message without time that has waited once does not look again");
	cert_chain_unref(chain);
	cert_source_calm(c);
	tap_ok(cert_source_stats(c).kept_hits == 1 && cert_source_calls(&source) == 0, "its flight does, and finds it for the next");
	stop(c);
	c = start(&s.store, NULL, T0 + 1000);
	t = cert_source_time();
	t.ms -= 1000;
	tap_int(certcache_get(c, span_cstr(URL), t, 1500, &chain, NULL), STIR_OK, "one with time left for a look does");
	cert_chain_unref(chain);
	stop(c);
	slots_close(&s);
}

static void stale(void)
{
	struct certcache *c;
	struct slots s;

	fill(&s);
	say_down();
	c = start(&s.store, NULL, T0 + DAY + 10);
	tap_int(get(c, LONG_MS), STIR_OK, "a restart while the server is down: what is kept stands in");
	tap_ok(cert_source_calls(&source) == 1 && cert_source_stats(c).stale_used == 1 && cert_source_stats(c).kept_hits == 0, "after it was asked for");
	tap_int(get(c, LONG_MS), STIR_OK, "again");
	tap_int(s.gets, 1, "without the store");
	cert_source_set_now(T0 + 2 * DAY);
	tap_int(get(c, LONG_MS), STIR_CERT_UNREACHABLE, "for a day");
	stop(c);
	c = start(&s.store, NULL, T0 + 2 * DAY);
	tap_int(get(c, LONG_MS), STIR_CERT_UNREACHABLE, "whatever the store still has");
	tap_int((long long)cert_source_stats(c).kept_refused, 1, "which is counted");
	stop(c);
	slots_close(&s);
}

/* Other anchors now than when it was kept. */
static void trust_changed(void)
{
	struct cert_source elsewhere;
	struct certcache *c;
	struct slots s;

	fill(&s);
	cert_source_open(&elsewhere, false);
	say_good();
	c = start(&s.store, elsewhere.trust, T0 + 10);
	tap_int(get(c, LONG_MS), STIR_CERT_UNTRUSTED, "what is kept is judged by the anchors of today");
	tap_ok(cert_source_calls(&source) == 1 && cert_source_stats(c).kept_refused == 1, "and fetched again");
	stop(c);
	cert_source_close(&elsewhere);
	cert_source_set_now(T0);
	slots_close(&s);
}

/* What a store may give back. */
static void damage(struct slots *s, int how)
{
	struct buf *v = &s->slot[0].value;
	struct certcache_kept k, other;
	struct buf whole;

	buf_init(&whole, STORE_VALUE_MAX);
	if (buf_put_span(&whole, buf_span(v)) || certcache_kept_read(buf_span(&whole), &k))
		tap_bail("what was kept can't be read");
	other = k;
	buf_reset(v);
	switch (how) {
	case 0: /* nothing */
		break;
	case 1: /* cut */
		(void)buf_put(v, whole.p, whole.n / 2);
		break;
	case 2: /* an octet of the certificate */
		(void)buf_put(v, whole.p, whole.n);
		v->p[v->n / 4] ^= 1;
		break;
	case 3:
		(void)buf_puts(v, "certcache 2 1 2 https://example.com/1.pem\n");
		(void)buf_put_span(v, k.pem);
		break;
	case 4: /* of another address */
		other.url = span_cstr("https://example.com/2.pem");
		break;
	case 5: /* from the future */
		other.fetched += DAY;
		other.until += DAY;
		break;
	case 6: /* for ever */
		other.until += 100 * DAY;
		break;
	case 7: /* of somebody else */
		other.pem = buf_span(&source.foreign);
		break;
	case 8:
		(void)buf_printf(v, "certcache 1 -1 99999999999999 %s\n", URL);
		(void)buf_put_span(v, k.pem);
		break;
	case 9: /* octets */
		for (int i = 0; i < 100; i++)
			(void)buf_putc(v, (char)(i * 37));
		break;
	}
	if (v->n == 0 && how && certcache_kept_write(v, &other))
		tap_bail("can't write");
	buf_free(&whole);
}

static void damaged(void)
{
	for (int how = 0; how < 10; how++) {
		struct certcache *c;
		struct slots s;
		struct buf before;

		fill(&s);
		buf_init(&before, STORE_VALUE_MAX);
		if (buf_put_span(&before, buf_span(&s.slot[0].value)))
			tap_bail("no memory");
		damage(&s, how);
		c = start(&s.store, NULL, T0);
		tap_ok(get(c, LONG_MS) == STIR_OK && cert_source_calls(&source) == 1 && cert_source_stats(c).kept_refused == 1 && cert_source_stats(c).kept_hits == 0,
		       "damage %d: fetched again", how);
		tap_span(buf_span(&s.slot[0].value), buf_span(&before), "and kept in its place");
		stop(c);
		buf_free(&before);
		slots_close(&s);
	}
}

/* What is kept is a chain that validated, and nothing else. */
static void only_validated(void)
{
	struct certcache_kept k;
	struct certcache *c;
	struct slots s;

	slots_open(&s);
	c = start(&s.store, NULL, T0);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.foreign));
	tap_ok(get(c, LONG_MS) == STIR_CERT_UNTRUSTED && s.n == 0, "an untrusted chain is not kept");
	cert_source_say(&source, 1, FETCH_NONE, -1, span_cstr("<html>"));
	cert_source_set_now(T0 + 100);
	tap_ok(get(c, LONG_MS) == STIR_CERT_INVALID && s.n == 0, "nor is what is none");
	say_down();
	cert_source_set_now(T0 + 200);
	tap_ok(get(c, LONG_MS) == STIR_CERT_UNREACHABLE && s.n == 0, "nor a failure");
	say_good();
	cert_source_set_now(T0 + 300);
	tap_ok(get(c, LONG_MS) == STIR_OK && s.n == 1, "one that validated is");
	tap_ok(certcache_kept_read(buf_span(&s.slot[0].value), &k) == 0 && k.fetched == T0 + 300 && k.until == T0 + 300 + DAY, "with its times");
	tap_span_is(k.url, URL, "its address");
	tap_span(k.pem, buf_span(&source.good), "and the octets that were served");
	tap_ok(span_starts(span_make(s.slot[0].key, s.slot[0].key_n), "cert:") && s.slot[0].key_n == 48, "under a key that is no address");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.foreign));
	cert_source_set_now(T0 + 300 + DAY);
	tap_int(get(c, LONG_MS), STIR_CERT_UNTRUSTED, "an untrusted successor");
	tap_ok(certcache_kept_read(buf_span(&s.slot[0].value), &k) == 0 && span_eq(k.pem, buf_span(&source.good)), "takes no place");
	stop(c);
	slots_close(&s);
}

static void store_fails(void)
{
	struct certcache *c;
	struct slots s;

	slots_open(&s);
	s.fails = true;
	say_good();
	c = start(&s.store, NULL, T0);
	tap_int(get(c, LONG_MS), STIR_OK, "a store that fails harms no message");
	tap_int((long long)cert_source_stats(c).keep_failures, 2, "and is counted");
	stop(c);
	slots_close(&s);
}

/* Number lists that stand elsewhere are not kept, so neither are their chains. */
static void list_elsewhere(void)
{
	struct certcache *c;
	struct slots s;
	struct buf pem, list;

	slots_open(&s);
	cert_source_chain(&source.pki, T0, T0 + 2 * DAY, "https://example.com/list", &pem);
	cert_source_list(&list);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&pem));
	c = start(&s.store, NULL, T0);
	/* The list's address gives the chain as well, which is no list. */
	tap_int(get(c, LONG_MS), STIR_CERT_INVALID, "a list by reference that is none");
	tap_ok(cert_source_calls(&source) == 2 && s.n == 0, "was fetched, and nothing is kept");
	source.list = buf_span(&list);
	cert_source_set_now(T0 + 60);
	tap_int(get(c, LONG_MS), STIR_OK, "one that is");
	tap_ok(cert_source_calls(&source) == 4 && s.n == 0, "makes the chain good, for memory only");
	tap_ok(get(c, 0) == STIR_OK && cert_source_calls(&source) == 4, "where it is found");
	cert_source_set_now(T0 + 60 + DAY);
	tap_ok(get(c, LONG_MS) == STIR_OK && cert_source_calls(&source) == 6, "with the same chain the list is asked for anew");
	source.list = span_cstr("");
	stop(c);
	slots_close(&s);
	buf_free(&pem);
	buf_free(&list);
}

static bool takes_time(void *arg, const struct cert_chain *c, int64_t now, unsigned deadline_ms)
{
	(void)arg;
	(void)c;
	(void)now;
	atomic_fetch_add(deadline_ms ? &more.in_time : &more.at_once, 1);
	while (deadline_ms && sem_wait(&more.go_on))
		;
	return deadline_ms != 0;
}

/* A revocation list that a message's own thread can not have at once is no reason to do without. */
static void incomplete(void)
{
	struct cert_chain *chain;
	struct certcache *c;
	struct slots s;

	slots_open(&s);
	say_good();
	c = start(&s.store, NULL, T0);
	(void)get(c, LONG_MS);
	stop(c);
	say_down();
	if (sem_init(&more.go_on, 0, 1))
		tap_bail("no semaphore");
	more.validated = takes_time;
	c = start(&s.store, NULL, T0 + 100);
	tap_int(get(c, LONG_MS), STIR_OK, "what is kept is completed in a fetching thread");
	tap_ok(more.at_once == 1 && more.in_time == 1 && cert_source_calls(&source) == 0, "which asks nobody for the chain");
	tap_ok(get(c, 0) == STIR_OK && more.at_once == 1 && more.in_time == 1, "once");
	stop(c);

	c = start(&s.store, NULL, T0 + 100);
	tap_int(certcache_get(c, span_cstr(URL), cert_source_time(), 50, &chain, NULL), STIR_OK, "who can not wait so long has the chain");
	cert_chain_unref(chain);
	tap_ok(more.in_time == 2 && cert_source_stats(c).flights == 1 && cert_source_stats(c).gave_up == 0, "while the rest is still being had");
	(void)sem_post(&more.go_on);
	stop(c);
	more.validated = NULL;
	(void)sem_destroy(&more.go_on);
	slots_close(&s);
}

static void occupy(void *arg, bool cancelled)
{
	while (!cancelled && sem_wait(arg))
		;
}

/* Fetching threads that are all at work with others are no reason to do without what is at hand. */
static void incomplete_and_busy(void)
{
	struct cert_chain *chain;
	struct certcache *c;
	struct slots s;
	sem_t busy;

	slots_open(&s);
	say_good();
	c = start(&s.store, NULL, T0);
	(void)get(c, LONG_MS);
	stop(c);
	say_down();
	more.validated = takes_time;
	for (int full = 0; full <= 1; full++) {
		if (sem_init(&busy, 0, 0) || sem_init(&more.go_on, 0, 1))
			tap_bail("no semaphore");
		c = start(&s.store, NULL, T0 + 100);
		for (int i = 0; i < (full ? THREADS + QUEUE : THREADS); i++)
			if (pool_submit_own(pool, occupy, &busy))
				tap_bail("no place in the pool");
		tap_int(certcache_get(c, span_cstr(URL), cert_source_time(), 50, &chain, NULL), STIR_OK, full ? "nor is a queue that is full" : "no thread in time: the kept chain as it is");
		cert_chain_unref(chain);
		for (int i = 0; i < THREADS + QUEUE; i++)
			(void)sem_post(&busy);
		stop(c);
		(void)sem_destroy(&more.go_on);
		(void)sem_destroy(&busy);
	}
	more.validated = NULL;
	slots_close(&s);
}

static int64_t clock_of_test(void)
{
	return cert_source_time().now;
}

static void real_store(void)
{
	struct store *keep = store_mem_open(1024 * 1024, clock_of_test);
	struct certcache *c;

	if (!keep)
		tap_bail("no store");
	say_good();
	c = start(keep, NULL, T0);
	(void)get(c, LONG_MS);
	stop(c);
	say_down();
	c = start(keep, NULL, T0 + 100);
	tap_ok(get(c, 0) == STIR_OK && cert_source_calls(&source) == 0, "with the store of this house, too");
	stop(c);
	store_close(keep);
}

int main(void)
{
	cert_source_open(&source, false);
	restart();
	ahead();
	stuck();
	slow_store();
	stale();
	trust_changed();
	damaged();
	only_validated();
	store_fails();
	list_elsewhere();
	incomplete();
	incomplete_and_busy();
	real_store();
	cert_source_close(&source);
	return tap_done();
}
