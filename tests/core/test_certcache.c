/* The cache of chains: what is fetched when, what enters, what leaves first, and threads. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/certcache.h"
#include "core/limits.h"
#include "ctl/pki.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, TTL_S = 100, TTL_MS = TTL_S * 1000, URLS = 6 };

/* Answers from a table; any thread. */
struct fake_fetch {
	struct fetch fetch;
	atomic_int calls;
	int answer;             /* what get() returns */
	struct span content;    /* for all URLs */
	unsigned last_deadline; /* single thread only */
	bool one_thread;
};

static int fake_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct err *e)
{
	struct fake_fetch *fake = (struct fake_fetch *)f;

	(void)url;
	atomic_fetch_add(&fake->calls, 1);
	if (fake->one_thread)
		fake->last_deadline = deadline_ms;
	if (fake->answer < 0)
		return err_set(e, ERR_UNAVAILABLE, "the host is down");
	if (fake->answer == 0)
		return 0;
	return buf_put_span(out, fake->content) ? err_set(e, ERR_DATA, "too large") : 1;
}

static bool closed;

static void fake_close(struct fetch *f)
{
	(void)f;
	closed = true;
}

static const struct fetch_ops fake_ops = {fake_get, fake_close};

static struct pki pki, other;
static struct trust *trust;
static struct buf good, again, foreign;

static void make_chain(struct pki *p, struct buf *out)
{
	EVP_PKEY *key;
	struct err e;
	X509 *x;

	buf_init(out, LIMIT_CHAIN_BYTES);
	if (pki_issue(p, "spc:1234", "Test", T0, T0 + DAY, &key, &x, &e) || pki_put_chain(out, p, x))
		tap_bail("%s", e.text);
	EVP_PKEY_free(key);
	X509_free(x);
}

static void setup(void)
{
	struct buf pem;
	struct err e;

	if (pki_init(&pki, "Test", T0 - DAY, T0 + DAY, &e) || pki_init(&other, "Other", T0 - DAY, T0 + DAY, &e))
		tap_bail("%s", e.text);
	make_chain(&pki, &good);
	make_chain(&pki, &again);
	make_chain(&other, &foreign);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_put_cert(&pem, pki.root) || trust_open("anchors", buf_span(&pem), &trust, &e))
		tap_bail("anchors");
	buf_free(&pem);
}

static struct fake_fetch fake_new(struct span content)
{
	return (struct fake_fetch){.fetch = {&fake_ops}, .answer = 1, .content = content, .one_thread = true};
}

static struct certcache *cache_new(struct fake_fetch *f, size_t max)
{
	struct certcache *c = certcache_new(&f->fetch, trust, max, TTL_S);

	if (!c)
		tap_bail("no cache");
	return c;
}

/* One look at url number i; says whether it was fetched. */
static int look(struct certcache *c, struct fake_fetch *f, int i, int64_t now_ms, struct cert_chain **out)
{
	struct cert_chain *chain;
	char url[64];
	int before = f->calls;

	snprintf(url, sizeof url, "https://example.com/%d.pem", i);
	if (certcache_get(c, span_cstr(url), now_ms, 1500, &chain, NULL) != STIR_OK)
		tap_bail("%s", url);
	if (out)
		*out = chain;
	else
		cert_chain_unref(chain);
	return f->calls - before;
}

static void lifetime(void)
{
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache *c = cache_new(&f, 10);
	struct cert_chain *first, *chain;
	struct certcache_stats s;
	int64_t from, until;

	tap_int(look(c, &f, 1, 0, &first), 1, "the first time it is fetched");
	tap_int((long long)f.last_deadline, 1500, "with the caller's deadline");
	cert_chain_validity(first, &from, &until);
	tap_ok(from == T0 && until == T0 + DAY, "and has its path's validity");
	tap_int(look(c, &f, 1, TTL_MS - 1, &chain), 0, "then it is not, as long as it lives");
	tap_ok(chain == first, "and it is the same chain");
	cert_chain_unref(chain);
	tap_int(look(c, &f, 1, TTL_MS, &chain), 1, "fetched again at its end");
	tap_ok(chain == first, "the same octets keep their verdict");
	cert_chain_unref(chain);
	tap_int(look(c, &f, 1, 2 * TTL_MS - 1, NULL), 0, "and live again");
	f.content = buf_span(&again);
	tap_int(look(c, &f, 1, 2 * TTL_MS, &chain), 1, "other octets");
	tap_ok(chain != first, "are another chain");
	cert_chain_unref(chain);
	tap_int((long long)cert_chain_count(first), 2, "the old one lives while it is held");
	cert_chain_unref(first);
	certcache_stats(c, &s);
	tap_ok(s.hits == 2 && s.misses == 3 && s.failures == 0 && s.evictions == 0 && s.entries == 1, "counted");
	certcache_free(c);
}

