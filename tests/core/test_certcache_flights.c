/*
 * The cache of chains, with a pool: one fetch for all who wait, what bounds it,
 * what is remembered, renewal, and its end while fetches are under way.
 */
#include "config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/certcache_internal.h"
#include "core/limits.h"
#include "engine/clock.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/tap.h"

enum {
	T0 = CERT_SOURCE_T0,
	DAY = CERT_SOURCE_DAY,
	WAITERS = 64,
	LONG_MS = 60 * 1000, /* longer than any test waits */
	SLACK_MS = 400       /* of a busy machine */
};

static const char URL[] = "https://example.com/1.pem";
static struct cert_source source;
static struct pool *pool;

static struct certcache *start_at(int64_t now, unsigned threads, size_t queue, struct certcache_params *p)
{
	pool = pool_new(threads, queue);
	if (!pool)
		tap_bail("no pool");
	p->pool = pool;
	cert_source_set_now(now);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	source.calls = 0;
	return cert_source_cache(p);
}

static struct certcache *start(unsigned threads, size_t queue)
{
	struct certcache_params p = cert_source_params(&source, NULL);

	return start_at(T0, threads, queue, &p);
}

static void stop(struct certcache *c)
{
	certcache_unref(c);
	pool_free(pool);
}

static enum stir_reason get(struct certcache *c, const char *url, unsigned wait_ms, struct err *why)
{
	struct cert_chain *chain;
	enum stir_reason r;

	if (why)
		err_clear(why);
	r = certcache_get(c, span_cstr(url), cert_source_time(), wait_ms, &chain, why);
	if ((r == STIR_OK) != (chain != NULL))
		tap_bail("a reason that does not fit");
	cert_chain_unref(chain);
	return r;
}

/* Moves the clock and looks; how often that fetched. */
static int look(struct certcache *c, int64_t now, enum stir_reason *r)
{
	int before = cert_source_calls(&source);

	cert_source_set_now(now);
	*r = get(c, URL, LONG_MS, NULL);
	cert_source_calm(c);
	return cert_source_calls(&source) - before;
}

/* --- one fetch --------------------------------------------------------------------------- */

struct waiter {
	pthread_t thread;
	struct certcache *c;
	const char *url;
	enum stir_reason r;
	struct err why;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	w->r = get(w->c, w->url, LONG_MS, &w->why);
	return NULL;
}

static void send_waiters(struct waiter *w, int n, struct certcache *c, const char *url)
{
	for (int i = 0; i < n; i++) {
		w[i] = (struct waiter){.c = c, .url = url};
		if (pthread_create(&w[i].thread, NULL, wait_for_it, &w[i]))
			tap_bail("pthread_create");
	}
	while (cert_source_stats(c).waiting < (size_t)n)
		sched_yield();
}

static int join_waiters(struct waiter *w, int n, enum stir_reason want)
{
	int as_wanted = 0;

	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		as_wanted += w[i].r == want;
	}
	return as_wanted;
}

static void one_fetch(void)
{
	struct certcache *c = start(4, 10);
	struct waiter w[WAITERS];
	struct certcache_stats s;

	cert_source_hold(&source);
	send_waiters(w, WAITERS, c, URL);
	s = cert_source_stats(c);
	tap_ok(s.waiting == WAITERS && s.flights == 1, "64 threads wait for one flight");
	cert_source_let_go(&source);
	tap_int(join_waiters(w, WAITERS, STIR_OK), WAITERS, "all of them get the chain");
	tap_int(cert_source_calls(&source), 1, "of one fetch");
	s = cert_source_stats(c);
	tap_ok(s.waiting == 0 && s.entries == 1 && s.misses == WAITERS && s.fetches == 1 && s.gave_up == 0, "counted");
	stop(c);
}

/* All at once, without a gate between: never a second fetch. */
static void one_fetch_in_a_rush(void)
{
	int fetches = 0, good = 0;

	for (int round = 0; round < 30; round++) {
		struct certcache *c = start(4, 10);
		struct waiter w[8];

		for (int i = 0; i < 8; i++) {
			w[i] = (struct waiter){.c = c, .url = URL};
			if (pthread_create(&w[i].thread, NULL, wait_for_it, &w[i]))
				tap_bail("pthread_create");
		}
		good += join_waiters(w, 8, STIR_OK);
		cert_source_calm(c);
		fetches += cert_source_calls(&source);
		stop(c);
	}
	tap_ok(fetches == 30 && good == 240, "thirty times eight in a rush: %d fetches, %d chains", fetches, good);
}

