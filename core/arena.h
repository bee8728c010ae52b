/*
 * One message's memory: allocations that live together and end together.
 *
 * Blocks are never freed one by one; arena_reset() forgets them all.  The cap
 * given at birth bounds what one message can make us use.  Overflow is sticky:
 * after it every allocation returns NULL until the reset, so a parser may
 * allocate first and ask arena_overflowed() once at the end (its reason is then
 * STIR_NO_RESOURCE).  Under AddressSanitizer each allocation is a malloc of its
 * own, so that overruns are seen.
 *
 * Threads: one arena belongs to one message, hence to one thread at a time.
 */
#ifndef STIR_CORE_ARENA_H
#define STIR_CORE_ARENA_H

#include <stdarg.h>

#include "core/span.h"

struct arena;

/* Gives an arena of at most cap_bytes (arena_free() ends it), or NULL. */
struct arena *arena_new(size_t cap_bytes) MUST_USE;
/* NULL is allowed. */
void arena_free(struct arena *a);
/* Forget all allocations; keeps a first block for the next message. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type; NULL on overflow.  n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;
/* n elements of size bytes each, the product checked. */
void *arena_array(struct arena *a, size_t n, size_t size) MUST_USE;
/* A copy of the octets in the arena; the empty span on overflow. */
struct span arena_copy(struct arena *a, struct span s) MUST_USE;
/* A NUL-terminated copy, or NULL on overflow. */
char *arena_cstr(struct arena *a, struct span s) MUST_USE;
/* Formatted text in the arena; the empty span on overflow. */
struct span arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * After an overflow: clear it and allow extra octets more than the cap, so that
 * the verdict over a message that was too large can still be written.
 */
void arena_spare(struct arena *a, size_t extra);

bool arena_overflowed(const struct arena *a);
/* Octets handed out since the last reset. */
size_t arena_used(const struct arena *a);

#endif
