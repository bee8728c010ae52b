/*
 * Pseudonyms of numbers and addresses, in logs: who has the key can look for one,
 * and nobody else can tell whose it is.  HMAC-SHA256, cut to 64 bits.
 */
#ifndef STIR_POLICY_PSEUDONYM_H
#define STIR_POLICY_PSEUDONYM_H

#include "core/span.h"

enum {
	PSEUDONYM_KEY_BYTES = 32,
	PSEUDONYM_BYTES = 17 /* "~" and 16 hexadecimal digits */
};

/* A key made ready. Immutable; any thread, any number at once. */
struct pseudonym;

/* pseudonym_free(); NULL without memory. */
struct pseudonym *pseudonym_new(const unsigned char key[PSEUDONYM_KEY_BYTES]) MUST_USE;
void pseudonym_free(struct pseudonym *p); /* NULL is allowed */

/* That of a text: of a number its digits, of an address in lower case. 0 / -1 without memory. */
int pseudonym_write(const struct pseudonym *p, struct span s, char out[PSEUDONYM_BYTES]) MUST_USE;

#endif
