/*
 * P-256 in OpenSSL's terms: the one curve of ES256 (RFC 7518, 3.4), by name.  Any
 * thread; OpenSSL's queue of errors is the caller's to empty.
 */
#ifndef STIR_CORE_P256_H
#define STIR_CORE_P256_H

#include <openssl/evp.h>

#include "core/span.h"

enum {
	P256_COORDINATE_BYTES = 32,
	P256_POINT_BYTES = 1 + 2 * P256_COORDINATE_BYTES, /* uncompressed: 4, x, y (SEC 1, 2.3.3) */
	P256_SIG_BYTES = 2 * P256_COORDINATE_BYTES, /* r, s */
	P256_DER_SIG_MAX = 72 /* SEQUENCE of two INTEGERs of at most 33 octets */
};

/* Is the key on the named curve? */
bool p256_is(const EVP_PKEY *key);
/* The public key at a point, compressed or not (EVP_PKEY_free()); NULL when it is none, or without memory. */
EVP_PKEY *p256_public_key(struct span point) MUST_USE;
/* The same, three times as fast, with what both have taken from a public key on P-256 that is at hand. */
EVP_PKEY *p256_public_key_like(EVP_PKEY *like, struct span point) MUST_USE;
/* The key's point, uncompressed, in whatever form the key was encoded; 0, or -1 when it is not on P-256 or can't be had. */
int p256_point(const EVP_PKEY *key, unsigned char point[P256_POINT_BYTES]) MUST_USE;
/* The form OpenSSL wants: SEQUENCE { r, s } in DER. Its length. */
size_t p256_sig_to_der(const unsigned char sig[P256_SIG_BYTES], unsigned char der[P256_DER_SIG_MAX]);

#endif
