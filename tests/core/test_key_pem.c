/* Keys from PEM files: what is read, what is refused and said, signatures. */
#include "config.h"

#include "core/keys/key_pem.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/jws.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

enum form { PKCS8, SEC1, PKCS8_PASSWORD, SEC1_PASSWORD, PUBLIC };

/* Appends the key in PEM. */
static void put_pem(struct buf *out, EVP_PKEY *pkey, enum form form)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;
	int ok = 0;

	if (form == PUBLIC)
		ok = PEM_write_bio_PUBKEY(bio, pkey);
	else if (form == PKCS8 || form == PKCS8_PASSWORD)
		ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, form == PKCS8 ? NULL : EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	else
		ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, form == SEC1 ? NULL : EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
	n = BIO_get_mem_data(bio, &p);
	if (ok != 1 || n <= 0 || buf_put(out, p, (size_t)n))
		tap_bail("OpenSSL writes no PEM");
	BIO_free(bio);
}

static void good(const char *what, struct span pem, EVP_PKEY *pkey)
{
	unsigned char sig[64], point[65], want[65];
	struct key *key = NULL;
	struct err e;
	size_t n = 0;
	int bad = 0;

	err_clear(&e);
	if (!tap_int(key_pem_parse("k", pem, &key, &e), 0, "%s: parsed", what)) {
		tap_note("%s", e.text);
		return;
	}
	for (int i = 0; i < 300; i++)
		bad += key_sign(key, span_cstr("data"), sig, &e) != 0 || jws_verify_es256(span_cstr("data"), sig, pkey) != 1;
	tap_int(bad, 0, "%s: 300 signatures verify", what);
	tap_int(key_sign(key, span_make(NULL, 0), sig, &e), 0, "%s: nothing signed", what);
	tap_int(jws_verify_es256(span_make(NULL, 0), sig, pkey), 1, "%s: nothing verified", what);
	tap_int(key_public_point(key, point, &e), 0, "%s: public point", what);
	EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, want, sizeof want, &n);
	tap_ok(n == 65 && memcmp(point, want, 65) == 0, "%s: it is the key's", what);
	key_close(key);
}

static void refused(const char *what, struct span pem, const char *hint)
{
	struct key *key = NULL;
	struct err e;

	err_clear(&e);
	tap_int(key_pem_parse("k", pem, &key, &e), -1, "refused: %s", what);
	tap_ok(!key && strstr(e.text, hint), "refused: %s: says '%s'", what, e.text);
}

static void parse_good(EVP_PKEY *pkey)
{
	static const char parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
	struct buf b;

	buf_init(&b, LIMIT_KEY_FILE_BYTES);
	put_pem(&b, pkey, PKCS8);
	good("PKCS #8", buf_span(&b), pkey);
	put_pem(&b, pkey, PUBLIC);
	good("a public key behind", buf_span(&b), pkey);
	buf_reset(&b);
	buf_puts(&b, "a line of text\n");
	buf_puts(&b, parameters);
	put_pem(&b, pkey, SEC1);
	good("SEC 1, parameters in front as 'openssl ecparam' writes", buf_span(&b), pkey);
	EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	buf_reset(&b);
	put_pem(&b, pkey, SEC1);
	good("public half compressed", buf_span(&b), pkey);
	EVP_PKEY_set_int_param(pkey, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0);
	buf_reset(&b);
	put_pem(&b, pkey, SEC1);
	good("no public half", buf_span(&b), pkey);
	buf_free(&b);
}

static void refuse_other(const char *what, EVP_PKEY *pkey, enum form form, const char *hint)
{
	struct buf b;

	if (!pkey)
		tap_bail("OpenSSL makes no key: %s", what);
	buf_init(&b, LIMIT_KEY_FILE_BYTES);
	put_pem(&b, pkey, form);
	refused(what, buf_span(&b), hint);
	buf_free(&b);
	EVP_PKEY_free(pkey);
}

