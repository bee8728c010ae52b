/* Fetches of revocation lists: who waits for whom and for how long, how often a failing address is asked, what may come after what. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/crlcache.h"
#include "core/limits.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, HOUR = 3600, DAY = 86400, YEAR = 365 * DAY, LONG_MS = 20 * 1000, PAGES = 64 };

#define PA "https://pa.example/crl"
#define CA "https://ca.example/crl"
#define THIRD "https://x.example/crl"

static struct pki pki, other;
static EVP_PKEY *leaf_key, *pa_key, *new_key;
static X509 *pa, *pa_new; /* the administrator, and with its next key */
static struct fake_fetch net;
static struct buf page[PAGES];
static size_t n_pages;
static _Atomic int64_t the_time;

static int64_t now(void)
{
	return the_time;
}

/* --- a small world ------------------------------------------------------------------ */

static struct list_maker_crl pa_list(int64_t this_update, int64_t next_update)
{
	return (struct list_maker_crl){
		.issuer = pa, .key = pa_key, .this_update = this_update, .next_update = next_update, .flaws = LIST_MAKER_INDIRECT};
}

static struct list_maker_crl ca_list(int64_t this_update, int64_t next_update)
{
	return (struct list_maker_crl){.issuer = pki.ca, .key = pki.ca_key, .this_update = this_update, .next_update = next_update};
}

static struct span octets_of(const struct list_maker_crl *s)
{
	struct buf *b = &page[n_pages++];

	if (n_pages > PAGES)
		tap_bail("more than %d lists", PAGES);
	buf_init(b, LIMIT_CRL_BYTES);
	list_maker_put(b, s, true);
	return buf_span(b);
}

static void serve(const char *url, const struct list_maker_crl *s)
{
	fake_fetch_add(&net, url, octets_of(s));
}

static void hold(const char *url, const struct list_maker_crl *s)
{
	fake_fetch_put(&net, (struct fake_page){.url = url, .body = octets_of(s), .held = true, .lifetime_s = -1});
}

static void end_network(void)
{
	for (size_t i = 0; i < n_pages; i++)
		buf_free(&page[i]);
	n_pages = 0;
	pthread_mutex_destroy(&net.lock);
	pthread_cond_destroy(&net.released);
}

/* Nothing stands anywhere, and it is T0. */
static void fresh(void)
{
	end_network();
	fake_fetch_init(&net);
	the_time = T0;
}

static struct crlcache *open_cache(struct pool *pool)
{
	const struct crlcache_params p = {.fetch = &net.fetch, .pool = pool, .max_lists = 8, .fetch_timeout_ms = LONG_MS, .clock = now};
	struct crlcache *c = crlcache_new(&p);

	if (!c || crlcache_add_signer(c, pa))
		tap_bail("no cache");
	return c;
}

static void want(struct crlcache *c, const char *url)
{
	if (crlcache_want(c, span_cstr(url)))
		tap_bail("no room");
}

static void tick_at(struct crlcache *c, int64_t when)
{
	the_time = when;
	crlcache_tick(c, when);
}

static struct crlcache_stats stats_of(struct crlcache *c)
{
	struct crlcache_stats s;

	crlcache_stats(c, &s);
	return s;
}

/* thisUpdate of what is there; 0: nothing. */
static int64_t there(struct crlcache *c, const char *url)
{
	struct crl *l = crlcache_get(c, span_cstr(url), now());
	int64_t when = l ? crl_this_update(l) : 0;

	crl_unref(l);
	return when;
}

