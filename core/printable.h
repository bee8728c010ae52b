/*
 * Foreign octets made safe inside a line for people.
 */
#ifndef STIR_CORE_PRINTABLE_H
#define STIR_CORE_PRINTABLE_H

#include "core/buf.h"

/*
 * Printable ASCII stays; every other octet, the backslash and each character of
 * special (a C string, may be empty) becomes \xHH: one text has one spelling.
 */
void printable_put(struct buf *out, struct span s, const char *special);

#endif
