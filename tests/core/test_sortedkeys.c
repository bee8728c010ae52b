/* Sorted keys: every count from none to some levels, asked at, before and behind each key. */
#include "config.h"

#include "core/sortedkeys.h"

#include "tests/lib/tap.h"

static uint64_t mixed(uint64_t i)
{
	uint64_t z = i * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 27);
}

/* How many of key[0..n-1] are at most k, one by one. */
static size_t upto(const uint64_t *key, size_t n, uint64_t k)
{
	size_t i = 0;

	while (i < n && key[i] <= k)
		i++;
	return i;
}

/* Steps of 0 to most - 1, so that with 1 all are equal. */
static bool holds(size_t n, uint64_t first, uint64_t most)
{
	struct sortedkeys s;
	bool ok = true;

	if (sortedkeys_init(&s, n))
		tap_bail("no memory");
	for (size_t i = 0; i < n; i++)
		s.key[i] = i ? s.key[i - 1] + mixed(i) % most : first;
	sortedkeys_seal(&s);
	for (size_t i = 0; i < n; i++)
		for (uint64_t k = s.key[i] ? s.key[i] - 1 : 0; k <= s.key[i] + 1; k++)
			ok = ok && sortedkeys_upto(&s, k) == upto(s.key, n, k);
	ok = ok && sortedkeys_upto(&s, 0) == upto(s.key, n, 0) && sortedkeys_upto(&s, UINT64_MAX) == n && sortedkeys_upto(&s, UINT64_MAX - 1) == n;
	ok = ok && sortedkeys_bytes(&s) >= n * sizeof *s.key;
	sortedkeys_free(&s);
	return ok && s.n == 0;
}

static void all_counts(void)
{
	static const uint64_t most[] = {1, 2, 3, 1000, UINT64_C(1) << 40};

	for (size_t m = 0; m < sizeof most / sizeof *most; m++) {
		bool ok = true;

		for (size_t n = 0; n < 600; n++)
			ok = ok && holds(n, 0, most[m]) && holds(n, 17, most[m]);
		tap_ok(ok, "0 to 599 keys in steps below %llu", (unsigned long long)most[m]);
	}
	for (size_t n = 4090; n < 4100; n++)
		tap_ok(holds(n, 5, 3), "%zu keys: one level more", n);
	tap_ok(holds(300, UINT64_MAX - 1 - 300, 2), "keys at the upper end");
}

static void large(void)
{
	enum { MANY = 1000000 };
	struct sortedkeys s;
	bool ok = true;

	if (sortedkeys_init(&s, MANY))
		tap_bail("no memory");
	for (size_t i = 0; i < MANY; i++)
		s.key[i] = 10 * i + 10;
	sortedkeys_seal(&s);
	for (uint64_t i = 0; i < MANY; i++) {
		uint64_t k = mixed(i) % (10 * MANY + 40);
		size_t want = k / 10;

		ok = ok && sortedkeys_upto(&s, k) == (want < MANY ? want : MANY);
	}
	tap_ok(ok, "a million keys");
	tap_ok(sortedkeys_bytes(&s) < 9 * (size_t)MANY, "below nine octets each");
	sortedkeys_free(&s);
}

int main(void)
{
	struct sortedkeys none = {0};

	tap_int((long long)sortedkeys_upto(&none, 7), 0, "all zero are no keys");
	sortedkeys_free(&none);
	tap_int(sortedkeys_init(&none, SIZE_MAX / 8), -1, "more than there is memory");
	all_counts();
	large();
	return tap_done();
}
