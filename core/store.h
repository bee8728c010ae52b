/*
 * Bytes to bytes with a lifetime: what core asks others to remember (replays,
 * certificates had from the network, counters).  core/store/ has the backends.
 *
 * All four verbs may be called from any thread, and block no longer than the
 * timeout given when the store was opened.  Keys are 1..STORE_KEY_MAX octets,
 * values at most STORE_VALUE_MAX; telephone numbers never become keys in clear.
 * A lifetime is in seconds, at least 1; an entry may be gone earlier (memory is
 * bounded), never later.
 *
 * -1 includes "may or may not have been written"; *e says what to do.
 */
#ifndef STIR_CORE_STORE_H
#define STIR_CORE_STORE_H

#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/span.h"

enum { STORE_KEY_MAX = 64, STORE_VALUE_MAX = 512 * 1024 };

struct store;

struct store_ops {
	int (*get)(struct store *s, struct span key, struct buf *value, struct err *e);
	int (*put)(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct err *e);
	int (*add_once)(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e);
	int (*incr)(struct store *s, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e);
	void (*tick)(struct store *s); /* housekeeping, now and then, from a background thread; may be NULL */
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
};

/* 1 and the value appended to value, 0 not there, -1. */
int store_get(struct store *s, struct span key, struct buf *value, struct err *e) MUST_USE;
/* 0 / -1. */
int store_put(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct err *e) MUST_USE;
/*
 * Write unless there: 1 new; 0 it was there (its value appended to there, which
 * may be NULL; its lifetime is not touched); -1.  Atomic, across hosts as well.
 */
int store_add_once(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e) MUST_USE;
/* Add to a counter (0 when not there; ttl_s counts from its first); 0 / -1. Atomic. */
int store_incr(struct store *s, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e) MUST_USE;
void store_tick(struct store *s);  /* NULL is allowed */
void store_close(struct store *s); /* NULL is allowed */

/* How a backend learns the time, seconds since 1970: it has no clock of its own. */
typedef int64_t (*store_clock)(void);

#endif
