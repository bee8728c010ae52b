/* Token buckets, history, the bounded table, snapshots, threads. */
#include "config.h"

#include "policy/counters.h"
#include "policy/counters_internal.h"
#include "tests/lib/tap.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY = 86400, NOW = 1700000000 };
#define NOW_MS (INT64_C(1000) * NOW)

static struct counters *fresh(size_t max)
{
	struct counters *c = counters_new(max);

	if (!c)
		tap_bail("no memory");
	return c;
}

static struct counters_rate rate(const char *name, int64_t limit, int64_t per_ms, int64_t burst)
{
	return (struct counters_rate){span_cstr(name), limit * 1000, per_ms, burst * 1000};
}

/* How many of n messages at that time are not over. */
static int passed(struct counters *c, const struct counters_rate *r, const char *key, int64_t ms, int n)
{
	int ok = 0;

	for (int i = 0; i < n; i++)
		ok += !counters_over(c, r, span_cstr(key), ms, true);
	return ok;
}

/* --- the hash */

static void check_hash(void)
{
	static const unsigned char seed[COUNTERS_SEED_BYTES] = "0123456789abcde";
	struct siphash_sum h, o;

	h = counters_hash(seed, COUNTERS_OF_RATE, span_cstr("a"), span_cstr("bc"));
	o = counters_hash(seed, COUNTERS_OF_RATE, span_cstr("ab"), span_cstr("c"));
	tap_ok(h.half[0] != o.half[0], "a name's end is part of the key");
	o = counters_hash(seed, COUNTERS_OF_NUMBER, span_cstr("a"), span_cstr("bc"));
	tap_ok(h.half[0] != o.half[0], "so is what is counted");
}

/* --- token buckets */

static void check_buckets(void)
{
	struct counters *c = fresh(1000);
	struct counters_rate r = rate("hour", 60, 3600 * 1000, 60), burst = rate("minute", 2, 60 * 1000, 5), slow = rate("slow", 1, INT64_C(30) * DAY * 1000, 1);
	int64_t t = NOW_MS;

	tap_int(passed(c, &r, "a", t, 70), 60, "a full bucket, then over");
	tap_int(passed(c, &r, "b", t, 1), 1, "another key has its own");
	tap_int(passed(c, &burst, "a", t, 9), 5, "another rate too, with its burst");
	tap_int(passed(c, &r, "a", t + 59999, 2), 0, "a token takes a minute");
	tap_int(passed(c, &r, "a", t + 60000, 2), 1, "then it is there");
	tap_int(passed(c, &r, "a", t + 60000 + 10 * 60000, 20), 10, "ten minutes, ten tokens");
	tap_int(passed(c, &r, "a", t + INT64_C(1000) * DAY * 365, 100), 60, "never more than the burst");
	tap_int(passed(c, &burst, "a", t + 30 * 1000, 9), 1, "half a minute of two a minute");
	tap_ok(!counters_over(c, &r, span_cstr("c"), t, false), "looking at a new key");
	tap_int(passed(c, &r, "c", t, 61), 60, "takes nothing");
	tap_ok(counters_over(c, &r, span_cstr("c"), t, false), "looking at an empty bucket");
	tap_ok(!counters_over(c, &r, span_cstr("c"), t + 60000, false) && !counters_over(c, &r, span_cstr("c"), t + 60000, false), "looking at a refilled one takes nothing");
	tap_int(passed(c, &r, "c", t + 60000, 9), 1, "its one token");
	/* looked at each second, for a token of thirty days */
	tap_int(passed(c, &slow, "a", t, 2), 1, "one in thirty days");
	for (int64_t i = 1; i < 30; i++)
		if (passed(c, &slow, "a", t + i * DAY * 1000, 1))
			tap_ok(false, "too soon on day %d", (int)i);
	tap_int(passed(c, &slow, "a", t + INT64_C(30) * DAY * 1000, 2), 1, "on the thirtieth day");
	for (int64_t i = 1; i <= 100000; i++)
		if (passed(c, &slow, "a", t + INT64_C(30) * DAY * 1000 + i, 1))
			tap_ok(false, "too soon");
	tap_int(passed(c, &slow, "a", t + INT64_C(60) * DAY * 1000 + 100, 2), 1, "fractions are not lost");
	counters_free(c);
	counters_free(NULL);
}

