/* One contract for memory, SQLite and Redis; and what only memory promises. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/store_mem.h"
#include "core/store/store_mem_internal.h"
#include "core/store/store_redis.h"
#include "core/store/store_sqlite.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/tap.h"

enum { THREADS = 8, KEYS = 200, COUNTS = 250, TIMEOUT_MS = 10000 };

static atomic_llong clock_s = 1700000000;

static int64_t fake_now(void)
{
	return atomic_load(&clock_s);
}

static void fake_second(void)
{
	atomic_fetch_add(&clock_s, 1);
}

static void real_second(void)
{
	usleep(1050 * 1000);
}

static struct redis_server redis;

static struct store *open_mem(const char *place)
{
	(void)place;
	return store_mem_open(16 << 20, fake_now);
}

static struct store *open_sqlite(const char *place)
{
	char path[256];
	struct store *s;
	struct err e;

	snprintf(path, sizeof path, "%s/%s.sqlite", tap_tempdir(), place);
	if (store_sqlite_open(path, TIMEOUT_MS, 64 << 20, fake_now, &s, &e))
		tap_bail("%s", e.text);
	return s;
}

static struct store *open_redis(const char *place)
{
	struct store_redis_params p = {.address = redis.socket, .prefix = place, .timeout_ms = TIMEOUT_MS, .connections = 4, .database = 3};
	struct store *s;
	struct err e;

	if (store_redis_open(&p, &s, &e))
		tap_bail("%s", e.text);
	return s;
}

struct backend {
	const char *name;
	struct store *(*open)(const char *place);
	void (*second)(void); /* lets one pass */
	bool shared;          /* two may be open on one place */
};

static const struct backend backends[] = {
	{"memory", open_mem, fake_second, false},
	{"SQLite", open_sqlite, fake_second, true},
	{"Redis", open_redis, real_second, true},
};

/* --- helpers: 1, 0 or -1, and the value as text ---------------------------------- */

static struct span S(const char *s)
{
	return span_cstr(s);
}

static char got[64];

static int get(struct store *s, const char *key)
{
	struct err e = {0};
	struct buf b;
	int rc;

	buf_init(&b, sizeof got - 1);
	rc = store_get(s, S(key), &b, &e);
	snprintf(got, sizeof got, "%.*s", SPAN_ARG(buf_span(&b)));
	if (rc < 0)
		tap_note("%s", e.text);
	buf_free(&b);
	return rc;
}

static int add(struct store *s, const char *key, const char *value, uint32_t ttl)
{
	struct err e = {0};
	struct buf b;
	int rc;

	buf_init(&b, sizeof got - 1);
	rc = store_add_once(s, S(key), S(value), ttl, &b, &e);
	snprintf(got, sizeof got, "%.*s", SPAN_ARG(buf_span(&b)));
	if (rc < 0)
		tap_note("%s", e.text);
	buf_free(&b);
	return rc;
}

static int put(struct store *s, const char *key, const char *value, uint32_t ttl)
{
	struct err e = {0};
	int rc = store_put(s, S(key), S(value), ttl, &e);

	if (rc < 0)
		tap_note("%s", e.text);
	return rc;
}

/* --- the contract ---------------------------------------------------------------- */

static void test_get_put(const struct backend *b, struct store *s)
{
	tap_int(get(s, "nobody"), 0, "%s: what is not there is not had", b->name);
	tap_int(put(s, "k", "one", 100), 0, "%s: put", b->name);
	tap_ok(get(s, "k") == 1 && strcmp(got, "one") == 0, "%s: and had again", b->name);
	tap_ok(put(s, "k", "another", 100) == 0 && get(s, "k") == 1 && strcmp(got, "another") == 0, "%s: put replaces", b->name);
	tap_ok(put(s, "k", "", 100) == 0 && get(s, "k") == 1 && strcmp(got, "") == 0, "%s: also by nothing", b->name);
}

