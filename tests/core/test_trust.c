/* Which chains lead to an anchor, for how long, and which certificates are revoked. */
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

static struct buf der_of(const char *text)
{
	struct tnauthlist *l;
	struct buf out;
	struct err e;

	buf_init(&out, 1000);
	if (tnauthlist_from_text(span_cstr(text), &l, &e) || tnauthlist_write_der(&out, l))
		tap_bail("%s", e.text);
	tnauthlist_free(l);
	return out;
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
	pinned = open_trust(leaf, NULL);
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
	struct pki_cert_spec s = leaf_spec(), sub = ca_spec(leaf_key);
	X509 *leaf, *lower;

	/* Names and key ids of our CA, signed with another key. */
	s.issuer_key = other.ca_key;
	leaf = cert(&s);
	expect(t, CHAIN(leaf, pki.ca), STIR_CERT_UNTRUSTED, "signed with another key");
	X509_free(leaf);

	/* pki.ca has a path length of 0. */
	sub.issuer = pki.ca;
	sub.issuer_key = pki.ca_key;
	s.issuer = lower = cert(&sub);
	s.issuer_key = leaf_key;
	leaf = cert(&s);
	expect(t, CHAIN(leaf, lower, pki.ca), STIR_CERT_UNTRUSTED, "a path longer than its CA allows");
	X509_free(leaf);
	X509_free(lower);

	/* A signer's certificate that signs certificates. */
	sub = leaf_spec();
	s.issuer = lower = cert(&sub);
	leaf = cert(&s);
	expect(t, CHAIN(leaf, lower, pki.ca), STIR_CERT_UNTRUSTED, "issued by a signer's certificate");
	X509_free(leaf);
	X509_free(lower);
	trust_free(t);
}

static void delegates(void)
{
	static const struct {
		const char *parent, *child;
		enum stir_reason want;
		bool unchecked;
	} scopes[] = {
		{"tn:+15551230000+1000", "tn:+15551230100+100", STIR_OK, false},
		{"tn:+15551230000+1000", "tn:+15551230900+200", STIR_CERT_UNTRUSTED, false},
		{"tn:+15551230000+1000", "spc:1234", STIR_CERT_UNTRUSTED, false},
		{"spc:1234", "tn:+15551230000", STIR_OK, true},
		{"spc:1234,tn:+15559990000+10", "tn:+15551230000", STIR_OK, true},
		{"tn:+15551230000", NULL, STIR_OK, false},
	};
	struct trust *t = open_trust(pki.root, NULL);

	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
		struct pki_cert_spec s = leaf_spec(), c = ca_spec(other.ca_key);
		struct buf outer = der_of(scopes[i].parent), inner = der_of(scopes[i].child ? scopes[i].child : "spc:1");
		struct cert_chain *chain;
		X509 *leaf, *ca;
		char what[128];

		c.tn_auth = buf_span(&outer);
		s.issuer = ca = cert(&c);
		s.issuer_key = other.ca_key;
		if (scopes[i].child)
			s.tn_auth = buf_span(&inner);
		leaf = cert(&s);
		snprintf(what, sizeof what, "%s below %s", scopes[i].child ? scopes[i].child : "none", scopes[i].parent);
		chain = CHAIN(leaf, ca);
		expect(t, cert_chain_ref(chain), scopes[i].want, what);
		tap_int(cert_chain_unchecked(chain), scopes[i].unchecked, "%s: is it only a provider that vouches?", what);
		cert_chain_unref(chain);
		X509_free(leaf);
		X509_free(ca);
		buf_free(&outer);
		buf_free(&inner);
	}
	trust_free(t);
}