static void check_changes(void)
{
	struct counters *c = fresh(1000);
	struct counters_rate r = rate("r", 10, 1000, 10), less = rate("r", 5, 1000, 3), more = rate("r", 1000, 1000, 2000), most = rate("most", 1000000, 1000, 1000000);
	int64_t t = NOW_MS;

	tap_int(passed(c, &r, "a", t, 1), 1, "nine are left");
	tap_int(passed(c, &less, "a", t, 9), 3, "a smaller burst cuts what is left");
	tap_int(passed(c, &more, "a", t + 100, 200), 100, "a higher limit refills faster");
	tap_int(passed(c, &more, "a", t + 5000, 3000), 2000, "up to the new burst");
	tap_int(passed(c, &most, "a", t, 1000001), 1000000, "a million a second");
	tap_int(passed(c, &most, "a", t + 500, 1000001), 500000, "half of it after half a second");
	tap_int(passed(c, &most, "a", INT64_MAX, 10), 10, "the end of time");
	counters_free(c);
}

static void check_clock(void)
{
	struct counters *c = fresh(1000);
	struct counters_rate r = rate("r", 60, 60 * 1000, 60);
	int64_t t = NOW_MS;

	passed(c, &r, "a", t, 60);
	tap_int(passed(c, &r, "a", t - 30000, 5), 0, "back by half a minute: nothing is refilled");
	tap_int(passed(c, &r, "a", t, 5), 0, "forth again: nothing either");
	tap_int(passed(c, &r, "a", t + 1000, 5), 1, "a second on");
	tap_int(passed(c, &r, "a", t - INT64_C(1000) * DAY, 5), 0, "a clock that was a day ahead");
	tap_int(passed(c, &r, "a", t - INT64_C(1000) * DAY + 2000, 5), 2, "fills from the new time on");
	tap_int(passed(c, &r, "b", -5, 1), 1, "before 1970");
	tap_int(passed(c, &r, "b", INT64_MIN, 1), 1, "before everything");
	counters_free(c);
}

/* --- history */

static struct counters_seen look(struct counters *c, const char *key, int64_t now)
{
	return counters_look(c, COUNTERS_SIGNER, span_cstr(key), now);
}

static void note(struct counters *c, const char *key, int n, bool stopped, int64_t now)
{
	while (n--)
		counters_note(c, COUNTERS_SIGNER, span_cstr(key), stopped, now);
}

static void check_history(void)
{
	struct counters *c = fresh(1000);
	struct counters_seen s = look(c, "a", NOW);

	tap_ok(!s.known && s.reputation == 50, "an unknown signer");
	tap_int((long long)counters_stat(c).entries, 0, "looking leaves nothing behind");
	note(c, "a", 1, false, NOW);
	s = look(c, "a", NOW + 5);
	tap_ok(s.known && s.first_seen == NOW && s.reputation == 67, "one good message: 2 of 3");
	tap_ok(!counters_look(c, COUNTERS_NUMBER, span_cstr("a"), NOW).known && !counters_look(c, COUNTERS_PEER, span_cstr("a"), NOW).known, "a number or peer of that name is another");
	note(c, "a", 97, false, NOW + 10);
	tap_int(look(c, "a", NOW + 10).reputation, 99, "98 good ones: 99 of 100");
	note(c, "b", 98, true, NOW);
	tap_int(look(c, "b", NOW).reputation, 1, "98 bad ones: 1 of 100");
	tap_int(look(c, "b", NOW + 7 * DAY).reputation, 2, "half of it after a week: 1 of 51");
	tap_int(look(c, "b", NOW + 14 * DAY).reputation, 4, "a quarter after two: 1 of 26.5");
	tap_int(look(c, "b", NOW + 365 * DAY).reputation, 50, "forgotten after a year");
	tap_int(look(c, "b", INT64_MAX).reputation, 50, "and at the end of time");
	tap_int(look(c, "b", NOW).reputation, 1, "looking decays nothing");
	/* one a minute for two weeks: the sum is what it would be in one step */
	for (int i = 0; i <= 14 * 24 * 60; i++)
		note(c, "c", i == 0 ? 100 : 0, true, NOW + 60 * i);
	tap_int(look(c, "c", NOW + 14 * DAY).reputation, 4, "decay by steps: 1 of 27");
	counters_free(c);
}

