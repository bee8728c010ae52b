/* Which chains lead to an anchor, and for how long. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/trust.h"
#include "ctl/pki.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY };

static struct pki pki, other;
static EVP_PKEY *leaf_key;

static struct trust *open_trust(X509 *a, X509 *b)
{
	struct trust *t;
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_put_cert(&pem, a) || (b && pki_put_cert(&pem, b)) || trust_open("anchors", buf_span(&pem), &t, &e))
		tap_bail("anchors: %s", e.text);
	buf_free(&pem);
	return t;
}

/* A chain of the certificates, NULL ends them. */
static struct cert_chain *chain_of(X509 *const *certs)
{
	struct cert_chain *c;
	struct buf pem;
	struct err why;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (; *certs; certs++)
		if (pki_put_cert(&pem, *certs))
			tap_bail("PEM");
	if (cert_chain_parse(buf_span(&pem), &c, &why) != STIR_OK)
		tap_bail("chain: %s", why.text);
	buf_free(&pem);
	return c;
}

#define CHAIN(...) chain_of((X509 *const[]){__VA_ARGS__, NULL})

static X509 *cert(const struct pki_cert_spec *s)
{
	struct err e;
	X509 *x;

	if (pki_cert_new(s, &x, &e))
		tap_bail("%s", e.text);
	return x;
}

static struct pki_cert_spec leaf_spec(void)
{
	return (struct pki_cert_spec){.key = leaf_key,
				      .issuer = pki.ca,
				      .issuer_key = pki.ca_key,
				      .common_name = "SHAKEN 1234",
				      .not_before = T0,
				      .not_after = T0 + 30 * DAY};
}

static struct pki_cert_spec ca_spec(EVP_PKEY *key)
{
	struct pki_cert_spec s = {.key = key,
				  .issuer = pki.root,
				  .issuer_key = pki.root_key,
				  .common_name = "SHAKEN other CA",
				  .not_before = T0 - DAY,
				  .not_after = T0 + YEAR,
				  .ca = true,
				  .path_len = -1};
	return s;
}

/* Takes c. */
static void expect(const struct trust *t, struct cert_chain *c, enum stir_reason want, const char *what)
{
	enum stir_reason got;
	struct err why;

	err_clear(&why);
	got = trust_check(t, c, &why);
	tap_str(stir_reason_name(got), stir_reason_name(want), "%s (%s)", what, why.text);
	cert_chain_unref(c);
}

/* --- opening -------------------------------------------------------------------- */

static void empty(void)
{
	struct pki_cert_spec s = leaf_spec();
	X509 *leaf = cert(&s);
	struct trust *t;
	struct buf pem;
	struct err e;

	if (trust_open_empty(&t, &e))
		tap_bail("%s", e.text);
	tap_int((long long)trust_count(t), 0, "no anchor");
	expect(t, CHAIN(leaf, pki.ca, pki.root), STIR_CERT_UNTRUSTED, "nothing is trusted then");
	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_put_cert(&pem, pki.root) || trust_add_anchors(t, "more", buf_span(&pem), &e))
		tap_bail("%s", e.text);
	expect(t, CHAIN(leaf, pki.ca, pki.root), STIR_OK, "until an anchor is added");
	tap_ok(trust_add_anchors(t, "f.pem", span_cstr("x"), &e) && strncmp(e.text, "f.pem: ", 7) == 0 && trust_count(t) == 1, "no more: %s", e.text);
	buf_free(&pem);
	trust_free(t);
	X509_free(leaf);
}

static void opening(void)
{
	struct trust *t = open_trust(pki.root, other.root);
	struct buf pem;
	struct err e;

	tap_int((long long)trust_count(t), 2, "two anchors");
	tap_ok(X509_cmp(trust_at(t, 1), other.root) == 0 && !trust_at(t, 2), "in order");
	trust_free(t);
	t = open_trust(pki.root, pki.root);
	tap_int((long long)trust_count(t), 2, "the same one twice does no harm");
	trust_free(t);
	trust_free(NULL);
	empty();
	tap_ok(trust_open("f.pem", span_cstr("# nothing\n"), &t, &e) && !t && strncmp(e.text, "f.pem: ", 7) == 0,
	       "no certificate: %s", e.text);
	tap_ok(trust_open("f.pem", span_make(NULL, 0), &t, &e) && !t, "empty: %s", e.text);
	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_put_cert(&pem, pki.root) || pki_put_key(&pem, pki.root_key))
		tap_bail("PEM");
	tap_ok(trust_open("f.pem", buf_span(&pem), &t, &e) && !t, "a key among them: %s", e.text);
	buf_free(&pem);
}

/* --- paths ----------------------------------------------------------------------- */

/* Takes c. */
static void path_to(const struct trust *t, struct cert_chain *c, size_t n, const char *what)
{
	if (trust_check(t, c, NULL) != STIR_OK)
		tap_bail("%s", what);
	tap_int((long long)cert_chain_path_count(c), (long long)n, "%s", what);
	cert_chain_unref(c);
}