static void test_octets(const struct backend *b, struct store *s)
{
	static const size_t sizes[] = {0, 1, 20, 35, 36, 37, 88, 1000, STORE_VALUE_MAX};
	char key[STORE_KEY_MAX], *value = malloc(STORE_VALUE_MAX + 1);
	struct err e = {0};
	struct buf out;
	bool ok = true;

	for (size_t i = 0; i <= STORE_VALUE_MAX; i++)
		value[i] = (char)(i * 7 + i / 256);
	value[0] = '\0';
	memset(key, 0, sizeof key);
	for (size_t kn = 1; kn <= STORE_KEY_MAX; kn += 9)
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct span k = span_make(key, kn), v = span_make(value, sizes[i]);

			key[kn - 1] = (char)(0xF0 + i);
			buf_init(&out, STORE_VALUE_MAX + 1);
			buf_putc(&out, '>');
			ok = ok && store_put(s, k, v, 100, &e) == 0 && store_get(s, k, &out, &e) == 1 && out.p[0] == '>' && span_eq(span_skip(buf_span(&out), 1), v);
			buf_free(&out);
			key[kn - 1] = '\0';
		}
	tap_ok(ok, "%s: keys and values of any octets, up to the largest: %s", b->name, e.text);
	buf_init(&out, 10);
	tap_int(store_put(s, S("k"), span_make(value, STORE_VALUE_MAX + 1), 9, &e), -1, "%s: a larger value is refused", b->name);
	tap_ok(strstr(e.text, "at most"), "%s: %s", b->name, e.text);
	tap_int(store_add_once(s, S("k"), span_make(value, STORE_VALUE_MAX + 1), 9, NULL, &e), -1, "%s: by add_once as well", b->name);
	tap_int(store_put(s, S("k"), span_make(value, 11), 9, &e), 0, "%s: put", b->name);
	tap_ok(store_get(s, S("k"), &out, &e) == -1 && out.n == 0, "%s: a value that its reader does not take is an error, no part of it", b->name);
	buf_free(&out);
	tap_int(store_put(s, span_make(key, 0), S("v"), 9, &e), -1, "%s: no empty key", b->name);
	tap_int(store_put(s, span_make(value, STORE_KEY_MAX + 1), S("v"), 9, &e), -1, "%s: no longer key", b->name);
	tap_int(store_put(s, S("k"), S("v"), 0, &e), -1, "%s: no lifetime of nothing", b->name);
	free(value);
}

static void test_add_once(const struct backend *b, struct store *s)
{
	struct err e;

	tap_int(add(s, "once", "first", 100), 1, "%s: the first one writes", b->name);
	tap_str(got, "", "%s: and is told of nothing there", b->name);
	tap_int(add(s, "once", "second", 100), 0, "%s: the second does not", b->name);
	tap_str(got, "first", "%s: and is told what is there", b->name);
	tap_int(store_add_once(s, S("once"), S("third"), 100, NULL, &e), 0, "%s: who does not want to know need not", b->name);
	tap_ok(add(s, "empty", "", 100) == 1 && add(s, "empty", "x", 100) == 0, "%s: an empty value is there, too", b->name);
}

static int64_t sum;

static int incr(struct store *s, const char *key, int64_t by, uint32_t ttl)
{
	struct err e = {0};
	int rc = store_incr(s, S(key), by, ttl, &sum, &e);

	if (rc)
		tap_note("%s", e.text);
	return rc;
}

