/*
 * A million certificate chains in memory: octets of each, what a message pays for
 * one drawn evenly among them and for one that is asked for all the time, what
 * putting one in and pushing one out costs, what a tick costs.  With "disk": how
 * long a CacheFile with as many takes to open, and to give one.
 *
 *     bench_certmillion [number of chains] [disk FILE]
 *
 * The chains are copies of one that validated, with other addresses, subjects and
 * keys (of KEYS, each with a signature).  Processor time, medians over rounds that
 * take turns.
 */
#include "config.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <sqlite3.h>

#include "core/cert_internal.h"
#include "core/certcache_internal.h"
#include "core/limits.h"
#include "core/store/store_sqlite.h"
#include "core/trust.h"
#include "tests/lib/bench.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/es256.h"
#include "tests/lib/tap.h"

enum { ROUNDS = 7, CALLS = 20000, KEYS = 1024, MORE = 20000, FILL_BYTES = 900 };

static struct cert_source source;
static struct certcache *cache;
static struct cert_chain *model; /* what varies is written over */
static struct key_pair {
	unsigned char point[65];
	unsigned char sig[64];
} key[KEYS];
static size_t chains = LIMIT_CERTCACHE_ENTRIES;
static uint64_t state = 1;

static const char signed_text[] = "what was signed";

static uint64_t draw(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return state >> 20;
}

static struct span url_of(char url[96], size_t i)
{
	int n = snprintf(url, 96, "https://certificates.example.com/shaken/%08zx.pem", i);

	return span_make(url, (size_t)n);
}

/* --- making ------------------------------------------------------------------------------ */

static void make_key(struct key_pair *k)
{
	EVP_PKEY *private = pki_key_new(PKI_KEY_P256);
	size_t n = 0;

	if (!private || !EVP_PKEY_get_octet_string_param(private, OSSL_PKEY_PARAM_PUB_KEY, k->point, sizeof k->point, &n) || n != sizeof k->point)
		tap_bail("a key");
	es256_sign(private, span_make(signed_text, sizeof signed_text), k->sig);
	EVP_PKEY_free(private);
}

static void make_model(void)
{
	struct err e = {0};

	if (cert_chain_parse(buf_span(&source.good), &model, &e) != STIR_OK || trustset_check(source.trust, model, &e) != STIR_OK)
		tap_bail("a chain: %s", e.text);
	for (size_t i = 0; i < KEYS; i++)
		make_key(&key[i]);
}

static void put(size_t i)
{
	struct certcache_answer a = {.reason = STIR_OK, .chain = model, .fetched = CERT_SOURCE_T0, .until = CERT_SOURCE_T0 + CERT_SOURCE_DAY};
	unsigned char digest[32] = {0};
	char text[96], subject[80];
	struct siphash_sum sum;
	struct span url = url_of(text, i);
	int n = snprintf(subject, sizeof subject, "/C=US/O=Carrier %zu/CN=SHAKEN %06zX", i % 5000, i & 0xFFFFFF);

	memcpy(model->point, key[i % KEYS].point, sizeof model->point);
	memcpy(digest, &i, sizeof i);
	cert_put_fingerprint(model, digest);
	memcpy(model->digest, digest, sizeof digest);
	model->subject = span_make(subject, (size_t)n);
	sum = siphash_of(cache->seed, url);
	certcache_flight_settle(cache, &sum, url, &a, CERT_SOURCE_T0, NULL);
}

/* --- asking --------------------------------------------------------------------------------- */

/* Also whether its key is the one it should be. */
static void get(size_t i, bool verify)
{
	struct cert_chain *chain;
	char text[96];

	if (certcache_get(cache, url_of(text, i), cert_source_time(), 0, &chain, NULL) != STIR_OK)
		tap_bail("%s is not there", text);
	if (verify && cert_chain_verify(chain, span_make(signed_text, sizeof signed_text), key[i % KEYS].sig) != 1)
		tap_bail("%s has another key", text);
	cert_chain_unref(chain);
}

static double gets(bool evenly, bool verify)
{
	double began = bench_cpu_us();

	for (size_t i = 0; i < CALLS; i++)
		get(MORE + (evenly ? draw() % chains : 7), verify);
	return (bench_cpu_us() - began) / CALLS;
}

static void ask(bool verify)
{
	double one[ROUNDS], all[ROUNDS], more[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		one[r] = gets(false, verify);
		all[r] = gets(true, verify);
		more[r] = all[r] - one[r];
	}
	printf("%s: one key %.2f us, drawn evenly %.2f us, that is %.2f us more\n", verify ? "look up and verify" : "look up",
	       bench_median(one, ROUNDS), bench_median(all, ROUNDS), bench_median(more, ROUNDS));
}

