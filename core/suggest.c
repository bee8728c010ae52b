/*
 * Optimal string alignment distance over three rows of a fixed size, so that a
 * hostile word costs no more than a short one.
 *
 * Knows nothing of what the names mean; dictionaries are the callers'.
 */
#include "config.h"

#include "core/suggest.h"

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same(struct span a, size_t i, struct span b, size_t j)
{
	return span_lower(a.p[i]) == span_lower(b.p[j]);
}

unsigned suggest_distance(struct span a, struct span b, unsigned limit)
{
	unsigned row[3][SUGGEST_MAX_BYTES + 1];
	unsigned *before = row[0], *last = row[1], *cur = row[2], *t, d;
	size_t apart = a.n > b.n ? a.n - b.n : b.n - a.n;

	if (a.n > SUGGEST_MAX_BYTES || b.n > SUGGEST_MAX_BYTES || apart > limit)
		return limit + 1;
	for (size_t j = 0; j <= b.n; j++)
		before[j] = last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		cur[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			bool eq = same(a, i - 1, b, j - 1);

			cur[j] = min3(last[j] + 1, cur[j - 1] + 1, last[j - 1] + !eq);
			if (i > 1 && j > 1 && same(a, i - 1, b, j - 2) && same(a, i - 2, b, j - 1) &&
			    before[j - 2] + 1 < cur[j])
				cur[j] = before[j - 2] + 1;
		}
		t = before;
		before = last;
		last = cur;
		cur = t;
	}
	d = last[b.n];
	return d <= limit ? d : limit + 1;
}

const char *suggest_name(struct span word, const char *const *names, size_t n)
{
	unsigned limit = word.n <= 5 ? 1 : word.n <= 8 ? 2 : 3;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct span name = span_cstr(names[i]);
		unsigned d;

		if (!names[i])
			continue;
		d = suggest_distance(word, name, limit);
		/* A name with nothing in common isn't near, however short it is. */
		if (d > limit || d >= (word.n > name.n ? word.n : name.n))
			continue;
		best = names[i];
		if (d == 0)
			break;
		limit = d - 1;
	}
	return best;
}