static void anchors(void)
{
	struct pki_cert_spec s = leaf_spec();
	struct trust *root = open_trust(pki.root, NULL), *ca = open_trust(pki.ca, NULL);
	struct trust *foreign = open_trust(other.root, NULL), *pinned;
	X509 *leaf = cert(&s);

	expect(root, CHAIN(leaf, pki.ca), STIR_OK, "leaf and CA to the root");
	expect(root, CHAIN(leaf, pki.ca, pki.root), STIR_OK, "the root served as well");
	expect(root, CHAIN(leaf, pki.root, other.ca, pki.ca), STIR_OK, "disordered, with strangers");
	expect(root, CHAIN(leaf), STIR_CERT_UNTRUSTED, "without its CA");
	expect(ca, CHAIN(leaf), STIR_OK, "the CA itself as the anchor");
	expect(ca, CHAIN(leaf, pki.ca, pki.root), STIR_OK, "the same, all served");
	expect(foreign, CHAIN(leaf, pki.ca, pki.root), STIR_CERT_UNTRUSTED, "a root of its own is no anchor");
	path_to(ca, CHAIN(leaf, pki.ca, pki.root), 2, "the path ends at the CA then");
	path_to(root, CHAIN(leaf, pki.root, pki.ca), 3, "and at the root otherwise");
	pinned = open_trust(leaf, NULL);
	path_to(pinned, CHAIN(leaf, pki.ca, pki.root), 1, "a pinned leaf is all of its path");
	expect(pinned, CHAIN(leaf), STIR_OK, "the leaf itself as the anchor");
	trust_free(root);
	trust_free(ca);
	trust_free(foreign);
	trust_free(pinned);
	X509_free(leaf);
}

static const struct {
	unsigned flaws;
	enum stir_reason want;
	const char *what;
} leaf_flaws[] = {
	{0, STIR_OK, "leaf: good"},
	{PKI_FLAW_NO_BASIC, STIR_OK, "leaf: no basicConstraints"},
	{PKI_FLAW_SHA1, STIR_CERT_UNTRUSTED, "leaf: SHA-1"},
	{PKI_FLAW_WRONG_AKI, STIR_CERT_UNTRUSTED, "leaf: AKI of another"},
	{PKI_FLAW_UNKNOWN_CRITICAL, STIR_CERT_INVALID, "leaf: unknown critical extension"},
}, ca_flaws[] = {
	{0, STIR_OK, "CA: good"},
	{PKI_FLAW_NO_BASIC, STIR_CERT_UNTRUSTED, "CA: no basicConstraints"},
	{PKI_FLAW_KEY_USAGE, STIR_CERT_UNTRUSTED, "CA: no keyCertSign"},
	{PKI_FLAW_SHA1, STIR_CERT_UNTRUSTED, "CA: SHA-1"},
	{PKI_FLAW_WRONG_AKI, STIR_CERT_UNTRUSTED, "CA: AKI of another"},
	{PKI_FLAW_UNKNOWN_CRITICAL, STIR_CERT_INVALID, "CA: unknown critical extension"},
};

static void flaws(void)
{
	struct trust *t = open_trust(pki.root, NULL);
	EVP_PKEY *key = pki_key_new(PKI_KEY_RSA2048);

	for (size_t i = 0; i < sizeof leaf_flaws / sizeof leaf_flaws[0]; i++) {
		struct pki_cert_spec s = leaf_spec();
		X509 *leaf;

		s.flaws = leaf_flaws[i].flaws;
		leaf = cert(&s);
		expect(t, CHAIN(leaf, pki.ca), leaf_flaws[i].want, leaf_flaws[i].what);
		X509_free(leaf);
	}
	for (size_t i = 0; i < sizeof ca_flaws / sizeof ca_flaws[0]; i++) {
		struct pki_cert_spec s = leaf_spec(), c = ca_spec(key);
		X509 *leaf, *ca;

		c.flaws = ca_flaws[i].flaws;
		s.issuer = ca = cert(&c);
		s.issuer_key = key;
		leaf = cert(&s);
		expect(t, CHAIN(leaf, ca), ca_flaws[i].want, ca_flaws[i].what);
		X509_free(leaf);
		X509_free(ca);
	}
	EVP_PKEY_free(key);
	trust_free(t);
}