static void refusals(void)
{
	const struct {
		int answer;
		struct span content;
		enum stir_reason want;
	} cases[] = {
		{0, {NULL, 0}, STIR_CERT_UNREACHABLE},
		{-1, {NULL, 0}, STIR_CERT_UNREACHABLE},
		{1, {NULL, 0}, STIR_CERT_INVALID},
		{1, span_cstr("<html>"), STIR_CERT_INVALID},
		{1, buf_span(&foreign), STIR_CERT_UNTRUSTED},
	};
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache *c = cache_new(&f, 10);
	struct certcache_stats s;
	struct cert_chain *chain;
	struct err why;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum stir_reason got;

		chain = (struct cert_chain *)&f;
		err_clear(&why);
		f.answer = cases[i].answer;
		f.content = cases[i].content;
		got = certcache_get(c, span_cstr("https://example.com/x"), 0, 0, &chain, &why);
		tap_str(stir_reason_name(got), stir_reason_name(cases[i].want), "case %zu: %s", i, why.text);
		tap_ok(!chain && why.text[0], "nothing given, and why");
	}
	certcache_stats(c, &s);
	tap_ok(s.entries == 0 && s.failures == 5 && s.misses == 5, "nothing entered");
	f.answer = 1;
	f.content = buf_span(&good);
	tap_int(look(c, &f, 1, 0, NULL), 1, "a failure is not kept");
	certcache_free(c);
}

static void failing_later(void)
{
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache *c = cache_new(&f, 10);
	struct cert_chain *chain;

	(void)look(c, &f, 1, 0, NULL);
	f.answer = -1;
	tap_int(look(c, &f, 1, TTL_MS - 1, NULL), 0, "a host that is down does not matter while it lives");
	tap_int(certcache_get(c, span_cstr("https://example.com/1.pem"), TTL_MS, 0, &chain, NULL), STIR_CERT_UNREACHABLE,
		"after that it does");
	f.answer = 1;
	f.content = buf_span(&foreign);
	tap_int(certcache_get(c, span_cstr("https://example.com/1.pem"), TTL_MS, 0, &chain, NULL), STIR_CERT_UNTRUSTED,
		"an untrusted successor is not taken");
	certcache_free(c);
}

static void least_recent(void)
{
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache *c = cache_new(&f, 3);
	struct certcache_stats s;

	for (int i = 0; i < 3; i++)
		(void)look(c, &f, i, 0, NULL);
	tap_int(look(c, &f, 0, 1, NULL), 0, "three fit");
	tap_int(look(c, &f, 3, 2, NULL), 1, "a fourth");
	tap_int(look(c, &f, 0, 3, NULL), 0, "the one used last stayed");
	tap_int(look(c, &f, 2, 4, NULL), 0, "the third too");
	tap_int(look(c, &f, 1, 5, NULL), 1, "the one not used longest had to go");
	certcache_stats(c, &s);
	tap_ok(s.entries == 3 && s.evictions == 2, "three entries, two evictions");
	certcache_free(c);

	c = cache_new(&f, 0);
	(void)look(c, &f, 1, 0, NULL);
	tap_int(look(c, &f, 1, 0, NULL), 0, "a cache of nothing holds one");
	for (int i = 0; i < 50; i++)
		(void)look(c, &f, i, 0, NULL);
	certcache_stats(c, &s);
	tap_int((long long)s.entries, 1, "and no more");
	certcache_free(c);
}

static void long_url(void)
{
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache *c = cache_new(&f, 3);
	char url[LIMIT_X5U_BYTES + 1];
	struct cert_chain *chain;

	memset(url, 'a', sizeof url);
	tap_int(certcache_get(c, span_make(url, sizeof url), 0, 0, &chain, NULL), STIR_CERT_UNREACHABLE, "an address too long");
	tap_int(f.calls, 0, "is not even fetched");
	tap_int(certcache_get(c, span_make(url, sizeof url - 1), 0, 0, &chain, NULL), STIR_OK, "the longest one");
	cert_chain_unref(chain);
	certcache_free(c);
	certcache_free(NULL);
}

static struct certcache *shared_cache;

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, wrong = 0;

	for (int i = 0; i < 200; i++) {
		struct cert_chain *chain;
		char url[64];

		seed = seed * 1103515245 + 12345;
		snprintf(url, sizeof url, "https://example.com/%u", (seed >> 16) % URLS);
		if (certcache_get(shared_cache, span_cstr(url), i * 1000, 0, &chain, NULL) != STIR_OK) {
			wrong++;
			continue;
		}
		wrong += !cert_chain_tnauthlist(chain);
		cert_chain_unref(chain);
	}
	return (void *)(uintptr_t)wrong;
}

static void threads(void)
{
	struct fake_fetch f = fake_new(buf_span(&good));
	struct certcache_stats s;
	pthread_t t[4];
	uintptr_t wrong = 0;

	f.one_thread = false;
	shared_cache = cache_new(&f, URLS / 2);
	for (uintptr_t i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, worker, (void *)(i + 1)))
			tap_bail("pthread_create");
	for (int i = 0; i < 4; i++) {
		void *r;

		pthread_join(t[i], &r);
		wrong += (uintptr_t)r;
	}
	certcache_stats(shared_cache, &s);
	tap_int((long long)wrong, 0, "four threads get what they ask for");
	tap_ok(s.hits + s.misses == 800 && s.entries <= URLS / 2, "and the books are right");
	certcache_free(shared_cache);
}

int main(void)
{
	struct fake_fetch f;

	setup();
	lifetime();
	refusals();
	failing_later();
	least_recent();
	long_url();
	threads();
	f = fake_new(buf_span(&good));
	fetch_close(&f.fetch);
	fetch_close(NULL);
	tap_ok(closed, "a fetcher is closed");
	trust_free(trust);
	pki_free(&pki);
	pki_free(&other);
	buf_free(&good);
	buf_free(&again);
	buf_free(&foreign);
	return tap_done();
}