static void check_history_clock(void)
{
	struct counters *c = fresh(1000);

	note(c, "a", 98, true, NOW);
	tap_int(look(c, "a", NOW - 3 * DAY).reputation, 1, "a clock that steps back changes nothing");
	tap_int((long long)look(c, "a", NOW - 3 * DAY).first_seen, NOW - 3 * DAY, "nothing was first seen in the future");
	note(c, "a", 1, true, NOW - 3 * DAY);
	tap_int((long long)look(c, "a", NOW).first_seen, NOW - 3 * DAY, "an earlier message was seen first");
	for (int i = 0; i < 7 * DAY; i += 30)
		note(c, "b", i == 0 ? 98 : 0, true, NOW + i);
	for (int i = 0; i < 2000; i++)
		note(c, "d", 1, false, NOW + i);
	tap_ok(look(c, "d", NOW + 2000).reputation >= 99, "each second a message");
	note(c, "e", 1, true, -7);
	tap_int((long long)look(c, "e", NOW).first_seen, 0, "before 1970");
	counters_free(c);
}

/* --- bounds */

static void number_key(char *out, size_t n, int i)
{
	snprintf(out, n, "1555%07d", i);
}

static void check_bounds(void)
{
	enum { MAX = 200000, KEYS = 500000 };
	struct counters *c = fresh(3);
	size_t known = 0;
	char key[16];

	note(c, "a", 1, false, NOW);
	note(c, "b", 1, false, NOW);
	note(c, "c", 1, false, NOW);
	note(c, "a", 1, false, NOW);
	look(c, "b", NOW);
	note(c, "d", 1, false, NOW);
	tap_ok(look(c, "a", NOW).known && look(c, "c", NOW).known && look(c, "d", NOW).known && !look(c, "b", NOW).known, "the least recently used goes first; looking is no use");
	tap_int((long long)counters_stat(c).evicted, 1, "one has gone");
	counters_free(c);
	c = fresh(0);
	note(c, "a", 1, false, NOW);
	tap_ok(look(c, "a", NOW).known, "one at least");
	counters_free(c);
	c = fresh(MAX);
	for (int i = 0; i < KEYS; i++) {
		number_key(key, sizeof key, i);
		note(c, key, 1, false, NOW + i);
	}
	tap_ok(counters_stat(c).entries <= MAX && counters_stat(c).entries > MAX - 64 && counters_stat(c).max == MAX, "never more than %d", MAX);
	tap_int((long long)(counters_stat(c).evicted + counters_stat(c).entries), KEYS, "the others have gone");
	for (int i = KEYS - MAX / 10 * 9; i < KEYS; i++) {
		number_key(key, sizeof key, i);
		known += look(c, key, NOW + KEYS).known;
	}
	tap_int((long long)known, MAX / 10 * 9, "the newest are there");
	counters_free(c);
}

/* --- snapshots */

static void save(struct counters *c, struct buf *out)
{
	buf_init(out, COUNTERS_SNAPSHOT_MAX);
	if (counters_save(c, out) < 0)
		tap_bail("no memory");
}

static int load(struct counters **c, size_t max, struct span in, struct err *e)
{
	*c = fresh(max);
	return counters_load(*c, in, e);
}

static void sign_again(struct buf *b)
{
	if (EVP_Digest(b->p, b->n - 32, (unsigned char *)b->p + b->n - 32, NULL, EVP_sha256(), NULL) != 1)
		tap_bail("no SHA-256");
}

