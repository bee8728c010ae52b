/* Signed lists of anchors: the form that is taken, who may have signed, and what is older. */
#include "config.h"

#include "core/trustlist.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/trust.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY };

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\"https://nobody.example/cert\"}"

static struct pki pki, other;
static EVP_PKEY *pa_key, *wrong_key;
static struct buf signer; /* PEM */

static X509 *signer_cert(EVP_PKEY *key, unsigned flaws)
{
	struct pki_cert_spec s = {
		.key = key, .common_name = "STI-PA list", .not_before = T0 - DAY, .not_after = T0 + YEAR, .flaws = flaws};
	struct err e;
	X509 *x;

	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	return x;
}

static void put_signer(struct buf *out, EVP_PKEY *key, unsigned flaws)
{
	X509 *x = signer_cert(key, flaws);

	buf_init(out, 65536);
	if (pki_put_cert(out, x))
		tap_bail("PEM");
	X509_free(x);
}

static int read_jws(const char *header, const char *payload, EVP_PKEY *key, int64_t last, int64_t now, struct trustlist *l, struct err *e)
{
	struct buf jws;
	int rc;

	err_clear(e);
	buf_init(&jws, 2 * LIMIT_TRUSTLIST_BYTES);
	list_maker_jws(&jws, key, header, payload);
	rc = trustlist_read(buf_span(&jws), buf_span(&signer), last, now, l, e);
	buf_free(&jws);
	return rc;
}

static void payload_of(struct buf *out, const char *more, X509 *const *certs)
{
	buf_init(out, LIMIT_TRUSTLIST_BYTES);
	list_maker_payload(out, more, certs);
}

#define CERTS(...) ((X509 *const[]){__VA_ARGS__, NULL})

/* --- good ones ------------------------------------------------------------------------ */

static void good(void)
{
	struct buf payload;
	struct trustlist l;
	struct trust *t;
	struct err e;

	payload_of(&payload, "\"sequence\":12,\"exp\":1700000001,\"iat\":1699999999,\"extra\":{},", CERTS(pki.root, other.root, pki.root));
	tap_int(read_jws(HEADER, payload.p, pa_key, 12, T0, &l, &e), 0, "a list %s", e.text);
	tap_ok(l.sequence == 12 && l.expires == T0 + 1 && l.issued == T0 - 1 && !l.is_old, "with its numbers");
	tap_int((long long)l.count, 2, "two anchors, one of them twice");
	if (trust_open("list", buf_span(&l.anchors), &t, &e))
		tap_bail("%s", e.text);
	tap_ok(trust_count(t) == 2 && X509_cmp(trust_at(t, 0), pki.root) == 0 && X509_cmp(trust_at(t, 1), other.root) == 0, "as PEM, in order");
	trust_free(t);
	trustlist_clear(&l);
	tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0 + 1, &l, &e) == 0 && l.is_old, "past exp it is old");
	trustlist_clear(&l);
	tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0 + YEAR + 1, &l, &e) == 0 && l.is_old, "and past its signer's time");
	trustlist_clear(&l);
	tap_ok(read_jws(HEADER, payload.p, pa_key, 13, T0, &l, &e) && l.count == 0, "a lower sequence: %s", e.text);
	tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0 - 2 * DAY, &l, &e), "before the signer's time: %s", e.text);
	tap_ok(read_jws(HEADER, payload.p, wrong_key, 0, T0, &l, &e), "signed with another key: %s", e.text);
	buf_free(&payload);
}

/* {"status":"success","caList":"..."} */
static void wrapped(void)
{
	struct buf payload, jws, outer;
	struct trustlist l;
	struct err e;

	payload_of(&payload, "", CERTS(pki.root));
	buf_init(&jws, LIMIT_TRUSTLIST_BYTES);
	buf_init(&outer, LIMIT_TRUSTLIST_BYTES);
	list_maker_jws(&jws, pa_key, HEADER, payload.p);
	(void)buf_printf(&outer, "{\"status\":\"success\",\"caList\":\"%s\"}\n", jws.p);
	tap_int(trustlist_read(buf_span(&outer), buf_span(&signer), 0, T0, &l, &e), 0, "wrapped in JSON");
	tap_ok(l.sequence == 0 && l.expires == 0 && !l.is_old, "and without numbers");
	trustlist_clear(&l);
	(void)buf_puts(&jws, "\n");
	tap_int(trustlist_read(buf_span(&jws), buf_span(&signer), 0, T0, &l, &e), 0, "with a line end");
	trustlist_clear(&l);
	tap_ok(trustlist_read(span_cstr("{\"caList\":[]}"), buf_span(&signer), 0, T0, &l, &e), "wrapped wrongly: %s", e.text);
	tap_ok(trustlist_read(span_cstr("{\"caList\""), buf_span(&signer), 0, T0, &l, &e), "no JSON: %s", e.text);
	tap_ok(trustlist_read(span_cstr(""), buf_span(&signer), 0, T0, &l, &e), "nothing: %s", e.text);
	tap_ok(trustlist_read(span_cstr("-----BEGIN CERTIFICATE-----"), buf_span(&signer), 0, T0, &l, &e), "not signed: %s", e.text);
	buf_free(&payload);
	buf_free(&jws);
	buf_free(&outer);
}

