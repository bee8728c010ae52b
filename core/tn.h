/*
 * A telephone number in the canonical form of RFC 8224, 8.3.
 */
#ifndef STIR_CORE_TN_H
#define STIR_CORE_TN_H

#include <stdint.h>

#include "core/span.h"

enum {
	TN_MAX_DIGITS = 15, /* E.164; RFC 8226's TelephoneNumber allows as many */
	TN_MIN_E164 = 7     /* fewer digits are no international number in mail */
};

struct tn {
	char digits[TN_MAX_DIGITS + 1]; /* NUL-terminated: digits, '#' or '*', no '+' */
	unsigned char n;                /* 1..15, or 0 for "no number" */
};

/*
 * A "tn" value as it stands in a PASSporT (RFC 8225, 5.2.1): 1 to 15 of
 * digits, '#' and '*', nothing else.  0 / -1 (out is then no number).
 */
int tn_from_claim(struct span s, struct tn *out) MUST_USE;

/*
 * An international number as people write it: '+' and 7 to 15 digits, the
 * first not 0, with '-', '.', '(', ')' and spaces between them ignored.
 * 0 / -1.
 */
int tn_from_global(struct span s, struct tn *out) MUST_USE;

bool tn_eq(const struct tn *a, const struct tn *b);
int tn_cmp(const struct tn *a, const struct tn *b);
static inline struct span tn_span(const struct tn *t) { return span_make(t->digits, t->n); }

/* --- numbers as integers: of digits only, by length and then by value ------------- */

/* How many numbers of n digits there are: 10^n, n at most TN_MAX_DIGITS. */
uint64_t tn_count(size_t n);
/* The number's value; false when it holds '#' or '*', or is none. */
bool tn_value(const struct tn *t, uint64_t *value);

enum { TN_KEY_SHIFT = 56 /* 10^15 is below 2^50 */ };

/* One integer for length and value: numbers of one length stand in numeric order, and lengths never mix. */
static inline uint64_t tn_key(size_t digits, uint64_t value) { return (uint64_t)digits << TN_KEY_SHIFT | value; }
static inline unsigned tn_key_digits(uint64_t key) { return (unsigned)(key >> TN_KEY_SHIFT); }
static inline uint64_t tn_key_value(uint64_t key) { return key & (((uint64_t)1 << TN_KEY_SHIFT) - 1); }
/* The number that has this key. */
struct tn tn_of_key(uint64_t key);

/* For logs: all but the last two digits as '*'. */
struct tn tn_masked(const struct tn *t);

#endif
