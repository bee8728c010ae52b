/*
 * What a message pays for a chain that is in memory, for one that is read, validated
 * and put there, and for an address that is known not to work; what one tick costs
 * that finds nothing to do.  Processor time in microseconds, medians over rounds.
 *
 * And what a message with a warm chain has to wait while one in twenty brings one
 * that has to be fetched (200 ms): time that goes by, for a look-up and a signature,
 * with and without the others, in turns.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/limits.h"
#include "tests/lib/bench.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/tap.h"

enum { ROUNDS = 9, COLD = 200, WARM = 1000, PAUSE_US = 1000, PART = 20, FETCH_MS = 200, CALLS = 20000, TICKS = 20, WAIT_MS = 60000, CHAINS = 2000 /* each is validated first, which takes its time */ };

static struct cert_source source;
static struct certcache *cache;

static void url_of(char url[64], const char *host, int i)
{
	snprintf(url, 64, "https://%s/certificates/%d.pem", host, i);
}

static void get(const char *host, int i, unsigned wait_ms)
{
	struct cert_chain *chain;
	char url[64];

	url_of(url, host, i);
	(void)!certcache_get(cache, span_cstr(url), cert_source_time(), wait_ms, &chain, NULL);
	cert_chain_unref(chain);
}

static double gets(const char *host, int most)
{
	double us[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double began = bench_cpu_us();

		for (int i = 0; i < CALLS; i++)
			get(host, (int)(((unsigned)i * 7919u) % (unsigned)most), 0);
		us[r] = (bench_cpu_us() - began) / CALLS;
	}
	return bench_median(us, ROUNDS);
}

static double ticks(void)
{
	double us[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double began = bench_cpu_us();

		for (int i = 0; i < TICKS; i++)
			certcache_tick(cache, cert_source_time());
		us[r] = (bench_cpu_us() - began) / TICKS;
	}
	return bench_median(us, ROUNDS);
}

/* --- cold ------------------------------------------------------------------------------------ */

/* Each at an address of its own, had in the caller's thread. */
static void cold(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	double us[ROUNDS], warm[ROUNDS];
	int next = 0;

	source.fetch.at_hand = true;
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	p.max_entries = ROUNDS * COLD;
	cache = cert_source_cache(&p);
	for (int r = 0; r < ROUNDS; r++) {
		double began = bench_cpu_us();

		for (int i = 0; i < COLD; i++)
			get("example.com", next++, 0);
		us[r] = (bench_cpu_us() - began) / COLD;
		began = bench_cpu_us();
		for (int i = 0; i < COLD; i++)
			get("example.com", 0, 0);
		warm[r] = (bench_cpu_us() - began) / COLD;
	}
	printf("certcache: a chain read, validated and put in %.0f us, warm %.2f us\n", bench_median(us, ROUNDS), bench_median(warm, ROUNDS));
	certcache_unref(cache);
	source.fetch.at_hand = false;
}

/* --- warm while others fetch -------------------------------------------------------------------- */

static int slow_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	const struct timespec t = {.tv_nsec = FETCH_MS * 1000000L};

	(void)f, (void)url, (void)deadline_ms, (void)e;
	nanosleep(&t, NULL);
	*a = (struct fetch_answer){FETCH_NONE, -1};
	return buf_put_span(out, buf_span(&source.good)) ? -1 : 1;
}

static void slow_close(struct fetch *f)
{
	(void)f;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double warm_p99(bool others)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_US * 1000L};
	static const unsigned char sig[64] = {[31] = 1, [63] = 1};
	static double us[WARM];
	static int next = 1;
	char url[64];

	for (int i = 0; i < WARM; i++) {
		struct cert_chain *chain;
		double began;

		if (others && i % PART == 0) {
			url_of(url, "example.org", next++);
			certcache_start(cache, span_cstr(url), cert_source_time());
		}
		nanosleep(&pause, NULL);
		url_of(url, "example.org", 0);
		began = bench_wall_us();
		if (certcache_get(cache, span_cstr(url), cert_source_time(), 0, &chain, NULL) != STIR_OK)
			tap_bail("it is not warm");
		(void)!cert_chain_verify(chain, span_cstr(url), sig);
		us[i] = bench_wall_us() - began;
		cert_chain_unref(chain);
	}
	qsort(us, WARM, sizeof us[0], compare);
	return us[WARM * 99 / 100];
}

static void warm(struct pool *pool)
{
	static const struct fetch_ops ops = {.get = slow_get, .close = slow_close};
	struct fetch f = {.ops = &ops};
	struct certcache_params p = cert_source_params(&source, pool);
	double alone[ROUNDS], beside[ROUNDS];

	p.fetch = &f;
	p.max_entries = ROUNDS * WARM;
	cache = cert_source_cache(&p);
	get("example.org", 0, WAIT_MS);
	for (int r = 0; r < ROUNDS; r++) {
		alone[r] = warm_p99(false);
		beside[r] = warm_p99(true);
	}
	cert_source_calm(cache);
	printf("certcache: 99 of 100 warm within %.0f us, while one in %d is fetched %.0f us\n", bench_median(alone, ROUNDS), PART, bench_median(beside, ROUNDS));
	certcache_unref(cache);
}

int main(void)
{
	struct certcache_params p;
	struct pool *pool = pool_new(32, 100);

	if (!pool)
		tap_bail("no pool");
	cert_source_open(&source, false);
	p = cert_source_params(&source, pool);
	p.max_entries = 10000;
	cache = cert_source_cache(&p);
	for (int i = 0; i < CHAINS; i++)
		get("example.com", i, WAIT_MS);
	cert_source_say(&source, 0, FETCH_NOT_FOUND, -1, span_cstr(""));
	for (int i = 0; i < LIMIT_CERTCACHE_NEGATIVES; i++)
		get("example.net", i, WAIT_MS);
	cert_source_calm(cache);
	printf("certcache, %d chains: get %.2f us, negative %.2f us, tick %.0f us\n", CHAINS,
	       gets("example.com", CHAINS), gets("example.net", LIMIT_CERTCACHE_NEGATIVES), ticks());
	certcache_unref(cache);
	cold();
	warm(pool);
	pool_free(pool);
	cert_source_close(&source);
	return 0;
}