static void forged(void)
{
	struct trust *t = open_trust(pki.root, NULL);
	struct pki_cert_spec s = leaf_spec(), sub = ca_spec(leaf_key), upper = ca_spec(pki.ca_key);
	X509 *leaf, *lower;

	/* Names and key ids of our CA, signed with another key. */
	s.issuer_key = other.ca_key;
	leaf = cert(&s);
	expect(t, CHAIN(leaf, pki.ca), STIR_CERT_UNTRUSTED, "signed with another key");
	X509_free(leaf);

	upper.common_name = "SHAKEN upper CA";
	sub.issuer_key = pki.ca_key;
	s.issuer_key = leaf_key;
	for (upper.path_len = 0; upper.path_len < 2; upper.path_len++) {
		X509 *top = cert(&upper);

		sub.issuer = top;
		s.issuer = lower = cert(&sub);
		leaf = cert(&s);
		expect(t, CHAIN(leaf, lower, top), upper.path_len ? STIR_OK : STIR_CERT_UNTRUSTED,
		       upper.path_len ? "a path as long as its CA allows" : "a path longer than its CA allows");
		X509_free(leaf);
		X509_free(lower);
		X509_free(top);
	}

	/* A signer's certificate that signs certificates. */
	sub = leaf_spec();
	s.issuer = lower = cert(&sub);
	leaf = cert(&s);
	expect(t, CHAIN(leaf, lower, pki.ca), STIR_CERT_UNTRUSTED, "issued by a signer's certificate");
	X509_free(leaf);
	X509_free(lower);
	trust_free(t);
}

static void window(void)
{
	struct pki_cert_spec s = leaf_spec(), c = ca_spec(other.ca_key);
	struct trust *t = open_trust(pki.root, NULL);
	struct cert_chain *chain;
	int64_t from, until;
	X509 *leaf, *ca;

	c.not_before = T0 + DAY;
	c.not_after = T0 + 2 * DAY;
	s.issuer = ca = cert(&c);
	s.issuer_key = other.ca_key;
	leaf = cert(&s);
	chain = CHAIN(leaf, ca);
	cert_chain_validity(chain, &from, &until);
	tap_ok(from == T0 && until == T0 + 30 * DAY, "before the check: the signer's own validity");
	tap_int(trust_check(t, chain, NULL), STIR_OK, "time is not judged: all of this is long ago");
	cert_chain_validity(chain, &from, &until);
	tap_int(from, T0 + DAY, "after it: from the CA's begin");
	tap_int(until, T0 + 2 * DAY, "to the CA's end");
	cert_chain_unref(chain);
	X509_free(leaf);
	X509_free(ca);
	trust_free(t);
}

/* --- production -------------------------------------------------------------------------- */

enum { CHECK_COLUMN = 8, DER_COLUMN = 10 };

/* The certificate of a line of leaf-certs.tsv; NULL if it is none of ours, or none that OpenSSL's own check took. */
static struct cert_chain *production_chain(char *line)
{
	char *column = line, *check = NULL, *der = NULL;
	struct cert_chain *c = NULL;
	struct buf pem;

	for (int i = 0; column; i++) {
		char *value = strsep(&column, "\t\n");

		if (i == CHECK_COLUMN)
			check = value;
		if (i == DER_COLUMN)
			der = value;
	}
	if (!der || strcmp(check, "OK") != 0)
		return NULL;
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (size_t n = strlen(der); n; n -= n < 64 ? n : 64, der += 64)
		buf_printf(&pem, "%.64s\n", der);
	buf_puts(&pem, "-----END CERTIFICATE-----\n");
	(void)(cert_chain_parse(buf_span(&pem), &c, NULL) == STIR_OK);
	buf_free(&pem);
	return c;
}

static FILE *sample(const char *name)
{
	const char *shared = tap_shared();
	char path[600];

	snprintf(path, sizeof path, "%s/samples/stir/production-certs/%s", shared ? shared : "", name);
	return shared ? fopen(path, "r") : NULL;
}

static struct trust *production_trust(FILE *f)
{
	struct trust *t;
	struct buf pem;
	struct err e;
	char line[512];

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	while (fgets(line, sizeof line, f))
		buf_puts(&pem, line);
	if (trust_open("ca-certs.pem", buf_span(&pem), &t, &e))
		tap_bail("%s", e.text);
	buf_free(&pem);
	return t;
}

static void production(void)
{
	FILE *cas = sample("ca-certs.pem"), *leaves = sample("leaf-certs.tsv");
	int good = 0, bad = 0;
	char *line = NULL;
	size_t cap = 0;

	if (!cas || !leaves) {
		tap_skip("no production certificates here");
	} else {
		struct trust *t = production_trust(cas);

		while (getline(&line, &cap, leaves) > 0) {
			struct cert_chain *c = production_chain(line);
			struct err why;

			if (!c)
				continue;
			if (trust_check(t, c, &why) == STIR_OK)
				good++;
			else if (++bad)
				tap_note("%.12s: %s", line, why.text);
			cert_chain_unref(c);
		}
		tap_note("production certificates: %d trusted, %d not, %zu anchors", good, bad, trust_count(t));
		tap_ok(good > 0 && bad == 0, "production certificates lead to their CAs");
		trust_free(t);
	}
	free(line);
	if (cas)
		fclose(cas);
	if (leaves)
		fclose(leaves);
}

int main(void)
{
	struct err e;

	leaf_key = pki_key_new(PKI_KEY_P256);
	if (!leaf_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) ||
	    pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	opening();
	anchors();
	flaws();
	forged();
	window();
	production();
	pki_free(&pki);
	pki_free(&other);
	EVP_PKEY_free(leaf_key);
	return tap_done();
}
