/*
 * A search tree without pointers: each level holds the first key of each block
 * of the level below, so that a block's place says where the next one is.
 *
 * The upper levels of a million keys are half a megabyte and stay in the cache.
 */
#include "config.h"

#include "core/sortedkeys.h"

#include <assert.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

static size_t blocks_of(size_t n)
{
	return n / SORTEDKEYS_BLOCK + (n % SORTEDKEYS_BLOCK != 0);
}

/* Places of the levels; returns the number of keys in all of them, filled up to blocks. */
static size_t place_levels(struct sortedkeys *s)
{
	size_t total = 0;

	for (size_t n = s->n;; n = blocks_of(n)) {
		assert(s->levels < SORTEDKEYS_LEVELS);
		s->at[s->levels++] = total;
		total += blocks_of(n) * SORTEDKEYS_BLOCK;
		if (n <= SORTEDKEYS_BLOCK)
			return total;
	}
}

void *sortedkeys_beside(size_t n, size_t size)
{
	void *p;

	if (n > SIZE_MAX / 2 / size || posix_memalign(&p, CACHE_LINE, (n ? n : 1) * size))
		return NULL;
	return p;
}

int sortedkeys_init(struct sortedkeys *s, size_t n)
{
	size_t total;

	*s = (struct sortedkeys){.n = n};
	if (!n)
		return 0;
	if (n > SIZE_MAX / sizeof *s->key / 4)
		return -1;
	total = place_levels(s);
	s->key = sortedkeys_beside(total, sizeof *s->key);
	if (!s->key) {
		*s = (struct sortedkeys){.n = 0};
		return -1;
	}
	return 0;
}

static void fill_up(uint64_t *key, size_t n)
{
	for (; n % SORTEDKEYS_BLOCK; n++)
		key[n] = UINT64_MAX;
}

void sortedkeys_seal(struct sortedkeys *s)
{
	size_t n = s->n;

	if (!n)
		return;
	fill_up(s->key, n);
	for (size_t level = 1; level < s->levels; level++) {
		const uint64_t *below = s->key + s->at[level - 1];
		uint64_t *to = s->key + s->at[level];

		n = blocks_of(n);
		for (size_t i = 0; i < n; i++)
			to[i] = below[i * SORTEDKEYS_BLOCK];
		fill_up(to, n);
	}
}

void sortedkeys_free(struct sortedkeys *s)
{
	free(s->key);
	*s = (struct sortedkeys){.n = 0};
}

/* How many of a block are at most key.  Compares all of them, so that there is no branch to guess. */
static size_t count(const uint64_t *block, uint64_t key)
{
	size_t n = 0;

	for (size_t i = 0; i < SORTEDKEYS_BLOCK; i++)
		n += block[i] <= key;
	return n;
}

size_t sortedkeys_from(const struct sortedkeys *s, uint64_t key)
{
	size_t block = 0;

	/* What a level is filled up with is never chosen. */
	if (key == UINT64_MAX)
		key--;
	for (size_t level = s->levels; level-- > 1;) {
		size_t n = count(s->key + s->at[level] + block * SORTEDKEYS_BLOCK, key);

		/* 0 in the top level only, if key is below all there are. */
		block = block * SORTEDKEYS_BLOCK + n - (n > 0);
	}
	return block * SORTEDKEYS_BLOCK;
}

size_t sortedkeys_upto_from(const struct sortedkeys *s, uint64_t key, size_t from)
{
	if (key == UINT64_MAX)
		return s->n;
	return s->n ? from + count(s->key + from, key) : 0;
}

size_t sortedkeys_upto(const struct sortedkeys *s, uint64_t key)
{
	return sortedkeys_upto_from(s, key, sortedkeys_from(s, key));
}

size_t sortedkeys_bytes(const struct sortedkeys *s)
{
	size_t n = s->n, total = 0;

	for (size_t level = 0; level < s->levels; level++, n = blocks_of(n))
		total += blocks_of(n) * SORTEDKEYS_BLOCK * sizeof *s->key;
	return total;
}
