/*
 * Which certificates may sign PASSporTs: RFC 9118's, good ones, and one of each
 * fault; how PEM is read; what a chain keeps.
 */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cert.h"
#include "core/encoding.h"
#include "core/limits.h"
#include "core/trust.h"
#include "ctl/pki.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, YEAR = 31536000 };

static struct pki pki;
static struct buf list; /* DER of spc:1234 */
/* mustExclude msgi, as RFC 9118 only; mustInclude msgi as either */
static const char exclude[] = "\x30\x0a\xa2\x08\x30\x06\x16\x04msgi";
static const char include[] = "\x30\x0a\xa0\x08\x30\x06\x16\x04msgi";

static void read_file(const char *rel, struct buf *out)
{
	char path[512], piece[4096];
	FILE *f = fopen(tap_srcpath(path, sizeof path, rel), "r");
	size_t n;

	if (!f)
		tap_bail("%s", path);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		if (buf_put(out, piece, n))
			tap_bail("%s: too large", path);
	fclose(f);
}

static void setup(void)
{
	struct tnauthlist *l;
	struct err e;

	if (pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	buf_init(&list, 100);
	if (tnauthlist_from_text(span_cstr("spc:1234"), &l, &e) || tnauthlist_write_der(&list, l))
		tap_bail("list");
	tnauthlist_free(l);
}

static void rfc9118(void)
{
	struct cert_chain *c = NULL;
	unsigned char point[65];
	int64_t from, until;
	struct buf pem, text;
	struct err why;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	buf_init(&text, 1000);
	read_file("tests/vectors/official/rfc9118-example.pem", &pem);
	if (!tap_int(cert_chain_parse(buf_span(&pem), &c, &why), STIR_OK, "RFC 9118's certificate"))
		tap_bail("%s", why.text);
	tap_span_is(tnauthlist_spc(cert_chain_tnauthlist(c)), "1234", "its SPC");
	claimrules_write_text(&text, cert_chain_claimrules(c));
	tap_str(text.p, "mustInclude confidence; confidence in {high, medium}; mustExclude priority", "its constraints");
	cert_chain_validity(c, &from, &until);
	tap_int(from, 1626385935, "2021-07-15T21:52:15Z");
	tap_int(until, 1657921935, "2022-07-15T21:52:15Z");
	cert_chain_point(c, point);
	tap_ok(point[0] == 4 && point[1] == 0xd4 && point[64] == 0x31, "its point");
	buf_reset(&text);
	cert_name(&text, X509_get_subject_name(cert_chain_at(c, 0)));
	tap_str(text.p, "/C=US/ST=VA/L=Herndon/O=Bogus Example Telecom/OU=VoIP/CN=SHAKEN", "its name");
	tap_span_is(cert_chain_subject(c), text.p, "which is kept");
	tap_span_is(cert_chain_fingerprint(c), "85b1a780a9a515c723eb28b0c972e224b54ed554b1acef3aa16dfd15d9e01c25", "SHA-256 of its DER");
	tap_int((long long)cert_chain_count(c), 1, "alone");
	tap_ok(!cert_chain_at(c, 1), "nothing after the last");
	cert_chain_unref(cert_chain_ref(c));
	cert_chain_unref(c);
	cert_chain_unref(NULL);
	buf_free(&text);
	buf_free(&pem);
}

/* --- faults ------------------------------------------------------------------- */

enum { LIST = 1, RULES = 2, ENHANCED = 4, CA = 8, BAD_LIST = 16, BAD_RULES = 32 };

static const struct {
	const char *what;
	enum pki_key_kind key;
	unsigned flaws, parts;
	const char *why; /* a piece of the text; NULL: it is good */
} certs[] = {
	{"a good one", PKI_KEY_P256, 0, LIST, NULL},
	{"without a list", PKI_KEY_P256, 0, 0, NULL},
	{"with constraints", PKI_KEY_P256, 0, LIST | RULES, NULL},
	{"with enhanced constraints", PKI_KEY_P256, 0, LIST | ENHANCED, NULL},
	{"without basicConstraints", PKI_KEY_P256, PKI_FLAW_NO_BASIC, LIST, NULL},
	/* Not for this module to judge: */
	{"signed with SHA-1", PKI_KEY_P256, PKI_FLAW_SHA1, LIST, NULL},
	{"with an unknown critical extension", PKI_KEY_P256, PKI_FLAW_UNKNOWN_CRITICAL, LIST, NULL},
	{"of a CA", PKI_KEY_P256, 0, LIST | CA, "CA"},
	{"of a CA without keyCertSign", PKI_KEY_P256, PKI_FLAW_KEY_USAGE, LIST | CA, "keyUsage"},
	{"with a P-384 key", PKI_KEY_P384, 0, LIST, "P-256"},
	{"with an RSA key", PKI_KEY_RSA2048, 0, LIST, "P-256"},
	{"without digitalSignature", PKI_KEY_P256, PKI_FLAW_KEY_USAGE, LIST, "digitalSignature"},
	{"of version 1", PKI_KEY_P256, PKI_FLAW_VERSION_1, 0, "version 3"},
	{"with two lists", PKI_KEY_P256, PKI_FLAW_LIST_TWICE, LIST, "more than once"},
	{"with both kinds of constraints", PKI_KEY_P256, 0, LIST | RULES | ENHANCED, "both kinds"},
	{"with a broken list", PKI_KEY_P256, 0, BAD_LIST, "TNAuthList"},
	{"with broken constraints", PKI_KEY_P256, 0, LIST | BAD_RULES, "claim constraints"},
};

static X509 *make(enum pki_key_kind kind, unsigned flaws, unsigned parts)
{
	struct pki_cert_spec s = {.key = pki_key_new(kind),
				  .issuer = pki.ca,
				  .issuer_key = pki.ca_key,
				  .common_name = "SHAKEN 1234",
				  .not_before = T0,
				  .not_after = T0 + 1000,
				  .path_len = -1,
				  .ca = parts & CA,
				  .flaws = flaws};
	struct err e;
	X509 *x;

	if (parts & LIST)
		s.tn_auth = buf_span(&list);
	if (parts & BAD_LIST)
		s.tn_auth = span_make("\x30\x00", 2);
	if (parts & RULES)
		s.rules = span_make(include, sizeof include - 1);
	if (parts & BAD_RULES)
		s.rules = span_make(exclude, sizeof exclude - 1);
	if (parts & ENHANCED)
		s.enhanced_rules = span_make(exclude, sizeof exclude - 1);
	if (!s.key || pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	EVP_PKEY_free(s.key);
	return x;
}

static void faults(void)
{
	for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++) {
		X509 *x = make(certs[i].key, certs[i].flaws, certs[i].parts);
		struct cert_chain *c = (struct cert_chain *)&c;
		enum stir_reason r;
		struct err why;
		struct buf pem;

		err_clear(&why);
		buf_init(&pem, LIMIT_CHAIN_BYTES);
		if (pki_put_cert(&pem, x))
			tap_bail("PEM");
		r = cert_chain_parse(buf_span(&pem), &c, &why);
		if (certs[i].why)
			tap_ok(r == STIR_CERT_INVALID && !c && strstr(why.text, certs[i].why), "%s: refused (%s)",
			       certs[i].what, why.text);
		else
			tap_int(r, STIR_OK, "%s: taken", certs[i].what);
		cert_chain_unref(c);
		X509_free(x);
		buf_free(&pem);
	}
}

/* Explicit parameters say P-256 too, and anything else they like. */
static void explicit_curve(void)
{
	struct pki_cert_spec s = {.key = pki_key_new(PKI_KEY_P256),
				  .issuer = pki.ca,
				  .issuer_key = pki.ca_key,
				  .common_name = "x",
				  .not_before = T0,
				  .not_after = T0 + 1};
	struct cert_chain *c;
	struct err why;
	struct buf pem;
	X509 *x;

	if (!s.key || !EVP_PKEY_set_utf8_string_param(s.key, "encoding", "explicit") || pki_cert_new(&s, &x, &why))
		tap_bail("explicit parameters");
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	tap_int(pki_put_cert(&pem, x), 0, "a key with explicit parameters");
	tap_int(cert_chain_parse(buf_span(&pem), &c, &why), STIR_CERT_INVALID, "is refused: %s", why.text);
	buf_free(&pem);
	X509_free(x);
	EVP_PKEY_free(s.key);
}

/* --- PEM ------------------------------------------------------------------------ */

static void expect(struct span pem, enum stir_reason want, size_t count, const char *what)
{
	struct cert_chain *c = NULL;
	struct err why;

	err_clear(&why);
	tap_int(cert_chain_parse(pem, &c, &why), want, "%s%s%s", what, why.text[0] ? ": " : "", why.text);
	if (c)
		tap_int((long long)cert_chain_count(c), (long long)count, "%s: certificates", what);
	cert_chain_unref(c);
}

static void pem_cases(void)
{
	X509 *leaf = make(PKI_KEY_P256, 0, LIST);
	struct buf one, two, b;

	buf_init(&one, LIMIT_CHAIN_BYTES);
	buf_init(&two, LIMIT_CHAIN_BYTES);
	buf_init(&b, LIMIT_CHAIN_BYTES + 1);
	if (pki_put_cert(&one, leaf) || pki_put_chain(&two, &pki, leaf))
		tap_bail("PEM");
	expect(buf_span(&two), STIR_OK, 2, "leaf and CA");
	buf_printf(&b, "subject=x\r\n\r\n%sissuer: y\n%sthe end", one.p, two.p);
	expect(buf_span(&b), STIR_OK, 3, "text around the blocks");
	expect(span_make("", 0), STIR_CERT_INVALID, 0, "nothing");
	expect(span_cstr("hello\n"), STIR_CERT_INVALID, 0, "no PEM");
	expect(span_take(buf_span(&one), one.n / 2), STIR_CERT_INVALID, 0, "cut in the middle");
	expect(span_take(buf_span(&two), two.n - 20), STIR_CERT_INVALID, 0, "cut in the second");
	buf_reset(&b);
	buf_puts(&b, one.p);
	if (pki_put_key(&b, pki.ca_key))
		tap_bail("PEM");
	expect(buf_span(&b), STIR_CERT_INVALID, 0, "a private key among them");
	buf_reset(&b);
	for (int i = 0; i < LIMIT_CHAIN_CERTS; i++)
		buf_puts(&b, one.p);
	expect(buf_span(&b), STIR_OK, LIMIT_CHAIN_CERTS, "as many as allowed");
	buf_puts(&b, one.p);
	expect(buf_span(&b), STIR_CERT_INVALID, 0, "one too many");
	buf_reset(&b);
	buf_puts(&b, one.p);
	while (b.n <= LIMIT_CHAIN_BYTES)
		buf_putc(&b, '\n');
	expect(buf_span(&b), STIR_CERT_INVALID, 0, "an octet too large");
	buf_reset(&b);
	buf_puts(&b, "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END CERTIFICATE-----\n");
	expect(buf_span(&b), STIR_CERT_INVALID, 0, "a block with headers");
	X509_free(leaf);
	buf_free(&one);
	buf_free(&two);
	buf_free(&b);
}

/* DER with an octet after the certificate, inside the block. */
static void trailing_octet(void)
{
	X509 *leaf = make(PKI_KEY_P256, 0, LIST);
	unsigned char *der = NULL;
	int n = i2d_X509(leaf, &der);
	unsigned char *more = n > 0 ? malloc((size_t)n + 1) : NULL;
	struct buf pem;

	if (!more)
		tap_bail("DER");
	memcpy(more, der, (size_t)n);
	more[n] = 0;
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	base64_encode(&pem, more, (size_t)n + 1);
	buf_puts(&pem, "\n-----END CERTIFICATE-----\n");
	expect(buf_span(&pem), STIR_CERT_INVALID, 0, "an octet after the DER");
	buf_free(&pem);
	free(more);
	OPENSSL_free(der);
	X509_free(leaf);
}

/* Names are foreign text: one line, one reading. */
static void names(void)
{
	X509_NAME *n = X509_NAME_new();
	struct buf out;

	if (!n || !X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"A/CN=B\nC", -1, -1, 0) ||
	    !X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)"\xc3\xa9\\", -1, -1, 0))
		tap_bail("name");
	buf_init(&out, 1000);
	cert_name(&out, n);
	tap_str(out.p, "/O=A\\x2fCN\\x3dB\\x0aC/CN=\\xc3\\xa9\\x5c", "a name is escaped");
	buf_free(&out);
	X509_NAME_free(n);
}