static void base64_der(void)
{
	struct buf payload;
	struct trustlist l;
	unsigned char *der = NULL;
	struct err e;
	int n = i2d_X509(pki.root, &der);

	buf_init(&payload, 65536);
	(void)buf_puts(&payload, "{\"sequence\":\"0012\",\"trustList\":[\"");
	base64_encode(&payload, der, (size_t)n);
	(void)buf_puts(&payload, "\"]}");
	tap_int(read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e), 0, "base64 of DER, and a sequence as text %s", e.text);
	tap_ok(l.count == 1 && l.sequence == 12, "one anchor");
	trustlist_clear(&l);
	OPENSSL_free(der);
	buf_free(&payload);
}

/* --- bad ones --------------------------------------------------------------------------- */

static const struct {
	const char *more; /* in front of trustList */
	const char *why;  /* part of the error; NULL: it is taken */
} numbers[] = {
	{"\"sequence\":0,", NULL},
	{"\"sequence\":-1,", "sequence"},
	{"\"sequence\":1.5,", "sequence"},
	{"\"sequence\":\"\",", "sequence"},
	{"\"sequence\":\"12a\",", "sequence"},
	{"\"sequence\":\"1234567890123456789\",", "sequence"},
	{"\"sequence\":null,", "sequence"},
	{"\"sequence\":1,\"sequence\":2,", "twice"},
	{"\"exp\":\"1\",", "exp"},
	{"\"exp\":-1,", "exp"},
	{"\"iat\":1.0,", "iat"},
	{"\"iat\":1700000301,", "future"},
	{"\"iat\":1700000300,", NULL},
};

static const char *const versions[] = {"2", "\"2.0\"", "\"\"", "0.9", "[]", "\"12\"", "true"};

static void bad_numbers(void)
{
	struct buf payload;
	struct trustlist l;
	struct err e;
	int rc;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		payload_of(&payload, numbers[i].more, CERTS(pki.root));
		rc = read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e);
		tap_ok(numbers[i].why ? rc && strstr(e.text, numbers[i].why) : !rc, "%s %s", numbers[i].more, e.text);
		trustlist_clear(&l);
		buf_free(&payload);
	}
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		buf_init(&payload, 65536);
		(void)buf_printf(&payload, "{\"version\":%s,\"trustList\":[\"AAAA\"]}", versions[i]);
		tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e) && strstr(e.text, "version"), "version %s: %s", versions[i], e.text);
		buf_free(&payload);
	}
}