static void check_snapshot(void)
{
	struct counters_rate r = rate("r", 60, 3600 * 1000, 60);
	struct counters *c = fresh(100), *d;
	struct buf one, two;
	struct err e;

	passed(c, &r, "a", NOW_MS, 55);
	note(c, "a", 98, true, NOW);
	counters_note(c, COUNTERS_PEER, span_cstr("p"), false, NOW - DAY);
	save(c, &one);
	tap_int(load(&d, 100, buf_span(&one), &e), 0, "a snapshot is read");
	tap_int(passed(d, &r, "a", NOW_MS, 9), 5, "a bucket goes on");
	tap_int(look(d, "a", NOW).reputation, 1, "so does history");
	tap_int((long long)counters_look(d, COUNTERS_PEER, span_cstr("p"), NOW).first_seen, NOW - DAY, "and when a peer was first seen");
	tap_int(counters_load(d, buf_span(&one), &e), -1, "only into new counters");
	counters_free(d);
	tap_int(load(&d, 100, buf_span(&one), &e), 0, "read again");
	save(d, &two);
	tap_span(buf_span(&two), buf_span(&one), "what was read is written the same");
	counters_free(d);
	tap_int((long long)one.n, 24 + 3 * 41 + 32, "three entries of 41 octets");
	/* every octet, one after the other */
	for (size_t i = 0; i < one.n; i++) {
		one.p[i] ^= 1;
		if (load(&d, 100, buf_span(&one), &e) == 0 || counters_stat(d).entries)
			tap_ok(false, "octet %zu changed", i);
		counters_free(d);
		one.p[i] ^= 1;
	}
	for (size_t i = 0; i < one.n; i++) {
		if (load(&d, 100, span_make(one.p, i), &e) == 0)
			tap_ok(false, "cut after %zu octets", i);
		counters_free(d);
	}
	tap_ok(true, "changed or cut anywhere it is refused");
	buf_free(&one);
	buf_free(&two);
	counters_free(c);
}

/* With a good checksum, but entries that can't be. */
static void check_odd(void)
{
	static const struct {
		size_t at;
		unsigned char octet;
		const char *error;
	} odd[] = {
		{7, '2', "a snapshot of counters of another version"},
		{0, 'X', "this is no snapshot of counters"},
		{24 + 16, 4, "a snapshot of counters with an entry of an unknown kind"},
		{24 + 24, 0x80, "a snapshot of counters with a number below zero"},
		{24 + 32, 0x80, "a snapshot of counters with a number below zero"},
		{24 + 24, 0x7F, "a snapshot of counters with a time that can't be"},
		{24 + 36, 0xBF, "a snapshot of counters with a count that can't be"},
		{24 + 40, 0x7F, NULL},
		{24 + 16, 0, NULL},
	};
	struct counters *c = fresh(100), *d;
	char entry[41];
	struct buf b;
	struct err e;

	note(c, "a", 3, true, NOW);
	save(c, &b);
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		char was = b.p[odd[i].at];

		b.p[odd[i].at] = (char)odd[i].octet;
		sign_again(&b);
		e.text[0] = '\0';
		tap_int(load(&d, 100, buf_span(&b), &e), odd[i].error ? -1 : 0, "octet %zu is %d", odd[i].at, odd[i].octet);
		tap_str(e.text, odd[i].error ? odd[i].error : "", "and is said");
		counters_free(d);
		b.p[odd[i].at] = was;
	}
	/* the entry a second time */
	memcpy(entry, b.p + 24, sizeof entry);
	b.n = 24 + 41;
	buf_put(&b, entry, sizeof entry);
	buf_put(&b, entry, 32);
	sign_again(&b);
	tap_int(load(&d, 100, buf_span(&b), &e), -1, "an entry twice");
	tap_str(e.text, "a snapshot of counters with one entry twice", "and is said");
	tap_int((long long)counters_stat(d).entries, 0, "nothing of it is kept");
	counters_free(d);
	buf_free(&b);
	counters_free(c);
}