static void gives_up(void)
{
	struct certcache *c = start(4, 10);
	struct err why;
	int64_t began = clock_monotonic_ms(), took;

	cert_source_hold(&source);
	tap_int(get(c, URL, 200, &why), STIR_CERT_UNREACHABLE, "a waiter gives up: %s", why.text);
	took = clock_monotonic_ms() - began;
	tap_ok(took >= 199 && took <= 200 + SLACK_MS, "at its time: %lld ms", (long long)took);
	began = clock_monotonic_ms();
	tap_int(get(c, URL, 0, &why), STIR_CERT_UNREACHABLE, "one without time does not wait");
	tap_ok(clock_monotonic_ms() - began <= SLACK_MS, "at all");
	tap_ok(cert_source_stats(c).flights == 1 && cert_source_stats(c).gave_up == 2, "the flight goes on");
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(get(c, URL, 0, NULL), STIR_OK, "and the next message finds the chain");
	tap_ok(cert_source_calls(&source) == 1 && cert_source_stats(c).hits == 1, "without another fetch");
	stop(c);
}

static void ahead(void)
{
	struct certcache *c = start(4, 10);

	cert_source_hold(&source);
	for (int i = 0; i < 5; i++)
		certcache_start(c, span_cstr(URL), cert_source_time());
	tap_int((long long)cert_source_stats(c).flights, 1, "a fetch begins ahead, once");
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(get(c, URL, 0, NULL), STIR_OK, "so that nobody waits");
	certcache_start(c, span_cstr(URL), cert_source_time());
	cert_source_calm(c);
	tap_int(cert_source_calls(&source), 1, "what is there is not asked for");
	source.denied = true;
	certcache_start(c, span_cstr("https://example.org/"), cert_source_time());
	cert_source_calm(c);
	tap_int(cert_source_calls(&source), 1, "nor what may not be");
	source.denied = false;
	stop(c);
}

/* --- bounds -------------------------------------------------------------------------------- */

static void full_pool(void)
{
	struct certcache *c = start(1, 1);
	struct err why;
	int64_t began;

	cert_source_hold(&source);
	certcache_start(c, span_cstr("https://example.com/a"), cert_source_time());
	cert_source_wait_inside(&source, 1);
	certcache_start(c, span_cstr("https://example.com/b"), cert_source_time());
	began = clock_monotonic_ms();
	tap_int(get(c, URL, LONG_MS, &why), STIR_CERT_UNREACHABLE, "the pool is full: %s", why.text);
	tap_ok(clock_monotonic_ms() - began < SLACK_MS, "that is said at once");
	tap_str(why.text, fetch_cause_sentence(FETCH_BUSY), "with its cause");
	tap_int((long long)cert_source_stats(c).cause[FETCH_BUSY], 1, "which is counted");
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(get(c, URL, LONG_MS, NULL), STIR_OK, "and not remembered");
	stop(c);
}

static void too_many_wait(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct waiter w[3];
	struct certcache *c;
	struct err why;
	int64_t began;

	p.max_waiters = 3;
	c = start_at(T0, 4, 10, &p);
	cert_source_hold(&source);
	send_waiters(w, 3, c, URL);
	began = clock_monotonic_ms();
	tap_int(get(c, URL, LONG_MS, &why), STIR_CERT_UNREACHABLE, "a fourth may not wait: %s", why.text);
	tap_int(get(c, "https://example.com/2", LONG_MS, &why), STIR_CERT_UNREACHABLE, "nor for another address");
	tap_ok(clock_monotonic_ms() - began < SLACK_MS, "at all");
	tap_int((long long)cert_source_stats(c).no_waiter, 2, "counted");
	cert_source_let_go(&source);
	tap_int(join_waiters(w, 3, STIR_OK), 3, "the others get their chain");
	cert_source_calm(c);
	tap_int(get(c, "https://example.com/2", 0, NULL), STIR_OK, "and its fetch went on as well");
	stop(c);
}

