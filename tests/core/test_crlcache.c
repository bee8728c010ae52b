/* Lists from the network: which enter, which stay, when they are asked for again, what survives a restart. */
#include "config.h"

#include "core/crlcache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/store/store_mem.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY, THREADS = 6 };

#define HERE "https://pa.example/crl"
#define THERE "https://pa.example/other"

static struct pki pki, other;
static EVP_PKEY *pa_key, *new_key, *leaf_key;
static X509 *pa, *renewed; /* the administrator, and with another key */
static struct fake_fetch source;
static atomic_llong now_s = T0;

static int64_t clock_s(void)
{
	return atomic_load(&now_s);
}

static struct crlcache *cache_with(struct pool *pool, struct store *keep, size_t max)
{
	const struct crlcache_params p = {
		.fetch = &source.fetch, .pool = pool, .keep = keep, .max_lists = max, .fetch_timeout_ms = 2000, .clock = clock_s};
	struct crlcache *c = crlcache_new(&p);

	if (!c || crlcache_add_signer(c, pa))
		tap_bail("cache");
	return c;
}

static struct list_maker_crl pa_list(int64_t this_update)
{
	return (struct list_maker_crl){
		.issuer = pa, .key = pa_key, .this_update = this_update, .next_update = this_update + DAY, .flaws = LIST_MAKER_INDIRECT};
}

/* What stands at url from now on; kept until the end of the test. */
static struct span serve(const char *url, const struct list_maker_crl *s)
{
	static struct buf pages[64];
	static size_t n;

	if (n == sizeof pages / sizeof *pages)
		tap_bail("too many pages");
	buf_init(&pages[n], 65536);
	list_maker_put(&pages[n], s, n % 2);
	fake_fetch_add(&source, url, buf_span(&pages[n]));
	return buf_span(&pages[n++]);
}

static void set_now(int64_t now)
{
	atomic_store(&now_s, now);
}

/* thisUpdate of the list at url, or 0. */
static long long have(struct crlcache *c, const char *url)
{
	struct crl *l = crlcache_get(c, span_cstr(url), clock_s());
	long long t = l ? crl_this_update(l) : 0;

	crl_unref(l);
	return t;
}

static unsigned tick(struct crlcache *c)
{
	unsigned before = fake_fetch_calls(&source);

	crlcache_tick(c, clock_s());
	return fake_fetch_calls(&source) - before;
}

static struct crlcache_stats stats(struct crlcache *c)
{
	struct crlcache_stats s;

	crlcache_stats(c, &s);
	return s;
}

static struct cert_chain *chain_to(const char *url, const X509 *crl_issuer)
{
	return list_maker_chain(&pki, leaf_key, T0 - DAY, T0 + YEAR, url, crl_issuer);
}

/* --- renewal ------------------------------------------------------------------------- */

static void renewing(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 10);
	struct list_maker_crl s = pa_list(T0);
	struct crlcache_stats st;

	set_now(T0);
	serve(HERE, &s);
	tap_int(have(c, HERE), 0, "nothing at first, and nobody waits");
	tap_int(tick(c), 1, "it is had at the next tick");
	tap_int(have(c, HERE), T0, "then it is there");
	tap_int(tick(c), 0, "and not had again at once");
	set_now(T0 + CRLCACHE_REFRESH_S * 8 / 10);
	tap_int(tick(c), 0, "nor long before an hour");
	s = pa_list(T0 + 100);
	serve(HERE, &s);
	set_now(T0 + CRLCACHE_REFRESH_S * 12 / 10);
	tap_int(tick(c), 1, "but after one");
	tap_int(have(c, HERE), T0 + 100, "the next list takes its place");
	s = pa_list(T0 + 50);
	serve(HERE, &s);
	set_now(clock_s() + 2 * CRLCACHE_REFRESH_S);
	tap_int(tick(c), 1, "later");
	tap_int(have(c, HERE), T0 + 100, "an older one does not");
	st = stats(c);
	tap_ok(st.fetches == 3 && st.refused == 1 && st.failures == 0 && st.lists == 1 && st.current == 1, "counted");
	tap_ok(st.oldest_next_update == T0 + 100 + DAY && st.memory > 0 && st.cause[FETCH_NONE] == 3, "with its end");
	set_now(T0 + 100 + DAY + 1);
	tap_int((long long)stats(c).current, 0, "it does end");
	tap_int(have(c, HERE), T0 + 100, "but stays");
	crlcache_unref(c);
}