static void test_incr(const struct backend *b, struct store *s)
{
	tap_ok(incr(s, "n", 5, 100) == 0 && sum == 5, "%s: a counter begins at 0", b->name);
	tap_ok(incr(s, "n", -12, 100) == 0 && sum == -7, "%s: and goes down as well", b->name);
	tap_ok(get(s, "n") == 1 && strcmp(got, "-7") == 0, "%s: reads as digits", b->name);
	tap_ok(incr(s, "big", INT64_C(9007199254740993), 100) == 0 && incr(s, "big", 2, 100) == 0 && sum == INT64_C(9007199254740995), "%s: exact beyond 53 bits", b->name);
	tap_ok(incr(s, "max", INT64_MAX, 100) == 0 && sum == INT64_MAX, "%s: up to the largest", b->name);
	tap_int(incr(s, "max", 1, 100), -1, "%s: and no further", b->name);
	tap_ok(incr(s, "min", INT64_MIN, 100) == 0 && incr(s, "min", 0, 100) == 0 && sum == INT64_MIN, "%s: down to the smallest", b->name);
	tap_ok(put(s, "word", "12x", 100) == 0 && incr(s, "word", 1, 100) == -1, "%s: what is no number is not counted", b->name);
	tap_ok(put(s, "word", "", 100) == 0 && incr(s, "word", 1, 100) == -1, "%s: nor is nothing", b->name);
	tap_ok(put(s, "word", "00000000000000000000000000000000000000007", 100) == 0 && incr(s, "word", 1, 100) == -1, "%s: nor is a long one", b->name);
	tap_ok(put(s, "word", "41", 100) == 0 && incr(s, "word", 1, 100) == 0 && sum == 42, "%s: digits are", b->name);
}

static void test_lifetime(const struct backend *b, struct store *s)
{
	bool ok;

	ok = put(s, "short", "v", 1) == 0 && add(s, "once-short", "a", 1) == 1 && incr(s, "n-short", 3, 1) == 0 && put(s, "long", "v", 100) == 0;
	ok = ok && put(s, "longer", "v", 1) == 0 && put(s, "longer", "v", 100) == 0 && add(s, "once-short", "b", 100) == 0 && incr(s, "n-short", 1, 100) == 0;
	tap_ok(ok, "%s: some entries for a second, some for longer", b->name);
	b->second();
	tap_int(get(s, "short"), 0, "%s: after it, the short one is gone", b->name);
	tap_ok(get(s, "long") == 1 && get(s, "longer") == 1, "%s: the long one and the one put again are there", b->name);
	tap_int(add(s, "once-short", "c", 100), 1, "%s: add_once finds a place again: it had not lengthened the life", b->name);
	tap_ok(incr(s, "n-short", 1, 100) == 0 && sum == 1, "%s: a counter's life is from its first", b->name);
	store_tick(s);
	tap_ok(get(s, "long") == 1 && add(s, "once-short", "d", 1) == 0 && strcmp(got, "c") == 0, "%s: housekeeping leaves what lives", b->name);
}

/* --- threads, and two hosts --------------------------------------------------------- */

struct racer {
	struct store *s;
	char name[8];
	pthread_barrier_t *start;
	unsigned won[KEYS];
	bool wrong; /* a call failed, or a loser was told nonsense */
};

static char winner[KEYS][8]; /* by the winners, read after all have ended */

static void *race(void *arg)
{
	struct racer *r = arg;
	int64_t n;

	pthread_barrier_wait(r->start);
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16];
		struct buf there;
		struct err e;
		int rc;

		snprintf(key, sizeof key, "race-%u", i);
		buf_init(&there, sizeof r->name);
		rc = store_add_once(r->s, S(key), S(r->name), 1000, &there, &e);
		if (rc == 1)
			memcpy(winner[i], r->name, sizeof r->name);
		r->won[i] = rc == 1;
		r->wrong = r->wrong || rc < 0 || (rc == 0 && there.n != 2);
		buf_free(&there);
	}
	for (unsigned i = 0; i < COUNTS; i++) {
		struct err e;

		if (store_incr(r->s, S("race-count"), 1, 1000, &n, &e)) {
			printf("# %s\n", e.text);
			r->wrong = true;
		}
	}
	return NULL;
}

static void run_race(struct store *a, struct store *z, struct racer *r)
{
	pthread_barrier_t start;
	pthread_t t[THREADS];

	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		r[i] = (struct racer){.s = i % 2 ? z : a, .start = &start};
		snprintf(r[i].name, sizeof r[i].name, "t%u", i);
		if (pthread_create(&t[i], NULL, race, &r[i]))
			tap_bail("no thread");
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&start);
}