static void flood(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c;
	enum stir_reason r;
	char url[64];

	p.max_entries = 2;
	c = start_at(T0, 4, 10, &p);
	(void)look(c, T0, &r);
	cert_source_say(&source, 0, FETCH_NOT_FOUND, -1, span_cstr(""));
	for (int i = 0; i < LIMIT_CERTCACHE_NEGATIVES + 100; i++) {
		snprintf(url, sizeof url, "https://example.net/%d", i);
		(void)get(c, url, LONG_MS, NULL);
	}
	tap_int((long long)cert_source_stats(c).negatives, LIMIT_CERTCACHE_NEGATIVES, "a flood of addresses fills its table and no more");
	tap_int(look(c, T0 + 1, &r), 0, "and takes no chain away");
	certcache_tick(c, (struct certcache_time){T0 + 61, 0});
	tap_int((long long)cert_source_stats(c).negatives, 0, "a minute later nothing is left of it");
	stop(c);
}

/* --- what is remembered ------------------------------------------------------------------------ */

static void not_found_then_found(void)
{
	struct certcache *c = start(4, 10);
	enum stir_reason r;
	struct err why;

	cert_source_say(&source, 0, FETCH_NOT_FOUND, -1, span_cstr(""));
	tap_ok(look(c, T0, &r) == 1 && r == STIR_CERT_UNREACHABLE, "404");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	tap_ok(look(c, T0 + 59, &r) == 0 && r == STIR_CERT_UNREACHABLE, "it is there now, but nobody asks for a minute");
	tap_int(get(c, URL, LONG_MS, &why), STIR_CERT_UNREACHABLE, "why: %s", why.text);
	tap_str(why.text, "test: not-found", "the reason is remembered with it");
	certcache_start(c, span_cstr(URL), cert_source_time());
	cert_source_calm(c);
	tap_ok(cert_source_calls(&source) == 1 && cert_source_stats(c).negative_hits == 3, "not ahead either");
	tap_ok(look(c, T0 + 60, &r) == 1 && r == STIR_OK, "200 after that");
	tap_int((long long)cert_source_stats(c).negatives, 0, "and the old answer is gone");
	stop(c);
}

static const struct memory_case {
	int rc;
	enum fetch_cause cause;
	const char *text; /* NULL: the chain of another PKI */
	enum stir_reason want;
	bool remembered;
} memories[] = {
	{-1, FETCH_CONNECT, "", STIR_CERT_UNREACHABLE, true}, {-1, FETCH_TIMEOUT, "", STIR_CERT_UNREACHABLE, true},
	{-1, FETCH_REDIRECT, "", STIR_CERT_UNREACHABLE, true}, {-1, FETCH_BREAKER, "", STIR_CERT_UNREACHABLE, false},
	{-1, FETCH_LOCAL, "", STIR_CERT_UNREACHABLE, false},  {1, FETCH_NONE, "<html>", STIR_CERT_INVALID, true},
	{1, FETCH_NONE, NULL, STIR_CERT_UNTRUSTED, true},
};

static void remembered(void)
{
	for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
		const struct memory_case *m = &memories[i];
		struct certcache *c = start(4, 10);
		enum stir_reason first, second;
		int again;

		cert_source_say(&source, m->rc, m->cause, -1, m->text ? span_cstr(m->text) : buf_span(&source.foreign));
		(void)look(c, T0, &first);
		again = look(c, T0 + 1, &second);
		tap_ok(first == m->want && second == m->want && again == !m->remembered && cert_source_stats(c).cause[m->cause] == 1u + (unsigned)again,
		       "%s, %s: %s", fetch_cause_name(m->cause), stir_reason_name(first), m->remembered ? "remembered" : "asked again");
		stop(c);
	}
}

/* --- a server that is down ------------------------------------------------------------------------ */

static void outage(void)
{
	struct certcache *c = start(4, 10);
	enum stir_reason r;
	struct err why;

	(void)look(c, T0, &r);
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
	tap_ok(look(c, T0 + DAY, &r) == 1 && r == STIR_OK, "down when the chain is due: the old one stands in");
	tap_ok(look(c, T0 + DAY + 59, &r) == 0 && r == STIR_OK, "without asking again for a minute");
	tap_ok(look(c, T0 + DAY + 60, &r) == 1 && r == STIR_OK, "then again");
	cert_source_hold(&source);
	cert_source_set_now(T0 + DAY + 200);
	tap_int(get(c, URL, 20, NULL), STIR_OK, "too slow for who waits");
	tap_int((long long)cert_source_stats(c).stale_used, 4, "counted");
	cert_source_say(&source, 0, FETCH_NOT_FOUND, -1, span_cstr(""));
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(get(c, URL, LONG_MS, &why), STIR_CERT_UNREACHABLE, "gone: nothing stands in");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	tap_ok(look(c, T0 + DAY + 300, &r) == 1 && r == STIR_OK, "and it heals");
	stop(c);
}