/* A list of an hour is renewed when a fifth of it is left. */
static void short_lived(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 10);
	struct list_maker_crl s = pa_list(T0);

	set_now(T0);
	s.next_update = T0 + 1000;
	serve(HERE, &s);
	if (crlcache_want(c, span_cstr(HERE)))
		tap_bail("want");
	tap_int(tick(c), 1, "what is wanted is had without being asked for");
	set_now(T0 + 700);
	tap_int(tick(c), 0, "not before seven tenths");
	set_now(T0 + 900);
	tap_int(tick(c), 1, "but before nine");
	crlcache_unref(c);
}

static void failing(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 10);
	unsigned asked = 0;

	fake_fetch_put(&source, (struct fake_page){.url = HERE, .cause = FETCH_CONNECT});
	set_now(T0);
	tap_int(have(c, HERE), 0, "a host that can't be had");
	for (int64_t t = 0; t < 2 * 3600; t += 10) {
		set_now(T0 + t);
		asked += tick(c);
	}
	tap_ok(asked >= 5 && asked <= 10, "is asked %u times in two hours, less and less often", asked);
	tap_ok(stats(c).failures == asked && stats(c).cause[FETCH_CONNECT] == asked && stats(c).lists == 0, "counted");
	set_now(T0 - 10 * DAY);
	tap_int(tick(c), 1, "a clock that was set back does not stop it");
	crlcache_unref(c);
}

static void idle(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 2);
	struct list_maker_crl s = pa_list(T0);

	serve(HERE, &s);
	serve(THERE, &s);
	set_now(T0);
	if (crlcache_want(c, span_cstr(HERE)))
		tap_bail("want");
	(void)have(c, THERE);
	tap_int(tick(c), 2, "two lists");
	tap_int(crlcache_want(c, span_cstr("https://pa.example/third")), 0, "a third one that is wanted");
	tap_int((long long)stats(c).lists, 1, "pushes out one that is not");
	tap_int(have(c, HERE), T0, "not the other");
	tap_int(crlcache_want(c, span_cstr("https://pa.example/fourth")), -1, "there is an end to it");
	tap_int(have(c, THERE), 0, "and no room for others");
	crlcache_unref(c);
	c = cache_with(NULL, NULL, 10);
	(void)have(c, THERE);
	(void)tick(c);
	set_now(T0 + CRLCACHE_IDLE_S + 1);
	(void)tick(c);
	tap_int((long long)stats(c).lists, 0, "what nobody asks for is let go");
	source.denied = HERE;
	tap_int(crlcache_want(c, span_cstr(HERE)), -1, "what may not be asked is not wanted");
	source.denied = NULL;
	crlcache_unref(c);
}

/* --- signers ------------------------------------------------------------------------------ */

static void signers(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 10);
	struct list_maker_crl s = pa_list(T0);

	set_now(T0);
	s.key = other.ca_key;
	serve(HERE, &s);
	(void)have(c, HERE);
	tap_int(tick(c), 1, "a forged list");
	tap_int(have(c, HERE), 0, "does not enter");
	tap_int((long long)stats(c).refused, 1, "and is counted");
	s = pa_list(T0);
	serve(HERE, &s);
	set_now(T0 + 600);
	(void)tick(c);
	tap_int(have(c, HERE), T0, "the true one does");
	s = pa_list(T0 + 100);
	s.key = other.ca_key;
	serve(HERE, &s);
	set_now(T0 + 2 * CRLCACHE_REFRESH_S);
	(void)tick(c);
	tap_int(have(c, HERE), T0, "and is not pushed out by a forged one");
	/* Another key under the same name, known as well. */
	if (crlcache_add_signer(c, renewed))
		tap_bail("signer");
	s = pa_list(T0 + 200);
	s.issuer = renewed;
	s.key = new_key;
	serve(HERE, &s);
	set_now(T0 + 4 * CRLCACHE_REFRESH_S);
	(void)tick(c);
	tap_int(have(c, HERE), T0, "nor by another key, as long as it is current");
	s.next_update = T0 + 10 * DAY;
	serve(HERE, &s);
	set_now(T0 + DAY + 2 * CRLCACHE_REFRESH_S);
	(void)tick(c);
	tap_int(have(c, HERE), T0 + 200, "but when it has ended");
	s = pa_list(T0 + 100 * DAY);
	serve(HERE, &s);
	set_now(T0 + DAY + 4 * CRLCACHE_REFRESH_S);
	(void)tick(c);
	tap_int(have(c, HERE), T0 + 200, "a list from the future does not enter");
	fake_fetch_add(&source, HERE, span_cstr("<html>not a list</html>"));
	set_now(T0 + DAY + 6 * CRLCACHE_REFRESH_S);
	(void)tick(c);
	tap_int(have(c, HERE), T0 + 200, "nor does what is no list");
	crlcache_unref(c);
}

