/*
 * What address.c and address_list.c share; nobody else includes this.
 */
#ifndef STIR_CORE_ADDRESS_INTERNAL_H
#define STIR_CORE_ADDRESS_INTERNAL_H

#include "core/span.h"

/* The index after the quoted string that begins at i; s.n + 1 if it has no end. */
size_t address_after_quoted(struct span s, size_t i);

#endif
