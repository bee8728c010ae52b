/*
 * A growable string that doubles up to its maximum.
 *
 * A put is all or nothing: what doesn't fit leaves the octets as they were and
 * the failure noted.  Knows nothing of text or character sets.
 */
#include "config.h"

#include "core/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 128 };

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof *b);
	/* The terminating NUL and the doubling need room below SIZE_MAX. */
	b->max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4;
}

void buf_free(struct buf *b)
{
	free(b->p);
	memset(b, 0, sizeof *b);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

static int fail(struct buf *b)
{
	b->failed = true;
	return -1;
}

/* Room for n more octets and a NUL. */
static int reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->failed || b->n > b->max || n > b->max - b->n)
		return fail(b);
	if (b->p && n < b->cap - b->n)
		return 0;
	cap = b->cap ? b->cap : FIRST_CAP;
	while (cap <= b->n + n)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	p = realloc(b->p, cap);
	if (!p)
		return fail(b);
	b->p = p;
	b->cap = cap;
	return 0;
}

int buf_put(struct buf *b, const void *p, size_t n)
{
	if (reserve(b, n))
		return -1;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return 0;
}

int buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int buf_put_span(struct buf *b, struct span s)
{
	return buf_put(b, s.p, s.n);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (reserve(b, 0))
		return -1;
	/* Mostly there is room for it. */
	room = b->cap - b->n;
	va_start(ap, fmt);
	n = vsnprintf(b->p + b->n, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room && reserve(b, (size_t)n) == 0) {
		room = b->cap - b->n;
		va_start(ap, fmt);
		n = vsnprintf(b->p + b->n, room, fmt, ap);
		va_end(ap);
	}
	if (n < 0 || (size_t)n >= room) {
		b->p[b->n] = '\0';
		return fail(b);
	}
	b->n += (size_t)n;
	return 0;
}

struct span buf_span(const struct buf *b)
{
	return span_make(b->p, b->n);
}