static void test_race(const struct backend *b, struct store *a, struct store *z, const char *how)
{
	static struct racer r[THREADS];
	bool one_each = true, wrong = false, same = true;

	run_race(a, z, r);
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned won = 0;
		char key[16];

		snprintf(key, sizeof key, "race-%u", i);
		for (unsigned k = 0; k < THREADS; k++)
			won += r[k].won[i];
		one_each = one_each && won == 1;
		same = same && get(a, key) == 1 && strcmp(got, winner[i]) == 0 && get(z, key) == 1 && strcmp(got, winner[i]) == 0;
	}
	for (unsigned k = 0; k < THREADS; k++)
		wrong = wrong || r[k].wrong;
	tap_ok(one_each, "%s, %s: of eight threads exactly one wins each key", b->name, how);
	tap_ok(!wrong, "%s, %s: no call failed, and who lost was told the winner", b->name, how);
	tap_ok(same, "%s, %s: what is there is the winner's", b->name, how);
	tap_ok(incr(a, "race-count", 0, 1) == 0 && sum == THREADS * COUNTS, "%s, %s: no count is lost", b->name, how);
}

static void contract(const struct backend *b)
{
	struct store *s = b->open("a"), *z;

	test_get_put(b, s);
	test_octets(b, s);
	test_add_once(b, s);
	test_incr(b, s);
	test_lifetime(b, s);
	test_race(b, s, s, "one handle");
	store_close(s);
	if (!b->shared)
		return;
	s = b->open("b");
	z = b->open("b");
	tap_ok(add(s, "token", "host 1", 100) == 1 && add(z, "token", "host 2", 100) == 0 && strcmp(got, "host 1") == 0, "%s: two hosts see each other's entries", b->name);
	test_race(b, s, z, "two handles");
	store_close(s);
	store_close(z);
	z = b->open("b");
	tap_ok(get(z, "token") == 1 && strcmp(got, "host 1") == 0, "%s: and are there after both have closed", b->name);
	store_close(z);
	z = b->open("c");
	tap_int(get(z, "token"), 0, "%s: another place has other entries", b->name);
	store_close(z);
}

/* --- memory alone -------------------------------------------------------------------- */

static void test_siphash(void)
{
	unsigned char seed[16], text[15];

	for (unsigned i = 0; i < 16; i++)
		seed[i] = (unsigned char)i;
	for (unsigned i = 0; i < 15; i++)
		text[i] = (unsigned char)i;
	tap_ok(store_mem_hash(seed, span_make(text, 15)) == UINT64_C(0xa129ca6149be45e5), "the hash is SipHash-2-4: the paper's example");
	tap_ok(store_mem_hash(seed, span_make(text, 8)) == UINT64_C(0x93f5f5799a932462) && store_mem_hash(seed, span_make(text, 0)) == UINT64_C(0x726fdb47dd0e0e31),
	       "and the vectors of its authors for 8 octets and none");
}

