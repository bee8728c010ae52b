/*
 * Ranges of 64-bit numbers: collected, sorted, merged, looked up.
 *
 * What the numbers stand for is list_tn.c's and list_net.c's.
 */
#include "config.h"

#include "policy/list_internal.h"

#include <stdlib.h>

enum { FIRST_CAP = 64 };

void list_redundant_count(struct list_redundant *r, uint32_t where)
{
	if (!r->n || where < r->first)
		r->first = where;
	r->n++;
}

int list_grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : FIRST_CAP;
	void *old, *p;

	if (n < *cap)
		return 0;
	/* array is the address of a pointer of any type */
	memcpy(&old, array, sizeof old);
	p = reallocarray(old, more, size);
	if (!p)
		return -1;
	memcpy(array, &p, sizeof p);
	*cap = more;
	return 0;
}

void list_shrink(void *array, size_t n, size_t size)
{
	void *old, *p;

	memcpy(&old, array, sizeof old);
	if (!old || !n)
		return;
	p = reallocarray(old, n, size);
	if (p)
		memcpy(array, &p, sizeof p);
}

/* The wider of two that begin together first, then the earlier: what follows it is the redundant one. */
static int by_place(const void *x, const void *y)
{
	const struct list_item *a = x, *b = y;

	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi > b->hi ? -1 : 1;
	return (a->where > b->where) - (a->where < b->where);
}

int list_items_add(struct list_items *s, struct list_item item)
{
	if (list_grow(&s->v, s->n, &s->cap, sizeof *s->v) < 0)
		return -1;
	if (s->n && by_place(&s->v[s->n - 1], &item) > 0)
		s->disordered = true;
	s->v[s->n++] = item;
	return 0;
}

/* In place: the union of sorted items. */
static size_t merge(struct list_items *s, bool single, struct list_redundant *r)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct list_item *it = &s->v[i], *last = n ? &s->v[n - 1] : NULL;

		if (last && it->hi <= last->hi)
			list_redundant_count(r, it->where);
		else if (last && !single && it->lo - 1 <= last->hi) /* lo > 0: it follows another */
			last->hi = it->hi;
		else
			s->v[n++] = *it;
	}
	return n;
}

int list_ranges_make(struct list_ranges *out, struct list_items *s, bool single, struct list_redundant *r)
{
	size_t n;

	memset(out, 0, sizeof *out);
	if (!s->n)
		return 0;
	if (s->disordered)
		qsort(s->v, s->n, sizeof *s->v, by_place);
	n = merge(s, single, r);
	if (sortedkeys_init(&out->lo, n))
		return -1;
	out->hi = single ? NULL : sortedkeys_beside(n, sizeof *out->hi);
	if (!single && !out->hi) {
		list_ranges_free(out);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		out->lo.key[i] = s->v[i].lo;
		if (!single)
			out->hi[i] = s->v[i].hi;
	}
	sortedkeys_seal(&out->lo);
	free(s->v);
	memset(s, 0, sizeof *s);
	return 0;
}

int64_t list_ranges_find(const struct list_ranges *r, uint64_t key)
{
	size_t n = sortedkeys_from(&r->lo, key);

	if (r->hi)
		sortedkeys_fetch(r->hi, n, sizeof *r->hi);
	n = sortedkeys_upto_from(&r->lo, key, n);
	if (!n || key > (r->hi ? r->hi[n - 1] : r->lo.key[n - 1]))
		return LIST_NOT_FOUND;
	return (int64_t)(n - 1);
}

size_t list_ranges_bytes(const struct list_ranges *r)
{
	return sortedkeys_bytes(&r->lo) + (r->hi ? r->lo.n * sizeof *r->hi : 0);
}

void list_ranges_free(struct list_ranges *r)
{
	sortedkeys_free(&r->lo);
	free(r->hi);
	memset(r, 0, sizeof *r);
}
