/*
 * What a message pays for a chain that is in memory, and for an address that is
 * known not to work; what one tick costs that finds nothing to do.
 *
 * Prints microseconds of processor time (medians over rounds).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/bench.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/tap.h"

enum { ROUNDS = 9, CALLS = 20000, TICKS = 20, WAIT_MS = 60000, CHAINS = 2000 /* each is validated first, which takes its time */ };

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

int main(void)
{
	struct certcache_params p;
	struct pool *pool = pool_new(4, 100);

	if (!pool)
		tap_bail("no pool");
	cert_source_open(&source, false);
	p = cert_source_params(&source, pool);
	p.max_entries = LIMIT_CERTCACHE_ENTRIES;
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
	pool_free(pool);
	cert_source_close(&source);
	return 0;
}
