/*
 * A counter as a value: decimal text, as Redis writes it, so that store_get() of
 * a counter gives the same in each backend.
 */
#ifndef STIR_CORE_STORE_STORE_COUNTER_H
#define STIR_CORE_STORE_STORE_COUNTER_H

#include <stdint.h>

#include "core/err.h"

enum { STORE_COUNTER_BYTES = 20 }; /* "-9223372036854775808" */

struct store_counter {
	int64_t value;
	size_t n;
	char text[STORE_COUNTER_BYTES + 1];
};

/* "0", or digits without leading zero, '-' in front or not; 0 / -1 and *e. */
int store_counter_read(struct span text, int64_t *out, struct err *e) MUST_USE;
/* The counter that old is (empty: none yet, so 0) and by more; 0 / -1 and *e. */
int store_counter_add(struct span old, int64_t by, struct store_counter *out, struct err *e) MUST_USE;

#endif