/* --- renewal ----------------------------------------------------------------------------------------- */

static int tick(struct certcache *c, int64_t now)
{
	int before = cert_source_calls(&source);

	cert_source_set_now(now);
	certcache_tick(c, cert_source_time());
	cert_source_calm(c);
	return cert_source_calls(&source) - before;
}

static void renewal(void)
{
	struct certcache *c = start(4, 10);
	enum stir_reason r;

	(void)look(c, T0, &r);
	tap_int(tick(c, T0 + DAY - 10), 0, "what nobody used since it was fetched is not renewed");
	(void)look(c, T0 + 100, &r);
	tap_int(tick(c, T0 + DAY - DAY / 10 - 1), 0, "nor what has more than a tenth of its time left");
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
	tap_int(tick(c, T0 + DAY - DAY / 10), 1, "after that it is");
	tap_int(tick(c, T0 + DAY - DAY / 10 + 59), 0, "a failure waits for its minute");
	tap_int(tick(c, T0 + DAY - DAY / 10 + 60), 1, "and is tried again");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.again));
	tap_int(tick(c, T0 + DAY - 1000), 1, "until it succeeds");
	tap_ok(look(c, T0 + DAY + 1000, &r) == 0 && r == STIR_OK, "so nobody waits at its end");
	tap_int((long long)cert_source_stats(c).renewals, 3, "counted");
	stop(c);
}

static void short_lived(void)
{
	struct certcache *c = start(4, 10);
	struct buf pem;
	enum stir_reason r;
	int n = 0;

	/* Twelve hours: renewed in the last four. */
	cert_source_chain(&source.pki, T0, T0 + DAY / 2, NULL, &pem);
	cert_source_say(&source, 1, FETCH_NONE, 7 * DAY, buf_span(&pem));
	(void)look(c, T0, &r);
	(void)look(c, T0 + 1, &r);
	tap_int(tick(c, T0 + DAY / 3), 0, "a short-lived certificate, two thirds gone");
	tap_int(tick(c, T0 + DAY / 3 + 1), 1, "is asked for when less than a third is left");
	for (int i = 0; i < 60; i++) {
		(void)look(c, T0 + DAY / 3 + 2 + i * 60, &r);
		n += tick(c, T0 + DAY / 3 + 2 + i * 60);
	}
	tap_int(n, 2, "the same one again: a tenth of that time between, not at every tick");
	cert_source_say(&source, 1, FETCH_NONE, 7 * DAY, buf_span(&source.good));
	(void)look(c, T0 + DAY / 2 - 600, &r);
	tap_int(tick(c, T0 + DAY / 2 - 600), 1, "rolls over");
	tap_int(look(c, T0 + DAY / 2 + 1, &r), 0, "before the old one ends");
	stop(c);
	buf_free(&pem);
}

static void few_at_a_time(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c = start_at(T0, 4, 100, &p);
	char url[64];

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3 * LIMIT_CERTCACHE_RENEWALS; i++) {
			snprintf(url, sizeof url, "https://example.com/%d", i);
			(void)get(c, url, LONG_MS, NULL);
		}
	tap_int(tick(c, T0 + DAY - 1000), LIMIT_CERTCACHE_RENEWALS, "a few at a time");
	tap_int(tick(c, T0 + DAY - 999), LIMIT_CERTCACHE_RENEWALS, "then others");
	tap_int(tick(c, T0 + DAY - 998), LIMIT_CERTCACHE_RENEWALS, "until all are new");
	tap_int(tick(c, T0 + DAY - 997), 0, "and that is that");
	stop(c);
}