static void by_reference(void)
{
	struct pki_cert_spec s = leaf_spec(), c = ca_spec(other.ca_key);
	struct trust *t = open_trust(pki.root, NULL);
	X509 *leaf, *ca;

	s.list_url = c.list_url = "https://example.com/list";
	s.issuer = ca = cert(&c);
	s.issuer_key = other.ca_key;
	leaf = cert(&s);
	expect(t, CHAIN(leaf, ca), STIR_CERT_UNTRUSTED, "a CA whose list is elsewhere");
	X509_free(leaf);
	s.issuer = pki.ca;
	s.issuer_key = pki.ca_key;
	leaf = cert(&s);
	expect(t, CHAIN(leaf, pki.ca), STIR_OK, "a signer whose list is elsewhere has none here");
	X509_free(leaf);
	X509_free(ca);
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

/* --- revocation --------------------------------------------------------------------- */

static void add_crl(struct trust *t, const struct pki_crl_spec *s, bool taken, const char *what)
{
	X509_CRL *crl;
	struct buf pem;
	struct err e;

	err_clear(&e);
	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_crl_new(s, &crl, &e) || pki_put_crl(&pem, crl))
		tap_bail("CRL: %s", e.text);
	tap_int(trust_add_crls(t, "crl.pem", buf_span(&pem), &e), taken ? 0 : -1, "%s %s", what, e.text);
	X509_CRL_free(crl);
	buf_free(&pem);
}

static void asked(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, enum stir_reason soft,
		  enum stir_reason hard, const char *what)
{
	tap_str(stir_reason_name(trust_revocation(t, c, iat, now, false)), stir_reason_name(soft), "%s", what);
	tap_str(stir_reason_name(trust_revocation(t, c, iat, now, true)), stir_reason_name(hard), "%s, hard", what);
}

static struct pki_crl_spec crl_of(X509 *issuer, EVP_PKEY *key)
{
	return (struct pki_crl_spec){
		.issuer = issuer, .issuer_key = key, .this_update = T0, .next_update = T0 + 10 * DAY};
}

static struct cert_chain *checked(const struct trust *t, X509 *leaf)
{
	struct cert_chain *c = CHAIN(leaf, pki.ca);

	if (trust_check(t, c, NULL) != STIR_OK)
		tap_bail("chain");
	return c;
}

static const struct {
	int reason;
	int64_t date, iat;
	enum stir_reason want;
	const char *what;
} revocations[] = {
	{-1, T0 + 100, T0 + 99, STIR_OK, "revoked after it signed"},
	{-1, T0 + 100, T0 + 100, STIR_CERT_REVOKED, "revoked as it signed"},
	{-1, T0 + 100, T0 + 101, STIR_CERT_REVOKED, "revoked before it signed"},
	{CRL_REASON_SUPERSEDED, T0 + 100, T0 + 99, STIR_OK, "superseded after it signed"},
	{CRL_REASON_CERTIFICATE_HOLD, T0 + 100, T0 + 101, STIR_CERT_REVOKED, "on hold before it signed"},
	{CRL_REASON_KEY_COMPROMISE, T0 + 100, T0 + 99, STIR_CERT_REVOKED, "key stolen: at any date"},
	{CRL_REASON_CA_COMPROMISE, T0 + 100, T0 + 99, STIR_CERT_REVOKED, "CA's key stolen: at any date"},
};

static void reasons(void)
{
	struct pki_cert_spec s = leaf_spec();
	X509 *leaf = cert(&s), *sibling = cert(&s);

	for (size_t i = 0; i < sizeof revocations / sizeof revocations[0]; i++) {
		struct pki_revoked entry = {leaf, revocations[i].date, revocations[i].reason};
		struct pki_crl_spec low = crl_of(pki.ca, pki.ca_key), high = crl_of(pki.root, pki.root_key);
		struct trust *t = open_trust(pki.root, NULL);
		struct cert_chain *c;

		low.revoked = &entry;
		low.n_revoked = 1;
		add_crl(t, &low, true, "the CA's list");
		add_crl(t, &high, true, "the root's list");
		c = checked(t, leaf);
		asked(t, c, revocations[i].iat, T0 + DAY, revocations[i].want, revocations[i].want, revocations[i].what);
		/* What is revoked stays so, however old the list. */
		bool revoked = revocations[i].want == STIR_CERT_REVOKED;
		asked(t, c, revocations[i].iat, T0 + 11 * DAY, revocations[i].want, revoked ? STIR_CERT_REVOKED : STIR_REVOCATION_UNKNOWN, "past nextUpdate");
		asked(t, c, revocations[i].iat, T0 - 1, revocations[i].want, revoked ? STIR_CERT_REVOKED : STIR_REVOCATION_UNKNOWN, "before thisUpdate");
		cert_chain_unref(c);
		c = checked(t, sibling);
		asked(t, c, revocations[i].iat, T0 + DAY, STIR_OK, STIR_OK, "another serial");
		cert_chain_unref(c);
		trust_free(t);
	}
	X509_free(leaf);
	X509_free(sibling);
}

