/* Which certificates of a path are revoked, by whose list, and what is not known. */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "core/certrecord.h"
#include "core/crlcache.h"
#include "core/limits.h"
#include "core/p256.h"
#include "core/trust.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY };

#define HERE "https://pa.example/crl"
#define DOMAIN_URL "https://pa.example/domain"

static struct pki pki, other;
static EVP_PKEY *leaf_key, *pa_key;
static X509 *pa;
static struct certshare *share;
static EVP_PKEY *like;

static struct trust *open_trust(X509 *anchor)
{
	struct trust *t;
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_put_cert(&pem, anchor) || trust_open("anchors", buf_span(&pem), &t, &e))
		tap_bail("anchors: %s", e.text);
	buf_free(&pem);
	return t;
}

static X509 *new_leaf(void)
{
	struct pki_cert_spec s = {.key = leaf_key,
				  .issuer = pki.ca,
				  .issuer_key = pki.ca_key,
				  .common_name = "SHAKEN 1234",
				  .not_before = T0,
				  .not_after = T0 + 30 * DAY};
	struct err e;
	X509 *x;

	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	return x;
}

static struct cert_chain *checked(const struct trust *t, X509 *leaf, X509 *ca)
{
	struct cert_chain *c;
	struct buf pem;
	struct err why;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_put_cert(&pem, leaf) || pki_put_cert(&pem, ca) || cert_chain_parse(buf_span(&pem), &c, &why) != STIR_OK)
		tap_bail("chain");
	if (t && trust_check(t, c, &why) != STIR_OK)
		tap_bail("path: %s", why.text);
	buf_free(&pem);
	return c;
}

static struct list_maker_crl crl_of(X509 *issuer, EVP_PKEY *key)
{
	return (struct list_maker_crl){.issuer = issuer, .key = key, .this_update = T0, .next_update = T0 + 10 * DAY};
}

static struct list_maker_crl crl_of_pa(const struct list_maker_entry *entry, size_t n)
{
	struct list_maker_crl s = crl_of(pa, pa_key);

	s.flaws = LIST_MAKER_INDIRECT;
	s.entry = entry;
	s.n = n;
	return s;
}

static void add_crl(struct trust *t, const struct list_maker_crl *s)
{
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	list_maker_put(&pem, s, false);
	if (trust_add_crls(t, "crl.pem", buf_span(&pem), &e))
		tap_bail("%s", e.text);
	buf_free(&pem);
}

static int add_issuer(struct trust *t, X509 *x, struct err *e)
{
	struct buf pem;
	int rc;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	rc = pki_put_cert(&pem, x) || trust_add_crl_issuers(t, "pa.pem", buf_span(&pem), e) ? -1 : 0;
	buf_free(&pem);
	return rc;
}

/* What is left of the chain in the cache gets the same answer. */
static void as_record(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, enum stir_reason want, bool unknown, const char *what)
{
	struct certrecord *r = certrecord_new(share, c, false);
	struct cert_chain *o = r ? certrecord_open(r, like) : NULL;
	bool got_unknown;

	/* One that leads nowhere has none. */
	if (!o && cert_chain_path_count(c))
		tap_bail("no memory");
	if (!o)
		return;
	tap_ok(trust_revocation(t, o, iat, now, &got_unknown) == want && got_unknown == unknown, "%s: so from a record", what);
	cert_chain_unref(o);
	certrecord_unref(r);
}

static void asked(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, enum stir_reason want, bool unknown, const char *what)
{
	bool got_unknown;
	enum stir_reason got = trust_revocation(t, c, iat, now, &got_unknown);

	tap_str(stir_reason_name(got), stir_reason_name(want), "%s", what);
	as_record(t, c, iat, now, got, got_unknown, what);
	if (got == STIR_OK)
		tap_ok(got_unknown == unknown, "%s: %s", what, unknown ? "unknown" : "known");
}

/* --- lists of the issuers --------------------------------------------------------------- */