/* One that is due, behind hundreds that are not and were used after it. */
static void far_behind(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c;
	char url[64];

	p.max_entries = 1000;
	c = start_at(T0, 4, 100, &p);
	cert_source_say(&source, 1, FETCH_NONE, 1000, buf_span(&source.good));
	(void)get(c, URL, LONG_MS, NULL);
	(void)get(c, URL, LONG_MS, NULL);
	cert_source_say(&source, 1, FETCH_NONE, DAY, buf_span(&source.good));
	for (int i = 0; i < 600; i++) {
		snprintf(url, sizeof url, "https://example.net/%d", i);
		(void)get(c, url, LONG_MS, NULL);
	}
	tap_int(tick(c, T0 + 950), 1, "one that is due is found behind six hundred that are not");
	tap_str(source.last_url, URL, "the right one");
	stop(c);
}

/* --- a chain that does not fit --------------------------------------------------------------------------- */

static void newer(void)
{
	struct certcache *c = start(4, 10);
	struct cert_chain *old, *got;
	enum stir_reason r;
	int found = 0, calls;

	if (certcache_get(c, span_cstr(URL), cert_source_time(), LONG_MS, &old, NULL) != STIR_OK)
		tap_bail("no chain");
	/* A flood of tokens with bad signatures, for ten minutes. */
	for (int i = 0; i < 600; i++) {
		cert_source_set_now(T0 + i);
		found += certcache_newer(c, span_cstr(URL), old, cert_source_time(), LONG_MS, &got) == STIR_OK;
	}
	calls = cert_source_calls(&source) - 1;
	tap_ok(found == 0 && calls == 9, "six hundred bad signatures cost %d fetches", calls);
	tap_ok(look(c, T0 + 600, &r) == 0 && r == STIR_OK, "and evict nothing");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.again));
	cert_source_set_now(T0 + 700);
	r = certcache_newer(c, span_cstr(URL), old, cert_source_time(), LONG_MS, &got);
	tap_ok(r == STIR_OK && got && got != old, "a renewed chain is found");
	cert_chain_unref(got);
	cert_chain_unref(old);
	stop(c);
}

