/*
 * ES256 signatures verified (RFC 7518, 3.4): SHA-256, then ECDSA with P-256 and
 * nothing else.
 *
 * What OpenSSL looks up for a key is looked up once, when the key is made ready;
 * with every message it would cost a tenth of a verification.
 */
#ifndef STIR_CORE_ES256_H
#define STIR_CORE_ES256_H

#include <openssl/evp.h>

#include "core/p256.h"

/* A public key made ready. Immutable; any thread, any number at once. */
struct es256_key;

/* Keeps a reference of its own to key. NULL: it is not on P-256, or there is no memory. */
struct es256_key *es256_key_new(EVP_PKEY *key) MUST_USE;
void es256_key_free(struct es256_key *k); /* NULL is allowed */

/*
 * sig is r||s over the octets of input.
 * 1 good, 0 not (also r or s out of 1..n-1), -1 OpenSSL could not.
 */
int es256_verify(const struct es256_key *k, struct span input, const unsigned char sig[P256_SIG_BYTES]) MUST_USE;

#endif