static void direct(void)
{
	X509 *leaf = new_leaf(), *sibling = new_leaf();
	struct list_maker_entry entry = {.cert = leaf, .date = T0 + 100, .reason = -1};
	struct list_maker_crl low = crl_of(pki.ca, pki.ca_key), high = crl_of(pki.root, pki.root_key);
	struct trust *t = open_trust(pki.root);
	struct cert_chain *c = checked(t, leaf, pki.ca), *d = checked(t, sibling, pki.ca);

	low.entry = &entry;
	low.n = 1;
	asked(t, c, T0 + 100, T0 + DAY, STIR_OK, true, "no list");
	add_crl(t, &low);
	asked(t, d, T0 + 100, T0 + DAY, STIR_OK, true, "only the CA's list");
	asked(t, c, T0 + 100, T0 + DAY, STIR_CERT_REVOKED, false, "which revokes all the same");
	add_crl(t, &high);
	asked(t, d, T0 + 100, T0 + DAY, STIR_OK, false, "both lists: another serial is good");
	asked(t, c, T0 + 99, T0 + DAY, STIR_OK, false, "revoked after it signed");
	asked(t, c, T0 + 99, T0 + 11 * DAY, STIR_OK, true, "the same, past nextUpdate");
	asked(t, c, T0 + 100, T0 + 11 * DAY, STIR_CERT_REVOKED, true, "what is revoked stays so past nextUpdate");
	asked(t, d, T0 + 100, T0 - CRL_SKEW_S - 1, STIR_OK, true, "long before thisUpdate");
	asked(t, d, T0 + 100, T0 - CRL_SKEW_S, STIR_OK, false, "a little before thisUpdate");
	cert_chain_unref(c);
	cert_chain_unref(d);
	trust_free(t);
	X509_free(leaf);
	X509_free(sibling);
}

/* A list nobody of ours has signed is none; one about a CA counts for all below it. */
static void bad_lists(void)
{
	X509 *leaf = new_leaf();
	struct list_maker_entry entry = {.cert = leaf, .date = T0, .reason = -1}, middle = {.cert = pki.ca, .date = T0, .reason = -1};
	struct list_maker_crl forged = crl_of(pki.ca, other.ca_key), foreign = crl_of(other.ca, other.ca_key), high = crl_of(pki.root, pki.root_key);
	struct trust *t = open_trust(pki.root);
	struct cert_chain *c = checked(t, leaf, pki.ca);

	forged.entry = foreign.entry = &entry;
	forged.n = foreign.n = 1;
	add_crl(t, &forged);
	add_crl(t, &foreign);
	asked(t, c, T0, T0, STIR_OK, true, "a forged list and another CA's");
	high.entry = &middle;
	high.n = 1;
	add_crl(t, &high);
	asked(t, c, T0, T0, STIR_CERT_REVOKED, true, "the CA is revoked");
	cert_chain_unref(c);
	trust_free(t);
	X509_free(leaf);
}

static void edges(void)
{
	X509 *leaf = new_leaf();
	struct trust *t = open_trust(leaf);
	struct cert_chain *c = checked(t, leaf, pki.ca), *d = checked(NULL, leaf, pki.ca);

	asked(t, c, T0, T0, STIR_OK, false, "a pinned leaf has nothing below the anchor");
	asked(t, d, T0, T0, STIR_OK, true, "a chain nobody checked");
	cert_chain_unref(c);
	cert_chain_unref(d);
	trust_free(t);
	X509_free(leaf);
}