/* SEC 1 ends in the public point: one octet of another key's makes it no pair. */
static void refuse_no_pair(void)
{
	static const char text[] = "-----BEGIN EC PRIVATE KEY-----\n"
				   "MHcCAQEEIFKCsFZ4Wsw3ZpBxgc4Z0sOjaXDdMk07Ny1fKg6OntAkoAoGCCqGSM49\n"
				   "AwEHoUQDQgAE8HNbQd/TmvCKwPKHkMF9fScavGeH78YTU8qLS8I5HLHSSmlATLcs\n"
				   "lQMhNC/OhlWBYC626nIlo7XeebYS7Sb37g==\n"
				   "-----END EC PRIVATE KEY-----\n";

	refused("the public half is another key's", span_cstr(text), "no pair");
}

static void parse_bad(EVP_PKEY *pkey)
{
	struct buf b;

	buf_init(&b, 2 * LIMIT_KEY_FILE_BYTES);
	refused("nothing", span_make(NULL, 0), "empty");
	refused("text", span_cstr("hello"), "no private key");
	refused("a head without a key", span_cstr("-----BEGIN PRIVATE KEY-----\n"), "no private key");
	refused("a certificate's head", span_cstr("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "no private key");
	refuse_other("P-384", EVP_EC_gen("P-384"), PKCS8, "P-256");
	refuse_other("another curve of 256 bits", EVP_EC_gen("secp256k1"), SEC1, "P-256");
	refuse_other("RSA", EVP_RSA_gen(2048), PKCS8, "P-256");
	refuse_other("Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), PKCS8, "P-256");
	refuse_other("PKCS #8 with password", EVP_EC_gen("P-256"), PKCS8_PASSWORD, "encrypted");
	refuse_other("SEC 1 with password", EVP_EC_gen("P-256"), SEC1_PASSWORD, "encrypted");
	refuse_other("public key only", EVP_EC_gen("P-256"), PUBLIC, "no private key");
	refuse_no_pair();
	put_pem(&b, pkey, SEC1);
	put_pem(&b, pkey, PKCS8);
	refused("two keys", buf_span(&b), "more than one");
	buf_reset(&b);
	put_pem(&b, pkey, PKCS8);
	refused("cut off", span_take(buf_span(&b), b.n - 60), "no private key");
	while (b.n <= LIMIT_KEY_FILE_BYTES)
		buf_puts(&b, "a line that is no key\n");
	refused("too large", buf_span(&b), "octets");
	buf_free(&b);
}

static int open_key(const char *path, bool safe, struct err *e)
{
	struct key *key = NULL;
	int r;

	err_clear(e);
	r = key_pem_open(path, safe, KEY_READER_SELF, &key, e);
	if ((r == 0) != (key != NULL))
		tap_bail("result and key disagree");
	key_close(key);
	return r;
}

static void write_file(const char *path, struct span text)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f))
		tap_bail("%s can't be written", path);
}

static const struct {
	mode_t mode;
	int safe; /* result with require_safe */
} modes[] = {
    {0600, 0}, {0400, 0}, {0640, 0}, {0440, 0}, {0700, 0}, {0660, -1}, {0620, -1}, {0604, -1}, {0644, -1}, {0602, -1}, {0666, -1}, {0777, -1},
};

static void file_modes(const char *path)
{
	struct err e;

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (chmod(path, modes[i].mode))
			tap_bail("chmod");
		tap_int(open_key(path, true, &e), modes[i].safe, "mode %04o with RequireSafeKeys", (unsigned)modes[i].mode);
		tap_ok(modes[i].safe == 0 || (e.code == ERR_RIGHTS && strstr(e.text, "chmod")), "says what to do: %s", e.text);
		tap_int(open_key(path, false, &e), 0, "mode %04o without", (unsigned)modes[i].mode);
	}
}

