/*
 * One part of the store in memory: cells, chains and the heap by end of life.
 *
 * Nothing is allocated after init, so that a full store costs what an empty one
 * may cost, and no verb can fail for memory.  Knows no locks: the caller has it.
 */
#include "config.h"

#include "core/store/store_mem_internal.h"

#include <stdlib.h>

#define NONE UINT32_MAX

int store_mem_part_init(struct store_mem_part *p, const unsigned char *seed, uint32_t cap)
{
	p->seed = seed;
	p->cap = cap;
	p->free = NONE;
	/* calloc() of much is fresh pages, which cost nothing before they are used;
	 * so places are kept plus one: 0 is none. */
	p->cell = calloc(cap, sizeof p->cell[0]);
	p->bucket = calloc(cap, sizeof p->bucket[0]);
	p->heap = calloc(cap, sizeof p->heap[0]);
	if (p->cell && p->bucket && p->heap && pthread_mutex_init(&p->lock, NULL) == 0)
		return 0;
	free(p->cell);
	free(p->bucket);
	free(p->heap);
	return -1;
}

void store_mem_part_free(struct store_mem_part *p)
{
	pthread_mutex_destroy(&p->lock);
	free(p->cell);
	free(p->bucket);
	free(p->heap);
}

/* --- sizes and octets of an entry ------------------------------------------ */

static size_t key_size(const struct store_mem_cell *c)
{
	return c->sizes >> 24;
}

static size_t value_size(const struct store_mem_cell *c)
{
	return c->sizes & 0xFFFFFF;
}

static uint32_t cells_for(size_t octets)
{
	if (octets <= STORE_MEM_HEAD_BYTES)
		return 1;
	return (uint32_t)(1 + (octets - STORE_MEM_HEAD_BYTES + STORE_MEM_MORE_BYTES - 1) / STORE_MEM_MORE_BYTES);
}

/* A place among the octets of an entry. */
struct cursor {
	const struct store_mem_part *p;
	uint32_t at, off;
	bool first;
};

static struct cursor cursor_at(const struct store_mem_part *p, uint32_t entry)
{
	return (struct cursor){.p = p, .at = entry, .first = true};
}

/* The next at most n octets that stand together; *got of them. */
static char *cursor_next(struct cursor *c, size_t n, size_t *got)
{
	struct store_mem_cell *cell;
	uint32_t room = c->first ? STORE_MEM_HEAD_BYTES : STORE_MEM_MORE_BYTES;
	char *octets;

	if (c->off == room) {
		c->at = c->p->cell[c->at].link;
		c->off = 0;
		c->first = false;
		room = STORE_MEM_MORE_BYTES;
	}
	cell = &c->p->cell[c->at];
	octets = (c->first ? cell->head : cell->more) + c->off;
	*got = n < room - c->off ? n : room - c->off;
	c->off += (uint32_t)*got;
	return octets;
}

static void cursor_write(struct cursor *c, struct span s)
{
	while (s.n) {
		size_t got;
		char *to = cursor_next(c, s.n, &got);

		memcpy(to, s.p, got);
		s = span_skip(s, got);
	}
}

static void cursor_read(struct cursor *c, char *out, size_t n)
{
	while (n) {
		size_t got;
		const char *from = cursor_next(c, n, &got);

		memcpy(out, from, got);
		out += got;
		n -= got;
	}
}

static bool has_key(const struct store_mem_part *p, uint32_t entry, struct span key)
{
	struct cursor c = cursor_at(p, entry);

	if (key_size(&p->cell[entry]) != key.n)
		return false;
	while (key.n) {
		size_t got;
		const char *there = cursor_next(&c, key.n, &got);

		if (memcmp(there, key.p, got))
			return false;
		key = span_skip(key, got);
	}
	return true;
}

int store_mem_part_value(const struct store_mem_part *p, uint32_t at, struct buf *out)
{
	struct cursor c = cursor_at(p, at);
	size_t left = value_size(&p->cell[at]);
	char key[STORE_KEY_MAX];

	if (out->failed || left > out->max - out->n) {
		out->failed = true;
		return -1;
	}
	cursor_read(&c, key, key_size(&p->cell[at]));
	while (left) {
		size_t got;
		const char *from = cursor_next(&c, left, &got);

		if (buf_put(out, from, got))
			return -1;
		left -= got;
	}
	return 0;
}

/* --- the heap: the entry that ends first is at 0 ----------------------------- */

static uint32_t until_at(const struct store_mem_part *p, uint32_t pos)
{
	return p->cell[p->heap[pos]].until;
}