static void newer_does_not_wait_long(void)
{
	struct certcache *c = start(4, 10);
	struct cert_chain *old, *got;
	int64_t began;

	if (certcache_get(c, span_cstr(URL), cert_source_time(), LONG_MS, &old, NULL) != STIR_OK)
		tap_bail("no chain");
	cert_source_hold(&source);
	cert_source_set_now(T0 + 100);
	began = clock_monotonic_ms();
	tap_int(certcache_newer(c, span_cstr(URL), old, cert_source_time(), 50, &got), STIR_CERT_UNREACHABLE, "a server that stalls");
	tap_ok(clock_monotonic_ms() - began <= 50 + SLACK_MS, "holds nobody longer than his time");
	tap_int(get(c, URL, 0, NULL), STIR_OK, "and what is cached serves on");
	cert_source_let_go(&source);
	cert_chain_unref(old);
	stop(c);
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void stopping(void)
{
	struct certcache *c = start(1, 10);
	struct waiter w[4];

	cert_source_hold(&source);
	certcache_start(c, span_cstr("https://example.com/first"), cert_source_time());
	cert_source_wait_inside(&source, 1);
	send_waiters(w, 4, c, URL);
	pool_stop(pool);
	tap_int(join_waiters(w, 4, STIR_CERT_UNREACHABLE), 4, "who waits for what is queued is woken");
	tap_str(w[0].why.text, fetch_cause_sentence(FETCH_STOPPED), "and told why");
	tap_int(get(c, "https://example.com/3", LONG_MS, &w[0].why), STIR_CERT_UNREACHABLE, "no new fetch");
	tap_str(w[0].why.text, fetch_cause_sentence(FETCH_STOPPED), "for the same reason");
	cert_source_let_go(&source);
	stop(c);
}

/* Whoever has a domain, and all the names below it, holds up half the pool at most. */
static void one_domain(void)
{
	struct certcache *c = start(4, 8);
	struct certcache_stats s;

	cert_source_hold(&source);
	for (int i = 0; i < 20; i++) {
		char url[64];

		snprintf(url, sizeof url, i % 2 ? "https://h%d.Attacker.example/a" : "https://x.h%d.attacker.example:8443/a", i);
		certcache_start(c, span_cstr(url), cert_source_time());
	}
	cert_source_wait_inside(&source, 2);
	s = cert_source_stats(c);
	tap_ok(s.flights == 2 + 4 && s.cause[FETCH_BUSY] == 14, "two threads and four places of eight: %zu, %lu refused", s.flights, s.cause[FETCH_BUSY]);
	certcache_start(c, span_cstr("https://honest.example/1.pem"), cert_source_time());
	cert_source_wait_inside(&source, 3);
	tap_str(source.last_url, "https://honest.example/1.pem", "another one is asked at once");
	cert_source_let_go(&source);
	cert_source_calm(c);
	tap_int(cert_source_calls(&source), 2 + 4 + 1, "what waited had its turn");
	stop(c);
}

static atomic_int released_calls;

static void released(void *arg)
{
	atomic_fetch_add(&released_calls, arg == &source);
}

/* A reload: the old cache is given back while its fetches are under way, and the pool lives on. */
static void given_back_early(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c;

	p.released = released;
	p.validated_arg = &source;
	c = start_at(T0, 2, 10, &p);
	cert_source_hold(&source);
	for (int i = 0; i < 6; i++) {
		char url[64];

		snprintf(url, sizeof url, "https://%d.example/", i); /* each of another owner */
		certcache_start(c, span_cstr(url), cert_source_time());
	}
	cert_source_wait_inside(&source, 2);
	certcache_unref(c);
	tap_int(released_calls, 0, "flights keep the cache");
	cert_source_let_go(&source);
	while (atomic_load(&released_calls) == 0)
		sched_yield();
	tap_int(cert_source_calls(&source), 6, "until the last has landed");
	pool_free(pool);

	c = start_at(T0, 2, 10, &p);
	cert_source_hold(&source);
	certcache_start(c, span_cstr(URL), cert_source_time());
	cert_source_wait_inside(&source, 1);
	certcache_unref(c);
	cert_source_let_go(&source);
	pool_free(pool);
	tap_int(released_calls, 2, "and when the pool is freed, all of it is");
}

/* --- everything at once ------------------------------------------------------------------------------------- */

static struct certcache *shared;

static void *rush(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	char url[64];

	for (int i = 0; i < 300; i++) {
		struct cert_chain *chain, *other = NULL;

		seed = seed * 1103515245 + 12345;
		snprintf(url, sizeof url, "https://example.com/%u", (seed >> 16) % 12);
		cert_source_set_now(T0 + i * 500);
		switch ((seed >> 8) % 5) {
		case 0:
			certcache_start(shared, span_cstr(url), cert_source_time());
			break;
		case 1:
			certcache_tick(shared, cert_source_time());
			break;
		default:
			if (certcache_get(shared, span_cstr(url), cert_source_time(), 5, &chain, NULL) != STIR_OK)
				break;
			(void)!certcache_newer(shared, span_cstr(url), chain, cert_source_time(), 5, &other);
			cert_chain_unref(other);
			cert_chain_unref(chain);
			break;
		}
	}
	return NULL;
}

static void everything(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache_stats s;
	pthread_t t[8];

	p.max_entries = 6;
	p.max_waiters = 4;
	shared = start_at(T0, 3, 4, &p);
	for (uintptr_t i = 0; i < 8; i++)
		if (pthread_create(&t[i], NULL, rush, (void *)(i + 1)))
			tap_bail("pthread_create");
	for (int i = 0; i < 20; i++) {
		cert_source_say(&source, i % 4 ? 1 : -1, i % 4 ? FETCH_NONE : FETCH_CONNECT, -1, buf_span(i % 2 ? &source.good : &source.again));
		sched_yield();
	}
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	cert_source_calm(shared);
	s = cert_source_stats(shared);
	tap_ok(s.entries <= 6 && s.waiting == 0 && s.flights == 0 && s.fetches == (unsigned long)cert_source_calls(&source), "eight threads, and the books are right");
	stop(shared);
}

int main(void)
{
	cert_source_open(&source, false);
	one_fetch();
	one_fetch_in_a_rush();
	gives_up();
	ahead();
	full_pool();
	too_many_wait();
	flood();
	not_found_then_found();
	remembered();
	outage();
	renewal();
	short_lived();
	few_at_a_time();
	far_behind();
	newer();
	newer_does_not_wait_long();
	stopping();
	one_domain();
	given_back_early();
	everything();
	cert_source_close(&source);
	return tap_done();
}
