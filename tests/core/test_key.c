/* What every kind of key must do, whatever it lives in: one table, one contract. */
#include "config.h"

#include "core/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>

#include "core/jws.h"
#include "core/keys/key_pem.h"
#include "core/keys/key_pkcs11.h"
#include "tests/lib/softhsm.h"
#include "tests/lib/tap.h"

enum { THREADS = 8, EACH = 100 };

static void signs(const char *kind, struct key *key, EVP_PKEY *pkey)
{
	static const size_t sizes[] = {0, 1, 55, 56, 64, 1000, 8192};
	unsigned char sig[64], again[64];
	char data[8192];
	struct err e;
	int bad = 0;

	memset(data, 'x', sizeof data);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		tap_int(key_sign(key, span_make(data, sizes[i]), sig, &e), 0, "%s: %zu octets are signed", kind, sizes[i]);
		tap_int(jws_verify_es256(span_make(data, sizes[i]), sig, pkey), 1, "%s: and verify", kind);
		tap_int(jws_verify_es256(span_cstr("another text"), sig, pkey), 0, "%s: and another text does not", kind);
	}
	/* r or s with zeros in front come once in 128 times. */
	for (int i = 0; i < 600; i++)
		bad += key_sign(key, span_cstr("data"), sig, &e) != 0 || jws_verify_es256(span_cstr("data"), sig, pkey) != 1;
	tap_int(bad, 0, "%s: r and s keep their 32 octets", kind);
	tap_ok(key_sign(key, span_cstr("data"), again, &e) == 0 && memcmp(sig, again, sizeof sig) != 0, "%s: no signature comes twice", kind);
}

static void has_point(const char *kind, struct key *key, EVP_PKEY *pkey)
{
	unsigned char point[65], want[65];
	struct err e;
	size_t n = 0;

	EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, want, sizeof want, &n);
	memset(point, 0, sizeof point);
	tap_int(key_public_point(key, point, &e), 0, "%s: has a public half", kind);
	tap_ok(n == 65 && memcmp(point, want, 65) == 0, "%s: which is the key's", kind);
}

struct worker {
	struct key *key;
	EVP_PKEY *pkey;
	int bad;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned char sig[64];
	char data[32];
	struct err e;

	for (int i = 0; i < EACH; i++) {
		int n = snprintf(data, sizeof data, "%p %d", (void *)&i, i);

		w->bad += key_sign(w->key, span_make(data, (size_t)n), sig, &e) != 0 || jws_verify_es256(span_make(data, (size_t)n), sig, w->pkey) != 1;
	}
	return NULL;
}

static void is_shared(const char *kind, struct key *key, EVP_PKEY *pkey)
{
	struct worker w[THREADS];
	pthread_t t[THREADS];
	int bad = 0;

	for (size_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){key, pkey, 0};
		if (pthread_create(&t[i], NULL, work, &w[i]))
			tap_bail("no thread");
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		bad += w[i].bad;
	}
	tap_int(bad, 0, "%s: %d threads sign %d times each", kind, THREADS, EACH);
}

static void contract(const char *kind, struct key *key, EVP_PKEY *pkey)
{
	signs(kind, key, pkey);
	has_point(kind, key, pkey);
	is_shared(kind, key, pkey);
	key_close(key);
}

static void test_pem(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct key *key = NULL;
	struct err e;
	char *p;
	long n;

	err_clear(&e);
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1 || (n = BIO_get_mem_data(bio, &p)) <= 0 ||
	    key_pem_parse("k", span_make(p, (size_t)n), &key, &e))
		tap_bail("%s", e.text);
	BIO_free(bio);
	contract("PEM", key, pkey);
}

#ifdef HAVE_P11KIT
static void test_pkcs11(EVP_PKEY *pkey)
{
	const char *module = softhsm_place(tap_tempdir());
	char uri[700], pin[600];
	struct key *key = NULL;
	CK_FUNCTION_LIST *m;
	struct err e;
	FILE *f;

	if (!module) {
		tap_skip("SoftHSM is not installed");
		return;
	}
	softhsm_token("contract");
	m = softhsm_load(module);
	softhsm_put_key(m, softhsm_session(m, "contract"), &(struct softhsm_key){.pkey = pkey, .label = "stir", .id = "1"});
	softhsm_unload(m);
	(void)snprintf(pin, sizeof pin, "%s/pin", tap_tempdir());
	f = fopen(pin, "w");
	if (!f || fputs(SOFTHSM_PIN "\n", f) < 0 || fclose(f))
		tap_bail("no PIN file");
	(void)snprintf(uri, sizeof uri, "pkcs11:token=contract;object=stir?module-path=%s", module);
	err_clear(&e);
	if (key_pkcs11_open(uri, pin, KEY_READER_SELF, false, &key, &e))
		tap_bail("%s", e.text);
	contract("PKCS #11", key, pkey);
}
#else
static void test_pkcs11(EVP_PKEY *pkey)
{
	struct key *key = (struct key *)(uintptr_t)pkey;
	struct err e;

	err_clear(&e);
	tap_int(key_pkcs11_open("pkcs11:token=a", NULL, KEY_READER_SELF, true, &key, &e), -1, "built without PKCS #11: no such key");
	tap_ok(!key && strstr(e.text, "--with-pkcs11"), "and it says how to build with: %s", e.text);
}
#endif

int main(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (!pkey)
		tap_bail("OpenSSL makes no key");
	tap_ok(key_pkcs11_is_uri(span_cstr("pkcs11:token=a")) && key_pkcs11_is_uri(span_cstr("PKCS11:")) && !key_pkcs11_is_uri(span_cstr("keys/pkcs11:")) &&
		       !key_pkcs11_is_uri(span_cstr("pkcs11")) && !key_pkcs11_is_uri(span_make(NULL, 0)),
	       "which KeyFile is a URI");
	test_pem(pkey);
	test_pkcs11(pkey);
	EVP_PKEY_free(pkey);
	return tap_done();
}
