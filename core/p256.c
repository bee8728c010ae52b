/*
 * Knows no token and no certificate.
 */
#include "config.h"

#include "core/p256.h"

#include <openssl/asn1.h>
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

/* What takes the time above is the curve, not the point. */
EVP_PKEY *p256_public_key_like(EVP_PKEY *like, struct span point)
{
	EVP_PKEY *key = EVP_PKEY_dup(like);

	if (key && EVP_PKEY_set1_encoded_public_key(key, (const unsigned char *)point.p, point.n) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int coordinate(const EVP_PKEY *key, const char *which, unsigned char out[P256_COORDINATE_BYTES])
{
	BIGNUM *v = NULL;
	int n = EVP_PKEY_get_bn_param(key, which, &v) == 1 ? BN_bn2binpad(v, out, P256_COORDINATE_BYTES) : -1;

	BN_free(v);
	return n == P256_COORDINATE_BYTES ? 0 : -1;
}

/* By coordinates: the encoded key may be compressed. */
int p256_point(const EVP_PKEY *key, unsigned char point[P256_POINT_BYTES])
{
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	if (!p256_is(key) || coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, point + 1))
		return -1;
	return coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, point + 1 + P256_COORDINATE_BYTES);
}

/* INTEGER of DER: no octet too many, and none that would make it negative. */
static size_t put_integer(unsigned char *p, const unsigned char v[P256_COORDINATE_BYTES])
{
	size_t skip = 0, n, sign;

	while (skip + 1 < P256_COORDINATE_BYTES && v[skip] == 0)
		skip++;
	n = P256_COORDINATE_BYTES - skip;
	sign = v[skip] >> 7;
	p[0] = V_ASN1_INTEGER;
	p[1] = (unsigned char)(n + sign);
	p[2] = 0;
	memcpy(p + 2 + sign, v + skip, n);
	return 2 + sign + n;
}

size_t p256_sig_to_der(const unsigned char sig[P256_SIG_BYTES], unsigned char der[P256_DER_SIG_MAX])
{
	size_t n = put_integer(der + 2, sig);

	n += put_integer(der + 2 + n, sig + P256_COORDINATE_BYTES);
	der[0] = V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED;
	der[1] = (unsigned char)n;
	return 2 + n;
}
