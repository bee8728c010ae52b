/*
 * Signatures of tests, as a token has them.
 */
#ifndef STIR_TESTS_LIB_ES256_H
#define STIR_TESTS_LIB_ES256_H

#include <openssl/evp.h>

#include "core/span.h"

/* r and s of the text, with a private key on P-256; bails out of the test when anything fails. */
void es256_sign(EVP_PKEY *key, struct span text, unsigned char sig[64]);

#endif
