/* ES256 verified with a key made ready: by many threads, and the form that OpenSSL wants. */
#include "config.h"

#include "core/es256.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/lib/tap.h"

enum { THREADS = 4, TIMES = 200, ROUNDS = 2000 };

static void check_der(void)
{
	unsigned char sig[P256_SIG_BYTES], der[P256_DER_SIG_MAX], *want;
	unsigned seed = 1;
	int same = 0;

	for (int i = 0; i < ROUNDS; i++) {
		ECDSA_SIG *es = ECDSA_SIG_new();
		size_t n;

		for (size_t k = 0; k < sizeof sig; k++)
			sig[k] = (unsigned char)rand_r(&seed);
		/* Zeros in front, up to all of them, and a first bit that is set or not. */
		memset(sig, 0, (size_t)i % (P256_COORDINATE_BYTES + 1));
		memset(sig + P256_COORDINATE_BYTES, 0, (size_t)(i / 40) % (P256_COORDINATE_BYTES + 1));
		if (!es || ECDSA_SIG_set0(es, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL)) != 1)
			tap_bail("no signature");
		want = NULL;
		n = p256_sig_to_der(sig, der);
		same += i2d_ECDSA_SIG(es, &want) == (int)n && memcmp(want, der, n) == 0;
		OPENSSL_free(want);
		ECDSA_SIG_free(es);
	}
	tap_int(same, ROUNDS, "signatures in DER as OpenSSL writes them");
}

static unsigned char good_sig[P256_SIG_BYTES];
static const char text[] = "header.payload";

static void sign(EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[P256_DER_SIG_MAX];
	const unsigned char *p = der;
	size_t n = sizeof der;
	ECDSA_SIG *es;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 || EVP_DigestSign(ctx, der, &n, (const unsigned char *)text, sizeof text - 1) != 1)
		tap_bail("no signature");
	EVP_MD_CTX_free(ctx);
	es = d2i_ECDSA_SIG(NULL, &p, (long)n);
	if (!es || BN_bn2binpad(ECDSA_SIG_get0_r(es), good_sig, 32) != 32 || BN_bn2binpad(ECDSA_SIG_get0_s(es), good_sig + 32, 32) != 32)
		tap_bail("no signature");
	ECDSA_SIG_free(es);
}

static void *verify(void *arg)
{
	unsigned char bad[P256_SIG_BYTES];
	uintptr_t right = 0;

	memcpy(bad, good_sig, sizeof bad);
	bad[40] ^= 1;
	for (int i = 0; i < TIMES; i++)
		right += es256_verify(arg, span_cstr(text), good_sig) == 1 && es256_verify(arg, span_cstr(text), bad) == 0;
	return (void *)right;
}

static void check_threads(struct es256_key *k)
{
	pthread_t t[THREADS];
	uintptr_t right = 0;
	void *one;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, verify, k))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &one);
		right += (uintptr_t)one;
	}
	tap_int((long long)right, THREADS * TIMES, "four threads with one key");
}

int main(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");
	struct es256_key *k;

	if (!key || !other)
		tap_bail("no keys");
	check_der();
	tap_ok(!es256_key_new(other), "P-384 is none of its keys");
	tap_ok(!es256_key_new(NULL), "nor is none");
	k = es256_key_new(key);
	if (!k)
		tap_bail("no key");
	sign(key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	tap_int(es256_verify(k, span_cstr(text), good_sig), 1, "a good one, with the reference that it kept");
	tap_int(es256_verify(k, span_cstr("header.other"), good_sig), 0, "over another text");
	check_threads(k);
	es256_key_free(k);
	return tap_done();
}
