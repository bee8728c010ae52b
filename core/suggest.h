/*
 * "Did you mean ...?": the name of a list that is nearest to a misspelt one.
 */
#ifndef STIR_CORE_SUGGEST_H
#define STIR_CORE_SUGGEST_H

#include "core/span.h"

enum { SUGGEST_MAX_BYTES = 64 /* longer words have no near name */ };

/*
 * Insertions, deletions, replacements and swaps of neighbours that make b of a,
 * ASCII case ignored; limit + 1 when it takes more than limit, or when a word
 * is longer than SUGGEST_MAX_BYTES.
 */
unsigned suggest_distance(struct span a, struct span b, unsigned limit);

/*
 * The nearest of n names (NULL entries are skipped), the first of equals; NULL
 * when none is near: one slip in words of up to 5 octets, two up to 8, else
 * three.  The result is one of the pointers handed in.
 */
const char *suggest_name(struct span word, const char *const *names, size_t n);

#endif
