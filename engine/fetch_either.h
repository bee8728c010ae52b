/*
 * Two fetchers as one: the first is asked, and for what it definitely has not, the
 * second.
 */
#ifndef STIR_ENGINE_FETCH_EITHER_H
#define STIR_ENGINE_FETCH_EITHER_H

#include "core/fetch.h"

/*
 * Takes over both, also on failure.  at_hand only if both are; fetch_may() when
 * one of them may (get() asks the second only for what it may).
 * Gives *out (fetch_close()), or -1 and *e.
 */
int fetch_either_open(struct fetch *first, struct fetch *second, struct fetch **out, struct err *e) MUST_USE;

#endif