/* A kind that is not the key's own: as if there were no entry, and none of its numbers is read as another. */
static void check_other_kind(void)
{
	enum { WHAT = 24 + 16, REST = 24 + 33 };
	const struct counters_rate r = {span_cstr("r"), 1000, 3600000, 1000};
	struct counters *c = fresh(100), *d;
	struct counters_seen seen;
	struct buf b;
	struct err e;

	note(c, "a", 3, true, NOW);
	save(c, &b);
	b.p[WHAT] = 0;
	memset(b.p + REST, 0xFF, 8); /* no number at all as a float */
	sign_again(&b);
	tap_int(load(&d, 100, buf_span(&b), &e), 0, "a history that says it is a rate");
	seen = look(d, "a", NOW);
	tap_ok(!seen.known && seen.reputation == 50, "is not known");
	note(d, "a", 1, false, NOW);
	seen = look(d, "a", NOW);
	tap_ok(seen.known && seen.reputation == 67 && counters_stat(d).entries == 1, "and begins anew in its place");
	counters_free(d);
	buf_free(&b);
	counters_free(c);
	c = fresh(100);
	tap_ok(!counters_over(c, &r, span_cstr("a"), NOW, true) && counters_over(c, &r, span_cstr("a"), NOW, true), "a rate that is used up");
	save(c, &b);
	b.p[WHAT] = 1;
	memset(b.p + REST - 16, 0, 24);
	sign_again(&b);
	tap_int(load(&d, 100, buf_span(&b), &e), 0, "and says it is a history");
	tap_ok(!counters_over(d, &r, span_cstr("a"), NOW, false) && !counters_over(d, &r, span_cstr("a"), NOW, true) && counters_over(d, &r, span_cstr("a"), NOW, true), "begins anew");
	counters_free(d);
	buf_free(&b);
	counters_free(c);
	c = fresh(100);
	tap_int(counters_load(c, span_make(NULL, 0), &e), -1, "no octet at all is no snapshot");
	counters_free(c);
}

static void check_smaller(void)
{
	enum { MANY = 100000, FEW = 1000 };
	struct counters *c = fresh(2 * MANY), *d;
	size_t known = 0;
	struct buf b;
	struct err e;
	char key[16];

	for (int i = 0; i < MANY; i++) {
		number_key(key, sizeof key, i);
		note(c, key, 1, false, NOW + 60 * (i / 100));
	}
	save(c, &b);
	tap_int(load(&d, FEW, buf_span(&b), &e), 0, "into fewer entries");
	tap_int((long long)counters_stat(d).entries, FEW, "as many as there are");
	for (int i = MANY - FEW; i < MANY; i++) {
		number_key(key, sizeof key, i);
		known += look(d, key, NOW + 60 * MANY).known;
	}
	tap_int((long long)known, FEW, "the newest are kept");
	counters_free(d);
	buf_free(&b);
	counters_free(c);
}

/* --- threads */

enum { THREADS = 4, EACH = 20000, SHARED = 50 };
struct job {
	struct counters *c;
	int passed;
};

static void *work(void *arg)
{
	struct job *j = arg;
	struct counters_rate r = rate("r", 100, 3600 * 1000, 100);
	char key[16];

	for (int i = 0; i < EACH; i++) {
		struct buf b;

		number_key(key, sizeof key, i % SHARED);
		j->passed += !counters_over(j->c, &r, span_cstr(key), NOW_MS, true);
		counters_note(j->c, COUNTERS_NUMBER, span_cstr(key), i % 2, NOW);
		(void)counters_look(j->c, COUNTERS_NUMBER, span_cstr(key), NOW);
		if (i % 10000)
			continue;
		buf_init(&b, COUNTERS_SNAPSHOT_MAX);
		if (counters_save(j->c, &b) < 0 || !counters_stat(j->c).entries)
			abort();
		buf_free(&b);
	}
	return NULL;
}

static void check_threads(void)
{
	struct counters *c = fresh(100000);
	struct job job[THREADS];
	pthread_t t[THREADS];
	int all = 0;

	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct job){c, 0};
		if (pthread_create(&t[i], NULL, work, &job[i]))
			tap_bail("no thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all += job[i].passed;
	}
	tap_int(all, 100 * SHARED, "no token is taken twice");
	tap_int((long long)counters_stat(c).entries, 2 * SHARED, "each key once");
	counters_free(c);
}

int main(void)
{
	check_hash();
	check_buckets();
	check_changes();
	check_clock();
	check_history();
	check_history_clock();
	check_bounds();
	check_snapshot();
	check_odd();
	check_other_kind();
	check_smaller();
	check_threads();
	return tap_done();
}