static const struct {
	const char *header, *why;
} headers[] = {
	{"{\"typ\":\"JWT\"}", "ES256"},
	{"{\"alg\":\"none\"}", "ES256"},
	{"{\"alg\":\"HS256\"}", "ES256"},
	{"{\"alg\":[\"ES256\"]}", "ES256"},
	{"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "critical"},
	{"{\"alg\":\"ES256\",\"b64\":false}", "critical"},
	{"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "twice"},
	{"[]", "JSON"},
	{"{\"alg\":\"ES256\"}", NULL},
};

static void bad_headers(void)
{
	struct buf payload;
	struct trustlist l;
	struct err e;

	payload_of(&payload, "", CERTS(pki.root));
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		int rc = read_jws(headers[i].header, payload.p, pa_key, 0, T0, &l, &e);

		tap_ok(headers[i].why ? rc && strstr(e.text, headers[i].why) : !rc, "%s %s", headers[i].header, e.text);
		trustlist_clear(&l);
	}
	buf_free(&payload);
}

static void bad_anchors(void)
{
	static const struct {
		const char *payload, *why;
	} rows[] = {
		{"{}", "no trustList"},
		{"{\"trustList\":[]}", "no trustList"},
		{"{\"trustList\":{}}", "no trustList"},
		{"{\"trustList\":[1]}", "anchor 1"},
		{"{\"trustList\":[\"\"]}", "anchor 1"},
		{"{\"trustList\":[\"%%%\"]}", "base64"},
		{"{\"trustList\":[\"AAAA\"]}", "X.509"},
		{"{\"trustList\":[\"-----BEGIN X-----\"]}", "anchor 1"},
		{"[]", "JSON"},
	};
	struct buf payload;
	struct trustlist l;
	struct err e;
	EVP_PKEY *key;
	X509 *leaf, **many = calloc(LIMIT_TRUSTLIST_ANCHORS + 2, sizeof *many);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		tap_ok(read_jws(HEADER, rows[i].payload, pa_key, 0, T0, &l, &e) && strstr(e.text, rows[i].why), "%s %s", rows[i].payload, e.text);
	if (!many || pki_issue(&pki, "spc:1234", "Test", T0, T0 + DAY, &key, &leaf, &e))
		tap_bail("%s", e.text);
	payload_of(&payload, "", CERTS(pki.root, leaf));
	tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e) && strstr(e.text, "anchor 2"), "an anchor that is no CA: %s", e.text);
	buf_free(&payload);
	for (int i = 0; i < LIMIT_TRUSTLIST_ANCHORS; i++)
		many[i] = pki.root;
	payload_of(&payload, "", many);
	tap_int(read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e), 0, "as many as there may be %s", e.text);
	trustlist_clear(&l);
	buf_free(&payload);
	many[LIMIT_TRUSTLIST_ANCHORS] = pki.root;
	payload_of(&payload, "", many);
	tap_ok(read_jws(HEADER, payload.p, pa_key, 0, T0, &l, &e) && strstr(e.text, "more than"), "and one more: %s", e.text);
	buf_free(&payload);
	X509_free(leaf);
	EVP_PKEY_free(key);
	free(many);
}

static void bad_signers(void)
{
	EVP_PKEY *p384 = pki_key_new(PKI_KEY_P384);
	struct buf payload, jws, pem;
	struct trustlist l;
	struct err e;

	payload_of(&payload, "", CERTS(pki.root));
	buf_init(&jws, LIMIT_TRUSTLIST_BYTES);
	list_maker_jws(&jws, pa_key, HEADER, payload.p);
	put_signer(&pem, pa_key, PKI_FLAW_KEY_USAGE);
	tap_ok(trustlist_read(buf_span(&jws), buf_span(&pem), 0, T0, &l, &e), "keyUsage: %s", e.text);
	buf_free(&pem);
	put_signer(&pem, p384, 0);
	tap_ok(trustlist_read(buf_span(&jws), buf_span(&pem), 0, T0, &l, &e), "another curve: %s", e.text);
	if (pki_put_cert(&pem, pki.root))
		tap_bail("PEM");
	tap_ok(trustlist_read(buf_span(&jws), buf_span(&pem), 0, T0, &l, &e), "two signers: %s", e.text);
	tap_ok(trustlist_read(buf_span(&jws), span_cstr(""), 0, T0, &l, &e), "none: %s", e.text);
	buf_free(&pem);
	/* One bit of the payload. */
	jws.p[strlen("eyJhbGciOiJFUzI1NiIs") + 200] ^= 1;
	tap_ok(trustlist_read(buf_span(&jws), buf_span(&signer), 0, T0, &l, &e), "changed: %s", e.text);
	buf_free(&jws);
	buf_init(&jws, LIMIT_TRUSTLIST_BYTES + 1);
	for (int i = 0; i <= LIMIT_TRUSTLIST_BYTES; i++)
		(void)buf_putc(&jws, 'A');
	tap_ok(trustlist_read(buf_span(&jws), buf_span(&signer), 0, T0, &l, &e) && strstr(e.text, "octets"), "too large: %s", e.text);
	buf_free(&jws);
	buf_free(&payload);
	EVP_PKEY_free(p384);
}

int main(void)
{
	struct err e;

	pa_key = pki_key_new(PKI_KEY_P256);
	wrong_key = pki_key_new(PKI_KEY_P256);
	if (!pa_key || !wrong_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) || pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	put_signer(&signer, pa_key, 0);
	good();
	wrapped();
	base64_der();
	bad_numbers();
	bad_headers();
	bad_anchors();
	bad_signers();
	buf_free(&signer);
	EVP_PKEY_free(pa_key);
	EVP_PKEY_free(wrong_key);
	pki_free(&pki);
	pki_free(&other);
	return tap_done();
}