/* A signer whose list is at CA, checked. */
static struct cert_chain *new_chain(void)
{
	return list_maker_chain(&pki, leaf_key, T0, T0 + 60 * DAY, CA, NULL);
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void wait_busy(unsigned n)
{
	while (net.busy < n)
		nap();
}

static void wait_calm(struct pool *p)
{
	struct pool_stats s;

	for (pool_stats(p, &s); s.busy || s.queued; pool_stats(p, &s))
		nap();
}

/* --- waiting ------------------------------------------------------------------------------ */

struct visit {
	struct crlcache *c;
	struct cert_chain *chain;
	unsigned ms; /* 0: LONG_MS */
	int64_t had; /* with ms: thisUpdate of the list right after it */
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	crlcache_chain(v->c, v->chain, T0, v->ms ? v->ms : LONG_MS);
	if (v->ms)
		v->had = there(v->c, CA);
	return NULL;
}

static void start(pthread_t *t, struct visit *v)
{
	if (pthread_create(t, NULL, visit, v))
		tap_bail("no thread");
}

static void waiting(void)
{
	enum { VISITORS = 4 };
	struct list_maker_crl s = ca_list(T0, T0 + 10 * DAY);
	struct visit v = {.chain = new_chain()}, hasty;
	pthread_t t[VISITORS], h;

	fresh();
	hold(CA, &s);
	v.c = open_cache(NULL);
	start(&t[0], &v);
	wait_busy(1);
	crlcache_chain(v.c, v.chain, T0, 0);
	tap_int(net.busy, 1, "who has no time does not wait for another thread's fetch");
	crlcache_chain(v.c, v.chain, T0, 20);
	tap_int(net.busy, 1, "who has little waits so long for it, and no longer");
	tap_int(there(v.c, CA), 0, "and asking never does");
	for (size_t i = 1; i < VISITORS; i++)
		start(&t[i], &v);
	hasty = v;
	hasty.ms = LONG_MS / 2;
	start(&h, &hasty);
	for (int i = 0; i < 20; i++)
		nap();
	fake_fetch_release(&net, CA);
	for (size_t i = 0; i < VISITORS; i++)
		pthread_join(t[i], NULL);
	pthread_join(h, NULL);
	tap_ok(there(v.c, CA) == T0 && fake_fetch_calls(&net) == 1, "all have it from one fetch");
	tap_int(hasty.had, T0, "also who has less time than the fetch may take, when it is done in time");
	crlcache_unref(v.c);

	fresh();
	hold(CA, &s);
	v.c = open_cache(NULL);
	crlcache_chain(v.c, v.chain, T0, 20);
	tap_ok(there(v.c, CA) == 0 && stats_of(v.c).cause[FETCH_TIMEOUT] == 1, "a deadline is one");
	crlcache_chain(v.c, v.chain, T0 + 1, 20);
	tap_int(fake_fetch_calls(&net), 1, "the next chain does not wait for the same again");
	crlcache_unref(v.c);
	cert_chain_unref(v.chain);
}

/* --- the pool ------------------------------------------------------------------------------ */

static void in_the_pool(void)
{
	struct list_maker_crl s = pa_list(T0, T0 + 10 * DAY);
	struct pool *pool = pool_new(1, 16);
	struct pool_stats p;
	struct crlcache *c;

	fresh();
	hold(PA, &s);
	serve(THIRD, &s);
	c = open_cache(pool);
	want(c, PA);
	want(c, THIRD);
	for (int i = 0; i < 3; i++) {
		tick_at(c, T0 + 5 * i);
		wait_busy(1);
	}
	pool_stats(pool, &p);
	tap_int((long long)p.queued, 1, "what waits its turn waits once, whatever ticks there are");
	fake_fetch_release(&net, PA);
	wait_calm(pool);
	tap_ok(there(c, PA) && there(c, THIRD), "the pool has had both");
	tap_int(fake_fetch_calls_of(&net, PA), 1, "the one under way once");
	tap_int(fake_fetch_calls_of(&net, THIRD), 1, "and the one that waited");
	tick_at(c, T0 + 2 * HOUR);
	wait_calm(pool);
	tap_int(fake_fetch_calls_of(&net, THIRD), 2, "it can wait again");
	hold(PA, &s);
	tick_at(c, T0 + 4 * HOUR);
	wait_busy(1);
	crlcache_unref(c);
	fake_fetch_release(&net, PA);
	pool_free(pool);
	tap_int(net.busy, 0, "a late fetch outlives the cache");
}

/* Had by a chain while a job for it waits: the job has nothing to do. */
static void overtaken(void)
{
	struct list_maker_crl s = pa_list(T0, T0 + 10 * DAY), own = ca_list(T0, T0 + 10 * DAY);
	struct cert_chain *chain = new_chain();
	struct pool *pool = pool_new(1, 16);
	struct crlcache *c;

	fresh();
	hold(PA, &s);
	c = open_cache(pool);
	want(c, PA);
	tick_at(c, T0);
	wait_busy(1);
	serve(CA, &own);
	want(c, CA);
	tick_at(c, T0);
	crlcache_chain(c, chain, T0, LONG_MS);
	tap_int(there(c, CA), T0, "a chain need not wait for the queue");
	fake_fetch_release(&net, PA);
	wait_calm(pool);
	tap_int(fake_fetch_calls_of(&net, CA), 1, "and what it had is not had again");
	crlcache_unref(c);
	pool_free(pool);
	cert_chain_unref(chain);
}

static void no_pool(void)
{
	struct list_maker_crl s = pa_list(T0, T0 + 10 * DAY);
	struct pool *pool = pool_new(1, 0), *stopped = pool_new(1, 16);
	struct crlcache *c;

	fresh();
	pool_stop(stopped);
	c = open_cache(stopped);
	want(c, PA);
	tick_at(c, T0);
	tick_at(c, T0 + 5);
	tap_ok(fake_fetch_calls(&net) == 0 && stats_of(c).cause[FETCH_BUSY] == 2, "a pool that takes nothing more is asked at each tick");
	crlcache_unref(c);
	pool_free(stopped);

	fresh();
	hold(PA, &s);
	serve(THIRD, &s);
	c = open_cache(pool);
	want(c, PA);
	want(c, THIRD);
	tick_at(c, T0);
	wait_busy(1);
	fake_fetch_release(&net, PA);
	wait_calm(pool);
	tap_ok(there(c, PA) && there(c, THIRD), "lists have places of their own in one that has none for others");
	crlcache_unref(c);
	pool_free(pool);
}

/* --- when ---------------------------------------------------------------------------------- */

/* Every wait is one of these, give or take a tenth. */
static void retries(void)
{
	static const int wait[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
	struct list_maker_crl s = pa_list(T0, T0 + 10 * DAY), brief = pa_list(T0, T0 + 20);
	int64_t at = T0;
	unsigned calls = 1;
	struct crlcache *c;

	fresh();
	fake_fetch_put(&net, (struct fake_page){.url = PA, .cause = FETCH_CONNECT});
	c = open_cache(NULL);
	want(c, PA);
	tick_at(c, at);
	for (size_t i = 0; i < sizeof wait / sizeof *wait; i++) {
		tick_at(c, at + wait[i] - wait[i] / 10 - 1);
		tap_int(fake_fetch_calls(&net), calls, "failure %zu: not before %d s", i + 1, wait[i]);
		at += wait[i] + wait[i] / 10;
		tick_at(c, at);
		tap_int(fake_fetch_calls(&net), ++calls, "failure %zu: after %d s", i + 1, wait[i]);
	}
	serve(PA, &s);
	tick_at(c, at += 2 * HOUR);
	tap_int(there(c, PA), T0, "then it is there");
	fake_fetch_put(&net, (struct fake_page){.url = PA, .cause = FETCH_CONNECT});
	tick_at(c, at += 2 * HOUR);
	tap_int(there(c, PA), T0, "and stays when it is not to be had");
	calls = fake_fetch_calls(&net);
	tick_at(c, at + 53);
	tap_int(fake_fetch_calls(&net), calls, "not at once");
	tick_at(c, at + 66);
	tap_int(fake_fetch_calls(&net), calls + 1, "the waits begin anew");
	crlcache_unref(c);

	fresh();
	serve(PA, &brief);
	c = open_cache(NULL);
	want(c, PA);
	tick_at(c, T0);
	tick_at(c, T0 + 53);
	tap_int(fake_fetch_calls(&net), 1, "a list of seconds is not had more than once a minute");
	tick_at(c, T0 + 66);
	tap_int(fake_fetch_calls(&net), 2, "but then");
	crlcache_unref(c);
}

/* --- what after what ----------------------------------------------------------------------- */

/* What stands there at that time, if next is served after first. */
static void expect(const struct list_maker_crl *first, const struct list_maker_crl *next, int64_t when, bool enters, const char *what)
{
	struct crlcache *c;

	fresh();
	serve(PA, first);
	c = open_cache(NULL);
	want(c, PA);
	if (crlcache_add_signer(c, pa_new) || crlcache_add_signer(c, pki.ca))
		tap_bail("no room");
	tick_at(c, T0);
	if (there(c, PA) != first->this_update)
		tap_bail("the first list does not enter");
	serve(PA, next);
	tick_at(c, when);
	tap_int(there(c, PA), enters ? next->this_update : first->this_update, "%s: %s", what, enters ? "taken" : "not taken");
	tap_int((long long)stats_of(c).refused, !enters, "%s: counted", what);
	crlcache_unref(c);
}

static void older_and_newer(void)
{
	struct list_maker_crl a = pa_list(T0, T0 + DAY), b = pa_list(T0 + HOUR, T0 + 2 * DAY);
	const int64_t later = T0 + 2 * HOUR, over = T0 + DAY + HOUR;

	expect(&a, &b, later, true, "a newer one");
	b.this_update = T0 - HOUR;
	expect(&a, &b, later, false, "an older one");
	expect(&a, &b, over, false, "an older one, when the other has ended");
	b.this_update = T0 + HOUR;
	a.number = 7;
	b.number = 6;
	expect(&a, &b, later, false, "a lower number");
	b.number = 8;
	expect(&a, &b, later, true, "a higher number");
	b.this_update = later + CRL_SKEW_S + 1;
	expect(&a, &b, later, false, "one of the future");
	b.this_update = later + CRL_SKEW_S;
	expect(&a, &b, later, true, "one of a clock that is ahead a little");
}

static void flawed(void)
{
	static const struct {
		unsigned flaws;
		const char *what;
	} flaws[] = {
		{LIST_MAKER_SHA1, "one signed with SHA-1"},
		{LIST_MAKER_DELTA, "a delta list"},
		{LIST_MAKER_UNKNOWN_CRITICAL, "one with an unknown critical extension"},
		{LIST_MAKER_WRONG_AKI, "one with the identifier of another key"},
	};
	struct list_maker_crl a = pa_list(T0, T0 + DAY), b = pa_list(T0 + HOUR, T0 + 2 * DAY);

	for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
		b.flaws = LIST_MAKER_INDIRECT | flaws[i].flaws;
		expect(&a, &b, T0 + 2 * HOUR, false, flaws[i].what);
	}
}

static void of_others(void)
{
	struct list_maker_crl a = pa_list(T0, T0 + DAY), b = pa_list(T0 + HOUR, T0 + 2 * DAY);
	const int64_t later = T0 + 2 * HOUR, over = T0 + DAY + HOUR;

	b.key = other.ca_key;
	expect(&a, &b, later, false, "a forged one");
	expect(&a, &b, over, false, "a forged one, when the other has ended");
	b = ca_list(T0 + HOUR, T0 + 2 * DAY);
	expect(&a, &b, later, false, "one of another known signer");
	expect(&a, &b, over, true, "one of another known signer, when the other has ended");
	b = pa_list(T0 + HOUR, T0 + 2 * DAY);
	b.issuer = pa_new;
	b.key = new_key;
	expect(&a, &b, later, false, "one with the signer's next key");
	expect(&a, &b, over, true, "one with the signer's next key, when the other has ended");
}

int main(void)
{
	struct err e;

	leaf_key = pki_key_new(PKI_KEY_P256);
	pa_key = pki_key_new(PKI_KEY_P256);
	new_key = pki_key_new(PKI_KEY_P256);
	if (!leaf_key || !pa_key || !new_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) || pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	pa = list_maker_signer(pa_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	pa_new = list_maker_signer(new_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	fake_fetch_init(&net);
	waiting();
	in_the_pool();
	overtaken();
	no_pool();
	retries();
	older_and_newer();
	flawed();
	of_others();
	end_network();
	X509_free(pa);
	X509_free(pa_new);
	EVP_PKEY_free(leaf_key);
	EVP_PKEY_free(pa_key);
	EVP_PKEY_free(new_key);
	pki_free(&pki);
	pki_free(&other);
	return tap_done();
}
