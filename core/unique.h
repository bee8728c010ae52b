/*
 * Octets that are made once: a counter, under a random key of this process.
 *
 * For names that must not meet again, on this host or another one; not for keys.
 * Threads: any.
 */
#ifndef STIR_CORE_UNIQUE_H
#define STIR_CORE_UNIQUE_H

#include <stddef.h>

#include "core/span.h"

enum { UNIQUE_MAX = 16 };

/* n is at most UNIQUE_MAX. 0, or -1: there is no randomness. */
int unique_octets(unsigned char *out, size_t n) MUST_USE;

#endif
