/*
 * Knows no token and no certificate.
 */
#include "config.h"

#include "core/p256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <stdint.h>

bool p256_is(const EVP_PKEY *key)
{
	char group[32];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

EVP_PKEY *p256_public_key(struct span point)
{
	char group[] = SN_X9_62_prime256v1;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
			       OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p, point.n), OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int p256_sig_to_der(const unsigned char sig[P256_SIG_BYTES], unsigned char der[P256_DER_SIG_MAX])
{
	ECDSA_SIG *es = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, P256_COORDINATE_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(sig + P256_COORDINATE_BYTES, P256_COORDINATE_BYTES, NULL);
	unsigned char *p = der;
	int n;

	if (!es || !r || !s || ECDSA_SIG_set0(es, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(es);
		return -1;
	}
	n = i2d_ECDSA_SIG(es, NULL);
	if (n > 0)
		n = n <= P256_DER_SIG_MAX ? i2d_ECDSA_SIG(es, &p) : -1;
	ECDSA_SIG_free(es);
	return n > 0 ? n : -1;
}
