/* Chains as records: what is opened from one says what the chain said; what is shared, and goes; what it all takes. */
#include "config.h"

#include <openssl/core_names.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/certrecord.h"
#include "core/chainlists.h"
#include "core/limits.h"
#include "core/p256.h"
#include "ctl/pki.h"
#include "tests/lib/delegates.h"
#include "tests/lib/es256.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400 };

static struct pki pki;
static struct certshare *share;
static EVP_PKEY *like;

/* --- making -------------------------------------------------------------------------------- */

static EVP_PKEY *public_half(EVP_PKEY *key)
{
	unsigned char point[65];
	size_t n = 0;

	if (!EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n))
		tap_bail("a point");
	return p256_public_key(span_make(point, n));
}

static struct trust *trust_in(X509 *anchor)
{
	struct trust *t;
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_put_cert(&pem, anchor) || trust_open("anchor", buf_span(&pem), &t, &e))
		tap_bail("an anchor");
	buf_free(&pem);
	return t;
}

/* pinned: it is an anchor itself; negative: so is its serial number. */
static struct cert_chain *chain_of(const struct pki_cert_spec *spec, bool pinned, bool negative)
{
	struct pki_cert_spec s = *spec;
	struct cert_chain *c;
	struct trust *t;
	struct buf pem;
	struct err e;
	X509 *x;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	s.issuer = pki.ca;
	s.issuer_key = pki.ca_key;
	s.not_before = T0;
	s.not_after = T0 + 50 * DAY;
	if (pki_cert_new(&s, &x, &e))
		tap_bail("a certificate: %s", e.text);
	if (negative && (!ASN1_INTEGER_set(X509_get_serialNumber(x), -4711) || !X509_sign(x, pki.ca_key, EVP_sha256())))
		tap_bail("a serial number");
	if (pki_put_chain(&pem, &pki, x) || cert_chain_parse(buf_span(&pem), &c, &e) != STIR_OK)
		tap_bail("a chain: %s", e.text);
	t = trust_in(pinned ? x : pki.root);
	if (trust_check(t, c, &e) != STIR_OK || trust_scope(c, NULL, &e) != STIR_OK)
		tap_bail("trust: %s", e.text);
	cert_chain_set_domain(c, 7);
	trust_free(t);
	X509_free(x);
	buf_free(&pem);
	return c;
}

/* --- the same? ------------------------------------------------------------------------------- */

