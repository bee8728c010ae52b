/*
 * What the stores cost with the entries of a busy verifier: octets for each of a
 * million, and calls a second; and what a day of 500 messages a second makes of it.
 *
 * Entries are as core/replay.h writes them: a key of 16 octets, a value of 17.
 * Calls over Redis and SQLite wait for others, so wall-clock time is measured.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/store_mem.h"
#include "core/store/store_redis.h"
#include "core/store/store_sqlite.h"
#include "tests/lib/bench.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/tap.h"

enum { ENTRIES = 1000000, PER_S = 500, DAY_S = 86400, KEY_BYTES = 16, VALUE_BYTES = 17, THREADS = 8, CALLS = 200000, TICK_EACH = 5000 };

static int64_t clock_s = 1793534400;
static struct err err;

static int64_t fake_now(void)
{
	return clock_s;
}

/* splitmix64: the same keys in each run */
static uint64_t mixed(uint64_t i)
{
	uint64_t z = i * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct entry {
	uint64_t key[2];
	uint64_t value[3];
};

static int add(struct store *s, uint64_t i, uint32_t ttl)
{
	struct entry e = {{mixed(2 * i), mixed(2 * i + 1)}, {mixed(~i), mixed(i), i}};
	int rc = store_add_once(s, span_make(e.key, KEY_BYTES), span_make(e.value, VALUE_BYTES), ttl, NULL, &err);

	if (rc < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return rc;
}

/* Calls a second for n of them, with the time going on as it does at 500 a second. */
static double fill(struct store *s, uint64_t first, uint64_t n, uint32_t ttl)
{
	double t = bench_wall_us();

	for (uint64_t i = 0; i < n; i++) {
		clock_s += i % PER_S == 0;
		if (add(s, first + i, ttl) != 1)
			abort();
		if (i % TICK_EACH == TICK_EACH - 1)
			store_tick(s);
	}
	return (double)n / (bench_wall_us() - t) * 1e6;
}

static double again(struct store *s, uint64_t n)
{
	double t = bench_wall_us();

	for (uint64_t i = 0; i < n; i++)
		if (add(s, mixed(i) % n, DAY_S) != 0)
			abort();
	return (double)n / (bench_wall_us() - t) * 1e6;
}

struct worker {
	struct store *s;
	uint64_t first;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (uint64_t i = 0; i < CALLS / THREADS; i++)
		if (add(w->s, w->first + i, DAY_S) != 1)
			abort();
	return NULL;
}

static double together(struct store *s)
{
	struct worker w[THREADS];
	pthread_t t[THREADS];
	double t0 = bench_wall_us();

	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){s, (uint64_t)(i + 100) * ENTRIES};
		if (pthread_create(&t[i], NULL, work, &w[i]))
			abort();
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return CALLS / (bench_wall_us() - t0) * 1e6;
}

static void row(const char *name, double octets, double new, double old, double all, double ended)
{
	printf("%-8s %13.1f %12.2f %10.0f %10.0f %10.0f %10.0f\n", name, octets, octets * PER_S * DAY_S / 1e9, new, old, all, ended);
}

/* New ones while as many old ones end. */
static double turn_over(struct store *s)
{
	clock_s += DAY_S;
	return fill(s, 10 * (uint64_t)ENTRIES, ENTRIES / 20, 60);
}

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	if (!f || fscanf(f, "%lu %lu", &size, &pages) != 2)
		abort();
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void bench_mem(void)
{
	double before = resident(), new, old, all, octets;
	struct store *s = store_mem_open(160 << 20, fake_now);
	struct store_mem_stats st;

	new = fill(s, 0, ENTRIES, DAY_S);
	store_mem_stats(s, &st);
	octets = (double)st.bytes / ENTRIES;
	printf("memory: %.1f octets an entry of the maximum, %.1f of the process's memory\n", octets, (resident() - before) / ENTRIES);
	old = again(s, ENTRIES);
	all = together(s);
	row("memory", octets, new, old, all, turn_over(s));
	store_close(s);
}

static double file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (double)st.st_size;
}

static void bench_sqlite(void)
{
	double new, old, all, octets;
	char path[128], wal[140];
	struct store *s;

	snprintf(path, sizeof path, "%s/bench.sqlite", tap_tempdir());
	snprintf(wal, sizeof wal, "%s-wal", path);
	if (store_sqlite_open(path, 5000, UINT64_C(1) << 40, fake_now, &s, &err))
		tap_bail("%s", err.text);
	new = fill(s, 0, ENTRIES, DAY_S);
	store_tick(s);
	octets = file_size(path) / ENTRIES;
	printf("SQLite: the log beside the file has %.0f MB\n", file_size(wal) / 1e6);
	old = again(s, ENTRIES);
	all = together(s);
	row("SQLite", octets, new, old, all, turn_over(s));
	store_close(s);
}

static double redis_memory(const struct redis_server *redis)
{
	const char *at;
	double n;
	struct buf b;

	buf_init(&b, 1 << 20);
	redis_server_command(redis, &b, (const char *const[]){"INFO", "memory", NULL});
	at = b.n ? strstr(b.p, "used_memory:") : NULL;
	n = at ? strtod(at + strlen("used_memory:"), NULL) : 0;
	buf_free(&b);
	return n;
}

static void bench_redis(void)
{
	struct store_redis_params p = {.prefix = "stir:", .timeout_ms = 5000, .connections = THREADS};
	double before, new, old, all, octets;
	struct redis_server redis;
	struct store *s;

	redis_server_start(&redis, tap_tempdir(), 0, NULL);
	p.address = redis.socket;
	if (store_redis_open(&p, &s, &err))
		tap_bail("%s", err.text);
	before = redis_memory(&redis);
	new = fill(s, 0, ENTRIES, DAY_S);
	octets = (redis_memory(&redis) - before) / ENTRIES;
	old = again(s, ENTRIES);
	all = together(s);
	row("Redis", octets, new, old, all, fill(s, 10 * (uint64_t)ENTRIES, ENTRIES / 20, 1));
	store_close(s);
	redis_server_kill(&redis);
}

int main(void)
{
	printf("%d entries of %d + %d octets; a day of %d messages a second has %.1f million\n", ENTRIES, KEY_BYTES, VALUE_BYTES, PER_S, PER_S * (double)DAY_S / 1e6);
	printf("%-8s %13s %12s %10s %10s %10s %10s\n", "", "octets each", "GB for a day", "new/s", "again/s", "8 threads/s", "turnover/s");
	bench_mem();
	bench_sqlite();
	if (redis_server_have())
		bench_redis();
	(void)tap_done();
	return 0;
}
