/*
 * Blocks from malloc, cut from the front.  The first is small, so that an idle
 * connection costs little; each further one is twice as large, up to a bound.
 * A request that would waste much of a fresh block gets one of its own.
 *
 * Knows nothing of what it holds: no destructors, no giving back.
 */
#include "config.h"

#include "core/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ONE_MALLOC_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_MALLOC_EACH 1
#endif
#endif
#ifndef ONE_MALLOC_EACH
#define ONE_MALLOC_EACH 0
#endif

enum {
	ALIGN = _Alignof(max_align_t),
	FIRST_BLOCK = 16 * 1024,
	LARGEST_BLOCK = 256 * 1024
};

struct block {
	struct block *next;
	size_t size; /* of data */
	_Alignas(max_align_t) char data[];
};

struct arena {
	size_t birth_cap;
	size_t cap;           /* birth_cap, or more after arena_spare() */
	size_t used;
	bool overflowed;
	char *at;             /* free space of the block being cut */
	size_t left;
	size_t next_size;
	struct block *first;  /* survives a reset */
	struct block *others; /* all but the first, newest in front */
};

struct arena *arena_new(size_t cap_bytes)
{
	struct arena *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->birth_cap = a->cap = cap_bytes;
	a->next_size = FIRST_BLOCK;
	return a;
}

static void free_list(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free_list(a->others);
	free(a->first);
	free(a);
}

void arena_reset(struct arena *a)
{
	free_list(a->others);
	a->others = NULL;
	a->used = 0;
	a->cap = a->birth_cap;
	a->overflowed = false;
	a->at = a->first ? a->first->data : NULL;
	a->left = a->first ? a->first->size : 0;
	a->next_size = a->first ? 2 * FIRST_BLOCK : FIRST_BLOCK;
}

static struct block *new_block(size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof *b)
		return NULL;
	b = malloc(sizeof *b + size);
	if (!b)
		return NULL;
	b->next = NULL;
	b->size = size;
	return b;
}

static void *overflow(struct arena *a)
{
	a->overflowed = true;
	return NULL;
}

/* A block for this request alone. */
static void *take_alone(struct arena *a, size_t n)
{
	struct block *b = new_block(n);

	if (!b)
		return overflow(a);
	b->next = a->others;
	a->others = b;
	return b->data;
}

static void *take_from_new(struct arena *a, size_t n)
{
	struct block *b;

	if (n > a->next_size / 4)
		return take_alone(a, n);
	b = new_block(a->next_size);
	if (!b)
		return overflow(a);
	if (a->first) {
		b->next = a->others;
		a->others = b;
	} else {
		a->first = b;
	}
	if (a->next_size < LARGEST_BLOCK)
		a->next_size *= 2;
	a->at = b->data + n;
	a->left = b->size - n;
	return b->data;
}

/* Octets as they come, not zeroed. */
static void *take(struct arena *a, size_t n)
{
	size_t rounded;
	char *p;

	if (a->overflowed || n > a->cap)
		return overflow(a);
	rounded = n ? (n + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	if (rounded < n || rounded > a->cap - a->used)
		return overflow(a);
	a->used += rounded;
	if (ONE_MALLOC_EACH)
		return take_alone(a, n);
	if (rounded > a->left)
		return take_from_new(a, rounded);
	p = a->at;
	a->at += rounded;
	a->left -= rounded;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n);

	return p ? memset(p, 0, n) : NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return overflow(a);
	return arena_alloc(a, n * size);
}

struct span arena_copy(struct arena *a, struct span s)
{
	void *p = take(a, s.n);

	if (!p)
		return span_make(NULL, 0);
	if (s.n)
		memcpy(p, s.p, s.n);
	return span_make(p, s.n);
}

char *arena_cstr(struct arena *a, struct span s)
{
	char *p = s.n < SIZE_MAX ? take(a, s.n + 1) : overflow(a);

	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

struct span arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0)
		p = take(a, (size_t)n + 1);
	else
		overflow(a);
	if (!p)
		return span_make(NULL, 0);
	va_start(ap, fmt);
	n = vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return span_make(p, n > 0 ? (size_t)n : 0);
}

void arena_spare(struct arena *a, size_t extra)
{
	a->overflowed = false;
	if (extra <= SIZE_MAX - a->birth_cap)
		a->cap = a->birth_cap + extra;
}

bool arena_overflowed(const struct arena *a)
{
	return a->overflowed;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
