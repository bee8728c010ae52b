/* See es256.h. */
#include "config.h"

#include "tests/lib/es256.h"

#include <openssl/ecdsa.h>

#include "tests/lib/tap.h"

void es256_sign(EVP_PKEY *key, struct span text, unsigned char sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[80];
	const unsigned char *p = der;
	size_t n = sizeof der;
	ECDSA_SIG *s;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 || EVP_DigestSign(ctx, der, &n, (const unsigned char *)text.p, text.n) != 1)
		tap_bail("a signature");
	s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	if (!s || BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32) != 32 || BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32) != 32)
		tap_bail("a signature");
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(ctx);
}