static void file_owners(const char *path)
{
	struct err e;

	if (geteuid() != 0) {
		tap_skip("owner and group: needs root");
		return;
	}
	if (chmod(path, 0640) || chown(path, 0, 54321))
		tap_bail("chown");
	tap_ok(open_key(path, true, &e) == -1 && strstr(e.text, "54321"), "another group may read: %s", e.text);
	struct key *key = NULL;
	tap_int(key_pem_open(path, true, (struct key_reader){(uid_t)-1, 54321}, &key, &e), 0, "the group that the process is going to be in may read");
	key_close(key);
	if (chmod(path, 0600))
		tap_bail("chmod");
	tap_int(open_key(path, true, &e), 0, "another group that may not read");
	if (chown(path, 54321, 0))
		tap_bail("chown");
	tap_ok(open_key(path, true, &e) == -1 && strstr(e.text, "54321"), "another owner: %s", e.text);
	tap_ok(strstr(e.text, "UserID") && strstr(e.text, "chmod 640"), "says what to do");
	tap_int(key_pem_open(path, true, (struct key_reader){54321, (gid_t)-1}, &key, &e), 0, "the user that the process is going to be may own it");
	key_close(key);
	if (chown(path, 0, 0))
		tap_bail("chown");
}

static void files(EVP_PKEY *pkey)
{
	const char *dir = tap_tempdir();
	char path[512], other[512];
	struct err e;
	struct buf b;

	snprintf(path, sizeof path, "%s/key.pem", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	buf_init(&b, 2 * LIMIT_KEY_FILE_BYTES);
	put_pem(&b, pkey, PKCS8);
	write_file(path, buf_span(&b));
	file_modes(path);
	file_owners(path);
	chmod(path, 0600);
	tap_ok(symlink("key.pem", other) == 0 && open_key(other, true, &e) == 0, "a symbolic link to a safe file");
	chmod(path, 0644);
	tap_int(open_key(other, true, &e), -1, "a symbolic link to an unsafe one");
	tap_ok(open_key(dir, false, &e) == -1 && e.code == ERR_NOINPUT, "a folder: %s", e.text);
	unlink(other);
	tap_ok(open_key(other, false, &e) == -1 && e.code == ERR_NOINPUT, "no such file: %s", e.text);
	tap_ok(mkfifo(other, 0600) == 0 && open_key(other, true, &e) == -1, "a pipe doesn't make us wait: %s", e.text);
	unlink(other);
	while (b.n <= LIMIT_KEY_FILE_BYTES)
		buf_puts(&b, "a line that is no key\n");
	write_file(path, buf_span(&b));
	tap_ok(open_key(path, false, &e) == -1 && e.code == ERR_CONFIG, "too large: %s", e.text);
	write_file(path, span_take(buf_span(&b), LIMIT_KEY_FILE_BYTES));
	tap_int(open_key(path, false, &e), 0, "just not too large");
	buf_free(&b);
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
	struct err e;

	for (int i = 0; i < 500; i++)
		w->bad += key_sign(w->key, span_cstr("data"), sig, &e) != 0 || jws_verify_es256(span_cstr("data"), sig, w->pkey) != 1;
	return NULL;
}

static void threads(EVP_PKEY *pkey)
{
	struct worker w[4];
	pthread_t t[4];
	struct key *key = NULL;
	struct err e;
	struct buf b;

	buf_init(&b, LIMIT_KEY_FILE_BYTES);
	put_pem(&b, pkey, PKCS8);
	if (key_pem_parse("k", buf_span(&b), &key, &e))
		tap_bail("%s", e.text);
	for (size_t i = 0; i < 4; i++) {
		w[i] = (struct worker){key, pkey, 0};
		if (pthread_create(&t[i], NULL, work, &w[i]))
			tap_bail("no thread");
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		tap_int(w[i].bad, 0, "thread %zu: 500 signatures with a shared key", i);
	}
	key_close(key);
	buf_free(&b);
}

int main(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (!pkey)
		tap_bail("OpenSSL makes no key");
	parse_good(pkey);
	parse_bad(pkey);
	files(pkey);
	threads(pkey);
	key_close(NULL);
	tap_ok(true, "closing no key is allowed");
	EVP_PKEY_free(pkey);
	return tap_done();
}