/* --- chains --------------------------------------------------------------------------------- */

static void chains(void)
{
	struct cert_chain *named = chain_to(HERE, pa), *direct = chain_to(THERE, NULL);
	struct crlcache *c = cache_with(NULL, NULL, 10);
	struct list_maker_crl s = pa_list(T0), own = {.issuer = pki.ca, .key = pki.ca_key, .this_update = T0, .next_update = T0 + DAY};
	unsigned before;

	set_now(T0);
	serve(HERE, &s);
	serve(THERE, &own);
	(void)have(c, THERE);
	(void)tick(c);
	tap_int(have(c, THERE), 0, "the list of a CA that was not seen yet");
	crlcache_chain(c, named, T0, 1000);
	tap_int(have(c, HERE), T0, "a chain's list is had in its thread");
	tap_int(tick(c), 1, "its CA is known now, so its list is asked for again");
	tap_int(have(c, THERE), T0, "and is there");
	before = fake_fetch_calls(&source);
	crlcache_chain(c, named, T0, 1000);
	crlcache_chain(c, direct, T0, 1000);
	tap_int(fake_fetch_calls(&source), before, "chains whose lists are there ask for nothing");
	crlcache_unref(c);
	c = cache_with(NULL, NULL, 10);
	crlcache_chain(c, direct, T0, 0);
	tap_int(have(c, THERE), 0, "without a deadline nothing is had");
	tap_int(tick(c), 1, "but at the next tick");
	tap_int(have(c, THERE), T0, "signed by its CA");
	cert_chain_unref(named);
	cert_chain_unref(direct);
	crlcache_unref(c);
}

/* --- the store --------------------------------------------------------------------------------- */

static void kept(void)
{
	struct cert_chain *chain = chain_to(HERE, pa);
	struct store *store = store_mem_open(4 << 20, clock_s);
	struct crlcache *c = cache_with(NULL, store, 10);
	struct list_maker_crl s = pa_list(T0);
	unsigned before;

	set_now(T0);
	serve(HERE, &s);
	(void)have(c, HERE);
	tap_int(tick(c), 1, "had from the network");
	crlcache_unref(c);
	c = cache_with(NULL, store, 10);
	before = fake_fetch_calls(&source);
	set_now(T0 + 60);
	crlcache_chain(c, chain, T0 + 60, 0);
	tap_int(have(c, HERE), T0, "after a restart it is there");
	tap_int(fake_fetch_calls(&source), before, "without the network");
	tap_int((long long)stats(c).kept_hits, 1, "counted");
	crlcache_unref(c);
	/* A restart that does not know its signer any more. */
	const struct crlcache_params p = {.fetch = &source.fetch, .keep = store, .max_lists = 10, .fetch_timeout_ms = 2000, .clock = clock_s};
	c = crlcache_new(&p);
	crlcache_chain(c, chain, T0 + 60, 0);
	tap_int(have(c, HERE), 0, "what is kept is verified again");
	crlcache_unref(c);
	c = cache_with(NULL, store, 10);
	set_now(T0 + 2 * CRLCACHE_REFRESH_S);
	(void)have(c, HERE);
	fake_fetch_put(&source, (struct fake_page){.url = HERE, .cause = FETCH_CONNECT});
	tap_int(tick(c), 1, "an older copy is had anew");
	tap_int(have(c, HERE), T0, "and stands in if it can't be");
	crlcache_unref(c);
	cert_chain_unref(chain);
	store_close(store);
}

static void too_large(void)
{
	enum { ENTRIES = 20000 };
	struct store *store = store_mem_open(8 << 20, clock_s);
	struct crlcache *c = cache_with(NULL, store, 10);
	struct list_maker_entry *entry = calloc(ENTRIES, sizeof *entry);
	struct list_maker_crl s = pa_list(T0);
	struct buf der;

	for (int i = 0; i < ENTRIES; i++)
		entry[i] = (struct list_maker_entry){.cert = pki.ca, .date = T0, .reason = -1, .issuer = i ? NULL : pki.root};
	s.entry = entry;
	s.n = ENTRIES;
	buf_init(&der, LIMIT_CRL_BYTES);
	list_maker_put(&der, &s, true);
	fake_fetch_add(&source, HERE, buf_span(&der));
	set_now(T0);
	(void)have(c, HERE);
	(void)tick(c);
	tap_ok(der.n > STORE_VALUE_MAX && have(c, HERE) == T0, "a list of %zu octets is used", der.n);
	tap_ok(stats(c).unkept == 1 && stats(c).keep_failures == 0, "but not kept, which is counted");
	crlcache_unref(c);
	store_close(store);
	buf_free(&der);
	free(entry);
}