static void unusable(void)
{
	struct list_maker_crl s = crl_of(pki.ca, pki.ca_key);
	struct trust *t = open_trust(pki.root);
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	s.flaws = LIST_MAKER_DELTA;
	list_maker_put(&pem, &s, false);
	tap_ok(trust_add_crls(t, "crl.pem", buf_span(&pem), &e) && strncmp(e.text, "crl.pem: ", 9) == 0, "a delta list is refused: %s", e.text);
	buf_reset(&pem);
	s.flaws = 0;
	list_maker_put(&pem, &s, true);
	tap_int(trust_add_crls(t, "crl.der", buf_span(&pem), &e), 0, "DER is taken");
	tap_ok(trust_add_crls(t, "crl.pem", span_cstr("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), &e), "no CRL: %s", e.text);
	tap_ok(trust_add_crls(t, "crl.pem", span_cstr("x"), &e), "no PEM: %s", e.text);
	buf_free(&pem);
	trust_free(t);
}

/* --- lists of an administrator ----------------------------------------------------------- */

static void signer_faults(void)
{
	struct pki_cert_spec s = {.key = pa_key, .common_name = "no signer", .not_before = T0, .not_after = T0 + DAY};
	struct trust *t = open_trust(pki.root);
	struct err e;
	X509 *x;

	tap_int(add_issuer(t, pa, &e), 0, "a signer of lists");
	tap_int(add_issuer(t, pki.ca, &e), 0, "a CA that signs lists");
	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	tap_ok(add_issuer(t, x, &e) && strstr(e.text, "cRLSign"), "no signer of lists: %s", e.text);
	tap_ok(trust_add_crl_issuers(t, "pa.pem", span_cstr("x"), &e), "no certificate: %s", e.text);
	tap_ok(trust_add_crl_url(t, span_cstr("http://x.example/crl"), &e), "no https: %s", e.text);
	for (int i = 0; i < LIMIT_CRL_URLS; i++)
		if (trust_add_crl_url(t, span_cstr(HERE), &e))
			tap_bail("%s", e.text);
	tap_ok(trust_add_crl_url(t, span_cstr(HERE), &e), "too many addresses: %s", e.text);
	X509_free(x);
	trust_free(t);
}

/* An intermediate CA whose distribution point is the administrator's, as in ATIS-1000080. */
static X509 *pointed_ca(void)
{
	struct pki_cert_spec s = {.key = pki.ca_key,
				  .issuer = pki.root,
				  .issuer_key = pki.root_key,
				  .common_name = "Test SHAKEN CA 1",
				  .organisation = "Test",
				  .not_before = T0 - DAY,
				  .not_after = T0 + YEAR,
				  .ca = true,
				  .path_len = 0};
	struct err e;
	X509 *x;

	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	list_maker_point(x, pki.root_key, HERE, pa, false);
	return x;
}

static void indirect(void)
{
	X509 *leaf = new_leaf(), *ca = pointed_ca();
	struct list_maker_entry entry = {.cert = leaf, .date = T0, .reason = -1, .issuer = pki.ca}, mid = {.cert = ca, .date = T0, .reason = -1, .issuer = pki.root};
	struct list_maker_crl empty = crl_of_pa(NULL, 0), full = crl_of_pa(&entry, 1), of_ca = crl_of_pa(&mid, 1);
	struct trust *t = open_trust(pki.root), *stranger = open_trust(pki.root);
	struct cert_chain *c;
	struct err e;

	list_maker_point(leaf, pki.ca_key, HERE, pa, false);
	c = checked(t, leaf, ca);
	if (add_issuer(t, pa, &e))
		tap_bail("%s", e.text);
	add_crl(stranger, &empty);
	asked(stranger, c, T0, T0, STIR_OK, true, "a list of somebody the domain does not name");
	add_crl(stranger, &full);
	asked(stranger, c, T0, T0, STIR_OK, true, "can not revoke either");
	add_crl(t, &empty);
	asked(t, c, T0, T0, STIR_OK, false, "a list of the administrator covers the whole path");
	asked(t, c, T0, T0 + 11 * DAY, STIR_OK, true, "as long as it is current");
	add_crl(t, &of_ca);
	asked(t, c, T0, T0, STIR_CERT_REVOKED, false, "it may revoke a CA");
	trust_free(stranger);
	stranger = open_trust(pki.root);
	if (add_issuer(stranger, pa, &e))
		tap_bail("%s", e.text);
	full.key = other.ca_key;
	add_crl(stranger, &full);
	asked(stranger, c, T0, T0, STIR_OK, true, "a list forged in its name");
	full.key = pa_key;
	add_crl(stranger, &full);
	asked(stranger, c, T0, T0, STIR_CERT_REVOKED, false, "and its own");
	cert_chain_unref(c);
	trust_free(t);
	trust_free(stranger);
	X509_free(leaf);
	X509_free(ca);
}

/* The administrator's certificate has its own dates. */
static void signer_dates(void)
{
	X509 *leaf = new_leaf(), *brief = list_maker_signer(pa_key, "STI-PA brief", T0, T0 + DAY);
	struct list_maker_entry entry = {.cert = leaf, .date = T0, .reason = -1, .issuer = pki.ca};
	struct list_maker_crl s = crl_of_pa(&entry, 1);
	struct trust *t = open_trust(pki.ca);
	struct cert_chain *c = checked(t, leaf, pki.ca);
	struct err e;

	s.issuer = brief;
	if (add_issuer(t, brief, &e))
		tap_bail("%s", e.text);
	add_crl(t, &s);
	asked(t, c, T0 - 1, T0 + DAY, STIR_OK, false, "as long as its signer is valid");
	asked(t, c, T0 - 1, T0 + DAY + 1, STIR_OK, true, "not when the signer has expired");
	asked(t, c, T0, T0 + DAY + 1, STIR_CERT_REVOKED, true, "but what it revoked stays so");
	trust_free(t);
	t = open_trust(pki.ca);
	if (add_issuer(t, brief, &e))
		tap_bail("%s", e.text);
	s.this_update = T0 - DAY;
	add_crl(t, &s);
	asked(t, c, T0, T0, STIR_OK, true, "a list from before the signer's time is none");
	cert_chain_unref(c);
	trust_free(t);
	X509_free(leaf);
	X509_free(brief);
}

/* --- from the network ----------------------------------------------------------------------- */

static int64_t now_s(void)
{
	return T0 + DAY;
}

static void from_network(void)
{
	X509 *leaf = new_leaf();
	struct list_maker_entry entry = {.cert = leaf, .date = T0, .reason = -1, .issuer = pki.ca};
	struct list_maker_crl empty = crl_of_pa(NULL, 0), full = crl_of_pa(&entry, 1);
	struct trust *t = open_trust(pki.ca);
	struct fake_fetch f;
	struct crlcache_params p = {.fetch = &f.fetch, .max_lists = 10, .fetch_timeout_ms = 1000, .clock = now_s};
	struct crlcache *cache;
	struct cert_chain *c;
	struct buf here, domain;
	struct err e;

	buf_init(&here, 65536);
	buf_init(&domain, 65536);
	list_maker_put(&here, &empty, true);
	list_maker_put(&domain, &full, false);
	fake_fetch_init(&f);
	fake_fetch_add(&f, HERE, buf_span(&here));
	list_maker_point(leaf, pki.ca_key, HERE, pa, false);
	cache = crlcache_new(&p);
	if (!cache || add_issuer(t, pa, &e) || trust_add_crl_url(t, span_cstr(DOMAIN_URL), &e) || trust_set_crlcache(t, cache))
		tap_bail("cache");
	c = checked(t, leaf, pki.ca);
	asked(t, c, T0, T0 + DAY, STIR_OK, true, "nothing was had yet");
	tap_int(fake_fetch_calls(&f), 0, "and nothing is asked for while mail waits");
	crlcache_chain(cache, c, T0 + DAY, 1000);
	asked(t, c, T0, T0 + DAY, STIR_OK, false, "the list at its distribution point");
	fake_fetch_add(&f, DOMAIN_URL, buf_span(&domain));
	crlcache_tick(cache, T0 + DAY);
	asked(t, c, T0, T0 + DAY, STIR_CERT_REVOKED, false, "and that at the domain's address");
	cert_chain_unref(c);
	trust_free(t);
	crlcache_unref(cache);
	X509_free(leaf);
	buf_free(&here);
	buf_free(&domain);
}

int main(void)
{
	struct err e;

	leaf_key = pki_key_new(PKI_KEY_P256);
	pa_key = pki_key_new(PKI_KEY_P256);
	if (!leaf_key || !pa_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) || pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	unsigned char point[65];
	size_t n = 0;

	if (!EVP_PKEY_get_octet_string_param(leaf_key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) || !(like = p256_public_key(span_make(point, n))) ||
	    !(share = certshare_new()))
		tap_bail("what records are made and opened with");
	pa = list_maker_signer(pa_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	direct();
	bad_lists();
	edges();
	unusable();
	signer_faults();
	indirect();
	signer_dates();
	from_network();
	tap_int((long long)certshare_count(share), 0, "records leave nothing behind");
	certshare_unref(share);
	EVP_PKEY_free(like);
	X509_free(pa);
	EVP_PKEY_free(pa_key);
	EVP_PKEY_free(leaf_key);
	pki_free(&pki);
	pki_free(&other);
	return tap_done();
}