static void test_mem_full(void)
{
	enum { ROOM = 1000 };
	struct store *s = store_mem_open(ROOM * 64, fake_now);
	struct store_mem_stats st;
	bool first = true;
	unsigned later = 0;
	char key[32];
	struct err e = {0};
	char *big = calloc(1, STORE_VALUE_MAX);

	for (unsigned i = 0; i < 2 * ROOM; i++) {
		snprintf(key, sizeof key, "0123456789-%05u", i);
		/* every second one ends early, in no order */
		if (store_add_once(s, S(key), S("01234567890123456789"), i % 2 ? 1000 + i * 7919 % 500 : 5000, NULL, &e) != 1)
			tap_bail("%s", e.text);
	}
	store_mem_stats(s, &st);
	tap_int((long long)st.entries, ROOM, "a small entry takes 64 octets of the maximum");
	tap_int((long long)st.bytes, ROOM * 64, "and the store no more than that");
	tap_int((long long)st.evicted, ROOM, "what went before its time is counted");
	for (unsigned i = 0; i < 2 * ROOM; i++) {
		snprintf(key, sizeof key, "0123456789-%05u", i);
		if (i % 2)
			first = first && get(s, key) == (i == 2 * ROOM - 1);
		else
			later += get(s, key) == 1;
	}
	tap_ok(first, "all that ended first went first, the last one written apart");
	tap_int(later, ROOM - 1, "and what ends later stayed, but for one that the last took the place of");
	tap_ok(store_put(s, S("big"), span_make(big, STORE_VALUE_MAX), 9, &e) == -1 && strstr(e.text, "larger"), "a value that does not fit even alone: %s", e.text);
	tap_ok(store_put(s, S("big"), span_make(big, 50000), 9, &e) == 0 && store_put(s, S("big"), S("small"), 9, &e) == 0 && get(s, "big") == 1, "one that does fits, and can be replaced");
	store_mem_stats(s, &st);
	tap_ok(st.entries < ROOM / 10 && st.bytes < ROOM * 64 / 10, "others gave way to it (%zu are left)", st.entries);
	fake_second();
	atomic_fetch_add(&clock_s, 10000);
	store_tick(s);
	store_mem_stats(s, &st);
	tap_ok(st.entries == 0 && st.bytes == 0, "housekeeping gives all back that ended");
	store_close(s);
	s = store_mem_open(1, fake_now);
	tap_ok(put(s, "k", "v", 9) == 0 && get(s, "k") == 1, "the smallest store has one entry");
	store_close(s);
	free(big);
}

/* The same random calls to the store and to an array that is easily seen to be right. */
static void test_mem_random(void)
{
	enum { NAMES = 400, CALLS = 200000 };
	static struct {
		int64_t until;
		unsigned n;
		unsigned char fill;
	} model[NAMES];
	struct store *s = store_mem_open(NAMES * 64 * 12, fake_now);
	struct store_mem_stats st;
	static char value[600];
	unsigned long wrong = 0;
	uint64_t x = 88172645463325252u;
	struct err e;

	for (unsigned i = 0; i < CALLS; i++) {
		unsigned name, n, rc;
		unsigned char fill;
		char key[80];
		struct buf b;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		name = (unsigned)(x % NAMES), n = (unsigned)(x >> 20) % sizeof value, fill = (unsigned char)(x >> 40);
		snprintf(key, sizeof key, "%0*u", (int)(name % 60 + 4), name);
		memset(value, fill, sizeof value);
		buf_init(&b, sizeof value);
		switch (x >> 50 & 3) {
		case 0:
			rc = (unsigned)store_get(s, S(key), &b, &e);
			wrong += rc != (model[name].until > fake_now());
			break;
		case 1:
			rc = (unsigned)store_add_once(s, S(key), span_make(value, n), 1 + fill % 50, &b, &e);
			wrong += rc != (model[name].until <= fake_now());
			if (rc == 1) {
				model[name].until = fake_now() + 1 + fill % 50;
				model[name].n = n;
				model[name].fill = fill;
			}
			break;
		case 2:
			wrong += store_put(s, S(key), span_make(value, n), 1 + fill % 50, &e) != 0;
			model[name].until = fake_now() + 1 + fill % 50;
			model[name].n = n;
			model[name].fill = fill;
			break;
		default:
			if (i % 50 == 0)
				fake_second();
		}
		for (size_t k = 0; k < b.n; k++)
			wrong += (unsigned char)b.p[k] != model[name].fill;
		wrong += b.n && b.n != model[name].n;
		buf_free(&b);
	}
	tap_int((long long)wrong, 0, "200,000 random calls do what a plain array does");
	store_mem_stats(s, &st);
	tap_int((long long)st.evicted, 0, "(there was room)");
	store_close(s);
}

int main(void)
{
	bool have_redis = redis_server_have();

	if (have_redis)
		redis_server_start(&redis, tap_tempdir(), 0, NULL);
	for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
		if (backends[i].open == open_redis && !have_redis)
			tap_skip("redis-server is not installed");
		else
			contract(&backends[i]);
	}
	if (have_redis)
		redis_server_kill(&redis);
	test_siphash();
	test_mem_full();
	test_mem_random();
	return tap_done();
}