/* What is kept of it, before and after it led somewhere. */
static void kept(void)
{
	X509 *leaf = make(PKI_KEY_P256, 0, LIST);
	struct cert_chain *c;
	struct trust *t;
	struct buf pem, anchor;
	struct err e;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	buf_init(&anchor, LIMIT_CHAIN_BYTES);
	buf_puts(&pem, "# text around it is kept too\n");
	if (pki_put_chain(&pem, &pki, leaf) || pki_put_cert(&anchor, pki.root) || trust_open("root", buf_span(&anchor), &t, &e) ||
	    cert_chain_parse(buf_span(&pem), &c, &e) != STIR_OK)
		tap_bail("a chain and its root");
	tap_span(cert_chain_pem(c), buf_span(&pem), "the PEM as served");
	tap_ok(cert_chain_pem(c).p != pem.p, "as a copy");
	tap_int((long long)cert_chain_path_count(c), 0, "no path yet");
	tap_ok(!cert_chain_path_at(c, 0), "nor a certificate of it");
	tap_int(cert_chain_domain(c), -1, "no domain yet");
	tap_int(trust_check(t, c, &e), STIR_OK, "it leads to the root");
	tap_int((long long)cert_chain_path_count(c), 3, "a path of three");
	tap_ok(X509_cmp(cert_chain_path_at(c, 0), leaf) == 0, "the signer first");
	tap_ok(X509_cmp(cert_chain_path_at(c, 1), pki.ca) == 0, "then its issuer");
	tap_ok(X509_cmp(cert_chain_path_at(c, 2), pki.root) == 0, "the anchor last, which was not served");
	tap_ok(!cert_chain_path_at(c, 3), "nothing after it");
	cert_chain_set_domain(c, 3);
	tap_int(cert_chain_domain(c), 3, "the domain that took it");
	cert_chain_unref(c);
	trust_free(t);
	X509_free(leaf);
	buf_free(&pem);
	buf_free(&anchor);
}

static void times(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} t[] = {{"19700101000000Z", 0}, {"700101000000Z", 0}, {"491231235959Z", 2524607999}, {"500101000000Z", -631152000},
		 {"99991231235959Z", 253402300799}, {"20240229120000Z", 1709208000}};
	int64_t got;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		ASN1_TIME *a = ASN1_TIME_new();

		if (!a || !ASN1_TIME_set_string(a, t[i].text))
			tap_bail("%s", t[i].text);
		tap_ok(cert_time(a, &got) == 0 && got == t[i].want, "%s", t[i].text);
		ASN1_TIME_free(a);
	}
	tap_int(cert_time(NULL, &got), -1, "no time is not now");
}

int main(void)
{
	setup();
	rfc9118();
	faults();
	explicit_curve();
	pem_cases();
	trailing_octet();
	names();
	kept();
	times();
	pki_free(&pki);
	buf_free(&list);
	return tap_done();
}