/* As many lists as there may be, all named by domains, and one more; and how many a tick begins to have. */
static void many(void)
{
	struct crlcache *c = cache_with(NULL, NULL, 0);
	char url[64];
	int taken = 0;

	set_now(T0);
	for (int i = 0; i < LIMIT_CRL_LISTS; i++) {
		snprintf(url, sizeof url, "https://many.example/%d", i);
		taken += crlcache_want(c, span_cstr(url)) == 0;
		if (i < LIMIT_CRL_RENEWALS + 1)
			fake_fetch_put(&source, (struct fake_page){.url = strdup(url), .cause = FETCH_CONNECT});
		if (i == LIMIT_CRL_RENEWALS) {
			tap_int(tick(c), LIMIT_CRL_RENEWALS, "a tick begins with so many");
			tap_int(tick(c), 1, "the next one with the other");
		}
	}
	tap_int(taken, LIMIT_CRL_LISTS, "as many lists as allowed");
	tap_int(crlcache_want(c, span_cstr("https://many.example/more")), -1, "one more has no place");
	crlcache_unref(c);
}

/* --- threads -------------------------------------------------------------------------------------- */

struct worker {
	struct crlcache *c;
	struct cert_chain *chain;
	long long got;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	crlcache_chain(w->c, w->chain, T0, 2000);
	w->got = have(w->c, HERE);
	for (int i = 0; i < 200; i++) {
		struct crl *l = crlcache_get(w->c, span_cstr(i % 2 ? HERE : THERE), T0 + i);

		crl_unref(l);
		crlcache_tick(w->c, T0 + i);
	}
	return NULL;
}

static void threads(void)
{
	struct pool *pool = pool_new(2, 10);
	struct cert_chain *chain = chain_to(HERE, pa);
	struct crlcache *c = cache_with(pool, NULL, 10);
	struct list_maker_crl s = pa_list(T0);
	struct worker w[THREADS];
	pthread_t id[THREADS];
	unsigned before = fake_fetch_calls_of(&source, HERE);
	int all = 0;

	set_now(T0);
	fake_fetch_put(&source, (struct fake_page){.url = HERE, .body = serve(HERE, &s), .delay_ms = 50});
	fake_fetch_put(&source, (struct fake_page){.url = THERE, .cause = FETCH_TIMEOUT});
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){c, chain, 0};
		if (pthread_create(&id[i], NULL, work, &w[i]))
			tap_bail("thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		all += w[i].got == T0;
	}
	tap_int(all, THREADS, "all of them have the list");
	tap_int(fake_fetch_calls_of(&source, HERE) - before, 1, "by one fetch");
	crlcache_unref(c);
	pool_free(pool);
	cert_chain_unref(chain);
}

/* What waits in a pool that stops gives the cache back. */
static void stopping(void)
{
	struct pool *pool = pool_new(1, 10);
	struct crlcache *c = cache_with(pool, NULL, 10);
	struct list_maker_crl s = pa_list(T0);

	set_now(T0);
	serve(HERE, &s);
	fake_fetch_put(&source, (struct fake_page){.url = THERE, .cause = FETCH_TIMEOUT, .held = true});
	(void)have(c, THERE);
	(void)have(c, HERE);
	(void)tick(c);
	crlcache_unref(c);
	pool_stop(pool);
	fake_fetch_release(&source, THERE);
	pool_free(pool);
	tap_ok(true, "a cache that goes while its lists are being had");
}

int main(void)
{
	struct err e;

	fake_fetch_init(&source);
	leaf_key = pki_key_new(PKI_KEY_P256);
	pa_key = pki_key_new(PKI_KEY_P256);
	new_key = pki_key_new(PKI_KEY_P256);
	if (!leaf_key || !pa_key || !new_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) || pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	pa = list_maker_signer(pa_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	renewed = list_maker_signer(new_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	renewing();
	short_lived();
	failing();
	idle();
	signers();
	chains();
	kept();
	too_large();
	many();
	threads();
	stopping();
	X509_free(pa);
	X509_free(renewed);
	EVP_PKEY_free(pa_key);
	EVP_PKEY_free(new_key);
	EVP_PKEY_free(leaf_key);
	pki_free(&pki);
	pki_free(&other);
	return tap_done();
}
