/*
 * A context of OpenSSL's that stands ready is copied for each signature: the copy
 * is a few pointers, where a new one finds its algorithm by name.
 */
#include "config.h"

#include "core/es256.h"

#include <openssl/err.h>
#include <stdlib.h>

enum { SHA256_BYTES = 32 };

struct es256_key {
	EVP_PKEY_CTX *ready; /* only read */
	EVP_MD *sha256;
};

/* The order n of P-256 (FIPS 186-4, D.1.2.3). */
static const unsigned char p256_order[P256_COORDINATE_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

struct es256_key *es256_key_new(EVP_PKEY *key)
{
	struct es256_key *k = key && p256_is(key) ? calloc(1, sizeof *k) : NULL;

	if (k) {
		k->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		k->ready = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	}
	if (!k || !k->sha256 || !k->ready || EVP_PKEY_verify_init(k->ready) != 1) {
		es256_key_free(k);
		ERR_clear_error();
		return NULL;
	}
	return k;
}

void es256_key_free(struct es256_key *k)
{
	if (!k)
		return;
	EVP_PKEY_CTX_free(k->ready);
	EVP_MD_free(k->sha256);
	free(k);
}

/* 1 to n - 1, big-endian. */
static bool scalar_in_range(const unsigned char *v)
{
	static const unsigned char zero[P256_COORDINATE_BYTES];

	return memcmp(v, zero, sizeof zero) != 0 && memcmp(v, p256_order, sizeof p256_order) < 0;
}

int es256_verify(const struct es256_key *k, struct span input, const unsigned char sig[P256_SIG_BYTES])
{
	unsigned char der[P256_DER_SIG_MAX], digest[EVP_MAX_MD_SIZE];
	unsigned digest_n = 0;
	EVP_PKEY_CTX *ctx;
	int result = -1;
	size_t n;

	if (!scalar_in_range(sig) || !scalar_in_range(sig + P256_COORDINATE_BYTES))
		return 0;
	n = p256_sig_to_der(sig, der);
	ctx = EVP_PKEY_CTX_dup(k->ready);
	if (ctx && EVP_Digest(input.p, input.n, digest, &digest_n, k->sha256, NULL) == 1 && digest_n == SHA256_BYTES)
		result = EVP_PKEY_verify(ctx, der, n, digest, digest_n);
	EVP_PKEY_CTX_free(ctx);
	if (result != 1)
		ERR_clear_error();
	return result == 1 || result == 0 ? result : -1;
}