static bool same_lists(const struct cert_chain *a, const struct cert_chain *b)
{
	const struct tnauthlist *of_a = cert_chain_tnauthlist(a), *of_b = cert_chain_tnauthlist(b);
	struct buf x, y;
	bool same;

	if (!of_a || !of_b)
		return !of_a && !of_b;
	buf_init(&x, LIMIT_TNLIST_REFERENCE_BYTES);
	buf_init(&y, LIMIT_TNLIST_REFERENCE_BYTES);
	tnauthlist_write_text(&x, of_a);
	tnauthlist_write_text(&y, of_b);
	same = x.n && !x.failed && span_eq(buf_span(&x), buf_span(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool same_rules(const struct cert_chain *a, const struct cert_chain *b)
{
	const struct claimrules *of_a = cert_chain_claimrules(a), *of_b = cert_chain_claimrules(b);
	struct buf x, y;
	bool same;

	if (!of_a || !of_b)
		return !of_a && !of_b;
	buf_init(&x, LIMIT_CHAIN_BYTES);
	buf_init(&y, LIMIT_CHAIN_BYTES);
	claimrules_write_text(&x, of_a);
	claimrules_write_text(&y, of_b);
	same = x.n && !x.failed && span_eq(buf_span(&x), buf_span(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool same_path(const struct cert_chain *a, const struct cert_chain *b)
{
	size_t n = cert_chain_path_count(a);

	if (cert_chain_path_count(b) != n || cert_chain_path_at(b, 0) || cert_chain_path_at(b, n) || cert_chain_count(b))
		return false;
	for (size_t i = 1; i < n; i++)
		if (X509_cmp(cert_chain_path_at(a, i), cert_chain_path_at(b, i)) != 0)
			return false;
	return true;
}

static bool same_values(const struct cert_chain *a, const struct cert_chain *b)
{
	int64_t from_a, until_a, from_b, until_b;
	unsigned char of_a[65], of_b[65];

	cert_chain_validity(a, &from_a, &until_a);
	cert_chain_validity(b, &from_b, &until_b);
	cert_chain_point(a, of_a);
	cert_chain_point(b, of_b);
	return from_a == from_b && until_a == until_b && memcmp(of_a, of_b, sizeof of_a) == 0 && cert_chain_domain(a) == cert_chain_domain(b) &&
	       cert_chain_unchecked(a) == cert_chain_unchecked(b) && chainlists_any(a) == chainlists_any(b) &&
	       span_eq(cert_chain_fingerprint(a), cert_chain_fingerprint(b)) && span_eq(cert_chain_subject(a), cert_chain_subject(b));
}

/* As revocation lists know it. */
static bool same_subject(const struct cert_chain *c, const struct certrecord *r)
{
	struct crl_subject a, b;
	CRL_DIST_POINTS *points;
	struct span of_a, of_b;
	size_t n;

	if (cert_chain_path_count(c) == 1)
		return true;
	if (crl_points(cert_chain_path_at(c, 0), &points) < 0)
		tap_bail("no memory");
	a = crl_subject_of(cert_chain_path_at(c, 0), points);
	certrecord_subject(r, &b);
	n = crl_points_urls(a.points, &of_a, 1);
	if (n != crl_points_urls(b.points, &of_b, 1) || (n && !span_eq(of_a, of_b)))
		return false;
	CRL_DIST_POINTS_free(points);
	return X509_NAME_cmp(a.issuer, b.issuer) == 0 && span_eq(a.serial, b.serial) && a.negative == b.negative && a.ca == b.ca;
}

static void check(struct cert_chain *c, const char *what)
{
	struct buf pem;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (buf_put_span(&pem, cert_chain_pem(c)))
		tap_bail("octets");
	for (int kept = 0; kept < 2; kept++) {
		struct certrecord *r = certrecord_new(share, c, kept), *again;
		struct cert_chain *o = r ? certrecord_open(r, like) : NULL;
		int64_t from, until;

		if (!o)
			tap_bail("no memory");
		tap_ok(same_lists(c, o), "%s: the list", what);
		tap_ok(same_rules(c, o), "%s: the rules", what);
		tap_ok(same_path(c, o), "%s: the path", what);
		tap_ok(same_subject(c, r), "%s: issuer, serial number and distribution points", what);
		tap_ok(same_values(c, o), "%s: point, validity, domain, fingerprint, subject", what);
		tap_ok(kept ? span_eq(cert_chain_pem(o), buf_span(&pem)) : cert_chain_pem(o).n == 0, "%s: the octets, if kept", what);
		tap_ok(cert_chain_is_served(o, buf_span(&pem)) && !cert_chain_is_served(o, span_skip(buf_span(&pem), 1)), "%s: which are known all the same", what);
		certrecord_validity(r, &from, &until);
		tap_ok(from == T0 && until == T0 + 50 * DAY && certrecord_is_of(r, c) && certrecord_is_of(r, o), "%s: it is of that chain", what);
		again = certrecord_new(share, o, kept);
		tap_ok(again == r, "%s: a chain that was opened has its record", what);
		certrecord_unref(again);
		certrecord_unref(r);
		tap_ok(same_lists(c, o) && same_values(c, o), "%s: and holds it", what);
		cert_chain_unref(o);
	}
	buf_free(&pem);
}

/* --- chains of all kinds ------------------------------------------------------------------------ */

static void long_list(struct buf *der)
{
	struct tnauthlist *list;
	struct buf text;
	struct err e;

	buf_init(&text, LIMIT_CHAIN_BYTES);
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "%stn:+1555012%04d", i ? "," : "", 7 * i);
	if (tnauthlist_from_text(buf_span(&text), &list, &e) || tnauthlist_write_der(der, list))
		tap_bail("a list");
	tnauthlist_free(list);
	buf_free(&text);
}

static void kinds(void)
{
	static const char plain[] = "\x30\x0a\xa0\x08\x30\x06\x16\x04msgi", enhanced[] = "\x30\x0e\xa2\x0c\x30\x0a\x16\x08priority";
	struct buf spc = delegates_der("spc:1234"), tn = delegates_der("spc:1,tn:+15550100000+100,tn:+15551234567"), many;
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256);
	char name[65];

	buf_init(&many, LIMIT_CHAIN_BYTES);
	long_list(&many);
	memset(name, 'n', sizeof name - 1);
	name[64] = 0;
	const struct {
		struct pki_cert_spec spec;
		bool pinned, negative;
		const char *what;
	} row[] = {
		{{.common_name = "no list"}, false, false, "no list"},
		{{.common_name = "SHAKEN 1234", .organisation = "Carrier", .tn_auth = buf_span(&spc)}, false, false, "a provider"},
		{{.common_name = "TN", .tn_auth = buf_span(&tn), .crl_url = "https://crl.example/x"}, false, false, "numbers, and a distribution point"},
		{{.common_name = name, .organisation = name, .tn_auth = buf_span(&many)}, false, false, "a long list"},
		{{.common_name = "rules", .tn_auth = buf_span(&spc), .rules = span_make(plain, sizeof plain - 1)}, false, false, "rules"},
		{{.common_name = "enhanced", .tn_auth = buf_span(&spc), .enhanced_rules = span_make(enhanced, sizeof enhanced - 1)}, false, false, "enhanced rules"},
		{{.common_name = "pinned", .tn_auth = buf_span(&spc)}, true, false, "an anchor itself"},
		{{.common_name = "negative", .tn_auth = buf_span(&spc), .crl_url = "https://crl.example/x"}, false, true, "a serial number below 0"},
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct pki_cert_spec spec = row[i].spec;
		struct cert_chain *c;

		spec.key = key;
		c = chain_of(&spec, row[i].pinned, row[i].negative);
		tap_ok(cert_chain_path_count(c) == (row[i].pinned ? 1 : 3), "%s: the path is as meant", row[i].what);
		check(c, row[i].what);
		cert_chain_unref(c);
	}
	tap_int((long long)certshare_count(share), 0, "and nothing of it all is left");
	EVP_PKEY_free(key);
	buf_free(&spc);
	buf_free(&tn);
	buf_free(&many);
}

/* --- signatures ------------------------------------------------------------------------------------ */

static void signatures(void)
{
	static const char text[] = "header.payload";
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256), *public = public_half(key), *stranger = pki_key_new(PKI_KEY_P256);
	const struct pki_cert_spec spec = {.common_name = "S", .key = key};
	struct cert_chain *c = chain_of(&spec, false, false), *o;
	struct certrecord *r = certrecord_new(share, c, false);
	unsigned char sig[64], bad[65] = {4};

	o = r ? certrecord_open(r, like) : NULL;
	if (!o)
		tap_bail("no memory");
	es256_sign(key, span_make(text, sizeof text), sig);
	tap_int(cert_chain_verify(c, span_make(text, sizeof text), sig), 1, "the chain's key");
	tap_int(cert_chain_verify(o, span_make(text, sizeof text), sig), 1, "the same one, made from its point");
	tap_int(cert_chain_verify(o, span_make(text, sizeof text - 1), sig), 0, "another text");
	es256_sign(stranger, span_make(text, sizeof text), sig);
	tap_int(cert_chain_verify(o, span_make(text, sizeof text), sig), 0, "another key");
	tap_ok(!p256_public_key_like(public, span_make(bad, sizeof bad)), "no point of the curve is no key");
	tap_ok(!p256_public_key_like(public, span_make(bad, 10)), "nor is a part of one");
	cert_chain_unref(c);
	cert_chain_unref(o);
	certrecord_unref(r);
	EVP_PKEY_free(key);
	EVP_PKEY_free(public);
	EVP_PKEY_free(stranger);
}

/* --- delegates, lists by reference -------------------------------------------------------------------- */

static void delegated(void)
{
	static const struct delegates_level level[] = {{.list = "tn:+15550100000+100"}, {.list = "spc:1"}, {0}};
	struct delegates d;
	struct cert_chain *c;
	struct err e;

	delegates_init(&d, level, 3);
	c = delegates_serve(&d, "01");
	if (trust_check(d.trust, c, &e) != STIR_OK || trust_scope(c, NULL, &e) != STIR_OK)
		tap_bail("delegates: %s", e.text);
	tap_ok(cert_chain_unchecked(c), "only the provider vouches");
	struct certrecord *r = certrecord_new(share, c, false);
	struct cert_chain *o = r ? certrecord_open(r, like) : NULL;

	tap_ok(o && same_lists(c, o) && same_values(c, o) && same_path(c, o), "and so says what is opened");
	cert_chain_unref(c);
	cert_chain_unref(o);
	certrecord_unref(r);
	delegates_free(&d);
}

static void by_reference(void)
{
	static const struct delegates_level level[] = {{.url = "https://lists.example/signer"}, {0}, {0}};
	struct buf der = delegates_der("tn:+15550100000+100,spc:77");
	int64_t lifetime_s = -1;
	struct fake_fetch f;
	struct delegates d;
	enum fetch_cause cause;
	struct cert_chain *c;
	struct err e;

	fake_fetch_init(&f);
	fake_fetch_add(&f, level[0].url, buf_span(&der));
	delegates_init(&d, level, 3);
	c = delegates_serve(&d, "01");
	if (trust_check(d.trust, c, &e) != STIR_OK || chainlists_fetch(c, &f.fetch, 1000, &lifetime_s, &cause, &e) != STIR_OK || trust_scope(c, NULL, &e) != STIR_OK)
		tap_bail("a list by reference: %s", e.text);
	struct certrecord *r = certrecord_new(share, c, false);
	struct cert_chain *o = r ? certrecord_open(r, like) : NULL;

	tap_ok(o && chainlists_any(o) && cert_chain_tnauthlist(o) && same_lists(c, o) && same_values(c, o), "a list that was had");
	cert_chain_unref(c);
	tap_ok(tnauthlist_has_spc(cert_chain_tnauthlist(o), span_cstr("77")), "stays with the record");
	cert_chain_unref(o);
	certrecord_unref(r);
	delegates_free(&d);
	buf_free(&der);
}

/* --- what is shared -------------------------------------------------------------------------------------- */

/* Octets that are known are not read once more, and mean the same. */
static void read_with(void)
{
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256);
	struct pki_cert_spec spec = {.key = key, .issuer = pki.ca, .issuer_key = pki.ca_key, .common_name = "T", .not_before = T0, .not_after = T0 + 50 * DAY};
	struct cert_chain *a, *b;
	struct buf pem;
	struct err e;
	X509 *x;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_cert_new(&spec, &x, &e) || pki_put_chain(&pem, &pki, x) || cert_chain_parse(buf_span(&pem), &a, &e) != STIR_OK ||
	    cert_chain_parse_with(share, buf_span(&pem), &b, &e) != STIR_OK)
		tap_bail("%s", e.text);
	tap_ok(cert_chain_count(a) == 2 && cert_chain_count(b) == 2 && X509_cmp(cert_chain_at(a, 1), cert_chain_at(b, 1)) == 0, "a chain whose issuer is known");
	X509 *known = certshare_find(share, span_make(NULL, 0));
	unsigned char *der = NULL;
	int n = i2d_X509(cert_chain_at(a, 1), &der);

	tap_ok(!known, "no octets are no certificate");
	known = certshare_find(share, span_make(der, n > 0 ? (size_t)n : 0));
	tap_ok(known == cert_chain_at(b, 1) && known != cert_chain_at(a, 1), "has the one that is there");
	X509_free(known);
	der[n - 1] ^= 1;
	tap_ok(!certshare_find(share, span_make(der, (size_t)n)), "another octet is another certificate");
	OPENSSL_free(der);
	cert_chain_unref(a);
	cert_chain_unref(b);
	EVP_PKEY_free(key);
	X509_free(x);
	buf_free(&pem);
}

static void sharing(void)
{
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256);
	struct pki_cert_spec spec = {.common_name = "S", .key = key, .crl_url = "https://crl.example/a"};
	struct certrecord *r[3];
	size_t octets[3], less;

	for (int i = 0; i < 3; i++) {
		struct cert_chain *c;

		if (i == 2)
			spec.crl_url = "https://crl.example/b";
		c = chain_of(&spec, false, false);
		r[i] = certrecord_new(share, c, false);
		if (!r[i])
			tap_bail("no memory");
		cert_chain_unref(c);
		octets[i] = certrecord_enter(r[i]);
		tap_int((long long)certshare_count(share), i == 2 ? 4 : 3, "chain %d: CA, root and points, once", i);
	}
	tap_ok(octets[0] > 10000 && octets[1] < 500, "the first one brings its issuers (%zu octets), its sibling has them (%zu)", octets[0], octets[1]);
	tap_ok(octets[2] > octets[1], "another point takes room");
	less = certrecord_leave(r[0]);
	tap_ok(less == octets[1], "a sibling leaves what others need");
	certrecord_unref(r[0]);
	tap_int((long long)certshare_count(share), 4, "as long as they are there");
	read_with();
	less += certrecord_leave(r[1]) + certrecord_leave(r[2]);
	tap_ok(less == octets[0] + octets[1] + octets[2], "the last one takes it along");
	certrecord_unref(r[1]);
	certrecord_unref(r[2]);
	tap_int((long long)certshare_count(share), 0, "gone with the last one");
	EVP_PKEY_free(key);
}

int main(void)
{
	struct err e;
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256);

	share = certshare_new();
	if (!key || !share || pki_init(&pki, "Test", T0 - DAY, T0 + 1000 * DAY, &e))
		tap_bail("a PKI");
	like = public_half(key);
	EVP_PKEY_free(key);
	kinds();
	signatures();
	delegated();
	by_reference();
	sharing();
	certshare_unref(share);
	EVP_PKEY_free(like);
	pki_free(&pki);
	return tap_done();
}