static void heap_set(struct store_mem_part *p, uint32_t pos, uint32_t entry)
{
	p->heap[pos] = entry;
	p->cell[entry].pos = pos;
}

static void heap_up(struct store_mem_part *p, uint32_t pos, uint32_t entry)
{
	uint32_t until = p->cell[entry].until;

	while (pos > 0 && until_at(p, (pos - 1) / 2) > until) {
		heap_set(p, pos, p->heap[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	heap_set(p, pos, entry);
}

static void heap_down(struct store_mem_part *p, uint32_t pos, uint32_t entry)
{
	uint32_t until = p->cell[entry].until;

	for (;;) {
		uint64_t child = 2 * (uint64_t)pos + 1;

		if (child >= p->n)
			break;
		if (child + 1 < p->n && until_at(p, (uint32_t)child + 1) < until_at(p, (uint32_t)child))
			child++;
		if (until_at(p, (uint32_t)child) >= until)
			break;
		heap_set(p, pos, p->heap[child]);
		pos = (uint32_t)child;
	}
	heap_set(p, pos, entry);
}

static void heap_remove(struct store_mem_part *p, uint32_t pos)
{
	uint32_t last = p->heap[--p->n];

	if (pos == p->n)
		return;
	if (pos > 0 && until_at(p, (pos - 1) / 2) > p->cell[last].until)
		heap_up(p, pos, last);
	else
		heap_down(p, pos, last);
}

/* --- chains and cells -------------------------------------------------------- */

/* Every bucket with the same chance, whatever the number of buckets. */
static uint32_t *bucket_of(struct store_mem_part *p, uint64_t hash)
{
	return &p->bucket[(hash & UINT32_MAX) * p->cap >> 32];
}

static void give_back(struct store_mem_part *p, uint32_t at, uint32_t count)
{
	while (count--) {
		uint32_t next = p->cell[at].link;

		p->cell[at].link = p->free;
		p->free = at;
		p->nfree++;
		at = next;
	}
}

static uint32_t take_cell(struct store_mem_part *p)
{
	uint32_t at = p->free;

	if (at == NONE)
		return p->used++;
	p->free = p->cell[at].link;
	p->nfree--;
	return at;
}

static void drop(struct store_mem_part *p, uint32_t entry)
{
	struct store_mem_cell *c = &p->cell[entry];
	struct cursor cur = cursor_at(p, entry);
	size_t n = key_size(c);
	char key[STORE_KEY_MAX];
	uint32_t *at;

	cursor_read(&cur, key, n);
	at = bucket_of(p, store_mem_hash(p->seed, span_make(key, n)));
	while (*at != entry + 1)
		at = &p->cell[*at - 1].next;
	*at = c->next;
	heap_remove(p, c->pos);
	give_back(p, entry, cells_for(n + value_size(c)));
}

uint32_t store_mem_part_find(struct store_mem_part *p, struct span key, uint64_t hash, int64_t now)
{
	uint32_t i = *bucket_of(p, hash);

	while (i && !has_key(p, i - 1, key))
		i = p->cell[i - 1].next;
	if (i == 0)
		return NONE;
	if (p->cell[i - 1].until > now)
		return i - 1;
	drop(p, i - 1);
	return NONE;
}

unsigned store_mem_part_expire(struct store_mem_part *p, int64_t now, unsigned max)
{
	unsigned n = 0;

	while (n < max && p->n && until_at(p, 0) <= now) {
		drop(p, p->heap[0]);
		n++;
	}
	return n;
}

int store_mem_part_put(struct store_mem_part *p, struct span key, uint64_t hash, struct span value, uint32_t until, int64_t now)
{
	uint32_t need = cells_for(key.n + value.n), old, entry, *bucket = bucket_of(p, hash);
	struct cursor c;

	if (need > p->cap)
		return -1;
	old = store_mem_part_find(p, key, hash, now);
	if (old != NONE)
		drop(p, old);
	while (p->cap - p->used + p->nfree < need) {
		p->evicted += until_at(p, 0) > now;
		drop(p, p->heap[0]);
	}
	entry = take_cell(p);
	for (uint32_t at = entry, i = 1; i < need; i++)
		at = p->cell[at].link = take_cell(p);
	p->cell[entry].until = until;
	p->cell[entry].sizes = (uint32_t)(key.n << 24 | value.n);
	p->cell[entry].next = *bucket;
	*bucket = entry + 1;
	heap_up(p, p->n++, entry);
	c = cursor_at(p, entry);
	cursor_write(&c, key);
	cursor_write(&c, value);
	return 0;
}
