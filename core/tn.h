/*
 * A telephone number in the canonical form of RFC 8224, 8.3.
 */
#ifndef STIR_CORE_TN_H
#define STIR_CORE_TN_H

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

/* For logs: all but the last two digits as '*'. */
struct tn tn_masked(const struct tn *t);

#endif