/* --- memory ------------------------------------------------------------------------------------- */

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		tap_bail("no /proc/self/statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void fill(void)
{
	double before = resident(), heap = (double)mallinfo2().uordblks + (double)mallinfo2().hblkhd, began = bench_cpu_us(), us, worst = 0;

	for (size_t i = 0; i < chains; i++) {
		double t = i % 64 ? 0 : bench_wall_us();

		put(i);
		if (t > 0 && bench_wall_us() - t > worst)
			worst = bench_wall_us() - t;
	}
	us = (bench_cpu_us() - began) / (double)chains;
	printf("%zu chains: %.0f octets each of the heap, %.0f of the process, %.0f by the cache's own account\n", cert_source_stats(cache).entries,
	       ((double)mallinfo2().uordblks + (double)mallinfo2().hblkhd - heap) / (double)chains, (resident() - before) / (double)chains,
	       (double)cert_source_stats(cache).octets / (double)chains);
	printf("putting one in: %.2f us, at most %.0f us (of one in 64)\n", us, worst);
	began = bench_cpu_us();
	for (size_t i = chains; i < chains + MORE; i++)
		put(i);
	us = (bench_cpu_us() - began) / MORE;
	printf("and pushing one out: %.2f us; %lu left\n", us, cert_source_stats(cache).evictions);
	if (cert_source_stats(cache).fetches)
		tap_bail("something was asked for");
}

static void ticks(void)
{
	double us[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double began = bench_cpu_us();

		certcache_tick(cache, cert_source_time());
		us[r] = bench_cpu_us() - began;
	}
	printf("a tick: %.0f us\n", bench_median(us, ROUNDS));
	cert_source_set_now(CERT_SOURCE_T0 + 3 * CERT_SOURCE_DAY);
	us[0] = bench_cpu_us();
	certcache_tick(cache, cert_source_time());
	printf("clearing them all away: %.0f ms\n", (bench_cpu_us() - us[0]) / 1e3);
	if (cert_source_stats(cache).octets)
		tap_bail("something is left");
}

/* --- disk ----------------------------------------------------------------------------------------- */

static int64_t wall_s(void)
{
	return cert_source_time().now;
}

static struct store *open_file(const char *path)
{
	struct store *s;
	struct err e = {0};

	if (store_sqlite_open(path, 5000, UINT64_C(1) << 40, wall_s, &s, &e))
		tap_bail("%s: %s", path, e.text);
	return s;
}

/* The rows of others, put there in one go; the layout is that of store_sqlite_file.c. */
static void fill_file(const char *path)
{
	double began = bench_wall_us();
	sqlite3 *db = NULL;
	char text[512];

	store_close(open_file(path));
	snprintf(text, sizeof text,
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %zu) "
		 "INSERT INTO entry (key, value, until) SELECT CAST(printf('%%032x', i) AS BLOB), zeroblob(%d), %d FROM n",
		 chains, FILL_BYTES, CERT_SOURCE_T0 + CERT_SOURCE_DAY);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		tap_bail("%s: %s", path, sqlite3_errmsg(db));
	sqlite3_close(db);
	printf("the file of %zu took %.1f s to make\n", chains, (bench_wall_us() - began) / 1e6);
}

static void from_disk(const char *path, struct pool *pool)
{
	struct certcache_params p = cert_source_params(&source, pool);
	struct cert_chain *chain;
	double began;

	fill_file(path);
	p.keep = open_file(path);
	cache = cert_source_cache(&p);
	cert_source_say(&source, 1, FETCH_NONE, CERT_SOURCE_DAY, buf_span(&source.good));
	if (certcache_get(cache, span_cstr("https://example.com/kept.pem"), cert_source_time(), 5000, &chain, NULL) != STIR_OK)
		tap_bail("a chain for the file");
	cert_chain_unref(chain);
	cert_source_calm(cache);
	certcache_unref(cache);
	store_close(p.keep);
	began = bench_wall_us();
	p.keep = open_file(path);
	p.max_entries = LIMIT_CERTCACHE_ENTRIES;
	cache = cert_source_cache(&p);
	printf("from disk: ready after %.1f ms", (bench_wall_us() - began) / 1e3);
	if (certcache_get(cache, span_cstr("https://example.com/kept.pem"), cert_source_time(), 5000, &chain, NULL) != STIR_OK || cert_source_stats(cache).kept_hits != 1)
		tap_bail("it was not kept");
	printf(", with the first chain after %.1f ms\n", (bench_wall_us() - began) / 1e3);
	cert_chain_unref(chain);
	certcache_unref(cache);
	store_close(p.keep);
}

int main(int argc, char **argv)
{
	struct pool *pool = pool_new(1, 10);
	struct certcache_params p;
	char *given = argc > 1 ? argv[1] : NULL;

	if (given)
		chains = strtoul(given, NULL, 10);
	cert_source_open(&source, false);
	if (argc > 3) {
		from_disk(argv[3], pool);
		pool_free(pool);
		cert_source_close(&source);
		return 0;
	}
	p = cert_source_params(&source, pool);
	p.max_entries = chains;
	/* The model must not be taken for one of them. */
	p.max_live = 0;
	cache = cert_source_cache(&p);
	make_model();
	fill();
	cache->p.max_live = LIMIT_CERTCACHE_LIVE;
	ask(false);
	ask(true);
	if (cert_source_stats(cache).fetches)
		tap_bail("something was not there");
	ticks();
	cert_chain_unref(model);
	certcache_unref(cache);
	pool_free(pool);
	cert_source_close(&source);
	return 0;
}
