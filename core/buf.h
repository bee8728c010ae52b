/*
 * A growable string of octets that can't be made without its maximum.
 *
 * Failure (maximum reached, or no memory) is sticky: later puts do nothing and
 * return -1, so a writer may put many pieces and look at buf.failed once.
 */
#ifndef STIR_CORE_BUF_H
#define STIR_CORE_BUF_H

#include "core/span.h"

struct buf {
	char *p;     /* owned; NUL-terminated after p[n] once anything was put */
	size_t n;    /* octets in use */
	size_t cap;  /* octets allocated */
	size_t max;  /* never more than this */
	bool failed; /* sticky */
};

void buf_init(struct buf *b, size_t max);
/* Frees the octets; the buf may be initialised again. */
void buf_free(struct buf *b);
/* Empties it, keeping memory and maximum; clears failed. */
void buf_reset(struct buf *b);
int buf_put(struct buf *b, const void *p, size_t n);
int buf_putc(struct buf *b, char c);
int buf_puts(struct buf *b, const char *s);
int buf_put_span(struct buf *b, struct span s);
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What is in it now; borrowed until the next put. */
struct span buf_span(const struct buf *b);

#endif