static void coverage(void)
{
	struct pki_cert_spec s = leaf_spec();
	X509 *leaf = cert(&s);
	struct pki_revoked entry = {leaf, T0, -1}, middle = {pki.ca, T0, -1};
	struct pki_crl_spec crl = crl_of(pki.ca, pki.ca_key);
	struct trust *t = open_trust(pki.root, NULL);
	struct cert_chain *c = checked(t, leaf);

	asked(t, c, T0, T0, STIR_OK, STIR_REVOCATION_UNKNOWN, "no list");
	cert_chain_unref(c);
	add_crl(t, &crl, true, "the CA's list");
	c = checked(t, leaf);
	asked(t, c, T0, T0, STIR_OK, STIR_REVOCATION_UNKNOWN, "only the CA's list");
	cert_chain_unref(c);

	/* Our CA's name and key id, but not its signature. */
	crl.revoked = &entry;
	crl.n_revoked = 1;
	crl.issuer_key = other.ca_key;
	add_crl(t, &crl, true, "a forged list");
	crl.issuer_key = pki.ca_key;
	crl.sha1 = true;
	add_crl(t, &crl, true, "a list signed with SHA-1");
	c = checked(t, leaf);
	asked(t, c, T0, T0, STIR_OK, STIR_REVOCATION_UNKNOWN, "bad lists are none");
	cert_chain_unref(c);

	crl = crl_of(pki.root, pki.root_key);
	crl.revoked = &middle;
	crl.n_revoked = 1;
	add_crl(t, &crl, true, "the root's list");
	c = checked(t, leaf);
	asked(t, c, T0, T0, STIR_CERT_REVOKED, STIR_CERT_REVOKED, "the CA is revoked");
	cert_chain_unref(c);
	trust_free(t);
	X509_free(leaf);
}

/* The same serial of another issuer, and chains nobody checked. */
static void not_about_us(void)
{
	struct pki_cert_spec s = leaf_spec();
	X509 *leaf = cert(&s);
	struct pki_revoked entry = {leaf, T0, -1};
	struct pki_crl_spec crl = crl_of(other.ca, other.ca_key);
	struct trust *t = open_trust(pki.root, other.root);
	struct cert_chain *c;

	crl.revoked = &entry;
	crl.n_revoked = 1;
	add_crl(t, &crl, true, "another CA's list");
	c = checked(t, leaf);
	asked(t, c, T0, T0, STIR_OK, STIR_REVOCATION_UNKNOWN, "revokes nothing of ours");
	cert_chain_unref(c);
	c = CHAIN(leaf, pki.ca);
	asked(t, c, T0, T0, STIR_OK, STIR_REVOCATION_UNKNOWN, "an unchecked chain");
	cert_chain_unref(c);
	trust_free(t);
	t = open_trust(leaf, NULL);
	c = CHAIN(leaf);
	tap_int(trust_check(t, c, NULL), STIR_OK, "a pinned leaf");
	asked(t, c, T0, T0, STIR_OK, STIR_OK, "has nothing below the anchor");
	cert_chain_unref(c);
	trust_free(t);
	X509_free(leaf);
}

static void unusable(void)
{
	struct pki_crl_spec crl = crl_of(pki.ca, pki.ca_key);
	struct trust *t = open_trust(pki.root, NULL);
	struct err e;

	crl.indirect = true;
	add_crl(t, &crl, false, "an indirect list is refused:");
	crl.indirect = false;
	crl.next_update = 0;
	add_crl(t, &crl, false, "a list without nextUpdate is refused:");
	tap_int(trust_add_crls(t, "crl.pem", span_cstr("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), &e), -1,
		"no CRL: %s", e.text);
	tap_int(trust_add_crls(t, "crl.pem", span_cstr("x"), &e), -1, "no PEM: %s", e.text);
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
	delegates();
	by_reference();
	window();
	reasons();
	coverage();
	not_about_us();
	unusable();
	production();
	pki_free(&pki);
	pki_free(&other);
	EVP_PKEY_free(leaf_key);
	return tap_done();
}
