/* One revocation list: what is taken, whose it is, what it revokes and covers; and how fast it is found out. */
#include "config.h"

#include "core/crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/limits.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY, MANY = 100000 };

static struct pki pki, other;
static EVP_PKEY *pa_key, *leaf_key;
static X509 *pa; /* the administrator */

static struct list_maker_crl spec(unsigned flaws)
{
	return (struct list_maker_crl){.issuer = pki.ca, .key = pki.ca_key, .this_update = T0, .next_update = T0 + 10 * DAY, .flaws = flaws};
}

static struct list_maker_crl pa_spec(const struct list_maker_entry *entry, size_t n)
{
	return (struct list_maker_crl){.issuer = pa,
				       .key = pa_key,
				       .this_update = T0,
				       .next_update = T0 + 10 * DAY,
				       .entry = entry,
				       .n = n,
				       .flaws = LIST_MAKER_INDIRECT};
}

static struct crl *read_spec(const struct list_maker_crl *s, struct err *e)
{
	struct buf der;
	struct crl *l;

	err_clear(e);
	buf_init(&der, LIMIT_CRL_BYTES);
	list_maker_put(&der, s, true);
	(void)(crl_read(buf_span(&der), &l, e) == 0);
	buf_free(&der);
	return l;
}

static struct crl *must_read(const struct list_maker_crl *s)
{
	struct err e;
	struct crl *l = read_spec(s, &e);

	if (!l)
		tap_bail("list: %s", e.text);
	return l;
}

static bool revokes(const struct crl *l, X509 *x, int64_t iat)
{
	const struct crl_subject s = crl_subject_of(x, NULL);

	return crl_revokes(l, &s, iat);
}

static bool covers(const struct crl *l, X509 *x, const CRL_DIST_POINTS *points, bool by_domain)
{
	const struct crl_subject s = crl_subject_of(x, points);

	return crl_covers(l, &s, by_domain);
}

static X509 *new_leaf(const struct pki *p)
{
	struct pki_cert_spec s = {.key = leaf_key,
				  .issuer = p->ca,
				  .issuer_key = p->ca_key,
				  .common_name = "SHAKEN 1234",
				  .not_before = T0,
				  .not_after = T0 + 30 * DAY};
	struct err e;
	X509 *x;

	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	return x;
}

/* --- reading ---------------------------------------------------------------------------- */

static const struct {
	unsigned flaws;
	const char *why; /* part of the error; NULL: it is taken */
	const char *what;
} shapes[] = {
	{0, NULL, "plain"},
	{LIST_MAKER_NO_AKI, NULL, "without key identifier"},
	{LIST_MAKER_INDIRECT, NULL, "indirect"},
	{LIST_MAKER_SOME_REASONS, NULL, "of some reasons"},
	{LIST_MAKER_ONLY_USER, NULL, "of signers"},
	{LIST_MAKER_ONLY_CA, NULL, "of CAs"},
	{LIST_MAKER_ONLY_CA | LIST_MAKER_ONLY_USER, "contradicts", "of both kinds only"},
	{LIST_MAKER_ONLY_ATTRIBUTES, "attribute", "of attribute certificates"},
	{LIST_MAKER_RELATIVE, "relative", "with a relative name"},
	{LIST_MAKER_DELTA, "delta", "a delta list"},
	{LIST_MAKER_UNKNOWN_CRITICAL, "critical", "with an unknown critical extension"},
	{LIST_MAKER_NO_NEXT, "nextUpdate", "without nextUpdate"},
	{LIST_MAKER_SHA1, "SHA-1", "signed with SHA-1"},
};

static void reading(void)
{
	struct buf pem;
	struct crl *l;
	struct err e;

	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct list_maker_crl s = spec(shapes[i].flaws);

		l = read_spec(&s, &e);
		tap_ok(shapes[i].why ? !l && strstr(e.text, shapes[i].why) : l != NULL, "a list %s: %s", shapes[i].what, l ? "taken" : e.text);
		crl_unref(l);
	}
	struct list_maker_crl s = spec(0);
	s.next_update = T0 - 1;
	l = read_spec(&s, &e);
	tap_ok(!l, "ends before it begins: %s", e.text);
	s = spec(0);
	buf_init(&pem, 65536);
	list_maker_put(&pem, &s, false);
	tap_int(crl_read(buf_span(&pem), &l, &e), 0, "PEM too");
	crl_unref(l);
	list_maker_put(&pem, &s, false);
	tap_ok(crl_read(buf_span(&pem), &l, &e) && !l, "but not two in one text: %s", e.text);
	buf_reset(&pem);
	list_maker_put(&pem, &s, true);
	(void)buf_putc(&pem, 0);
	tap_ok(crl_read(buf_span(&pem), &l, &e) && !l, "nor an octet behind DER: %s", e.text);
	tap_ok(crl_read(span_make(pem.p, pem.n - 2), &l, &e) && !l, "nor one less: %s", e.text);
	tap_ok(crl_read(span_make(NULL, 0), &l, &e) && !l, "nothing: %s", e.text);
	tap_ok(crl_read(span_cstr("<html>"), &l, &e) && !l, "something else: %s", e.text);
	buf_free(&pem);
	crl_unref(NULL);
}

/* Both places of the algorithm must say the same: the second is changed in the octets. */
static void two_algorithms(void)
{
	static const unsigned char sha256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	struct list_maker_crl s = spec(0);
	struct buf der;
	struct crl *l;
	struct err e;
	size_t last = 0;

	buf_init(&der, 65536);
	list_maker_put(&der, &s, true);
	for (size_t i = 0; i + sizeof sha256 <= der.n; i++)
		if (memcmp(der.p + i, sha256, sizeof sha256) == 0)
			last = i;
	der.p[last + sizeof sha256 - 1] = 3;
	tap_ok(last && crl_read(buf_span(&der), &l, &e) && !l, "two algorithms: %s", e.text);
	buf_free(&der);
}

static void entries(void)
{
	X509 *leaf = new_leaf(&pki);
	struct list_maker_entry entry = {.cert = leaf, .date = T0, .reason = -1, .unknown_critical = true};
	struct list_maker_crl s = spec(0), of_pa = pa_spec(&entry, 1);
	struct crl *l;
	struct err e;

	s.entry = &entry;
	s.n = 1;
	l = read_spec(&s, &e);
	tap_ok(!l, "an unknown critical extension in an entry: %s", e.text);
	entry.unknown_critical = false;
	entry.issuer = pki.ca;
	l = read_spec(&s, &e);
	tap_ok(!l, "an entry's issuer in a direct list: %s", e.text);
	l = read_spec(&of_pa, &e);
	tap_ok(l && crl_is_indirect(l) && crl_count(l) == 1, "in an indirect one it is right %s", e.text);
	crl_unref(l);
	entry.bad_issuer = true;
	l = read_spec(&of_pa, &e);
	tap_ok(!l, "but not without a directory name: %s", e.text);
	X509_free(leaf);
}

/* --- whose ---------------------------------------------------------------------------------- */

static void signers(void)
{
	struct list_maker_crl s = spec(0);
	struct crl *l = must_read(&s);
	struct pki_cert_spec no_sign = {.key = pki.ca_key, .common_name = "x", .not_before = T0, .not_after = T0 + YEAR};
	struct err e;
	X509 *x;

	tap_ok(crl_signed_by(l, pki.ca) && crl_signed_by(l, pki.ca), "its issuer has signed it, asked twice");
	tap_ok(!crl_signed_by(l, pki.root) && !crl_signed_by(l, other.ca), "others have not");
	crl_unref(l);
	s.key = other.ca_key;
	l = must_read(&s);
	tap_ok(!crl_signed_by(l, pki.ca) && !crl_signed_by(l, pki.ca), "another key under the name of the CA");
	crl_unref(l);
	s.key = pki.ca_key;
	s.flaws = LIST_MAKER_WRONG_AKI;
	l = must_read(&s);
	tap_ok(!crl_signed_by(l, pki.ca), "the key identifier of another key");
	crl_unref(l);
	s.flaws = LIST_MAKER_NO_AKI;
	l = must_read(&s);
	tap_ok(crl_signed_by(l, pki.ca), "no key identifier: nothing to compare");
	crl_unref(l);
	if (pki_cert_new(&no_sign, &x, &e))
		tap_bail("%s", e.text);
	s = (struct list_maker_crl){.issuer = x, .key = pki.ca_key, .this_update = T0, .next_update = T0 + DAY};
	l = must_read(&s);
	tap_ok(!crl_signed_by(l, x), "keyUsage without cRLSign");
	crl_unref(l);
	X509_free(x);
	s = pa_spec(NULL, 0);
	l = must_read(&s);
	tap_ok(crl_signed_by(l, pa), "the administrator's own");
	crl_unref(l);
}

static void rsa(void)
{
	EVP_PKEY *key = pki_key_new(PKI_KEY_RSA2048);
	X509 *x = list_maker_signer(key, "RSA", T0 - DAY, T0 + YEAR);
	struct list_maker_crl s = {.issuer = x, .key = key, .this_update = T0, .next_update = T0 + DAY};
	struct crl *l = must_read(&s);

	tap_ok(crl_signed_by(l, x), "RSA with SHA-256 as well");
	tap_ok(!crl_signed_by(l, pa), "and not with an EC key");
	crl_unref(l);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* --- what it revokes ----------------------------------------------------------------------------- */

static const struct {
	int reason;
	int64_t date, invalid, iat;
	bool want;
	const char *what;
} revocations[] = {
	{-1, T0 + 100, 0, T0 + 99, false, "revoked after it signed"},
	{-1, T0 + 100, 0, T0 + 100, true, "revoked as it signed"},
	{-1, T0 + 100, 0, T0 + 101, true, "revoked before it signed"},
	{-1, T0 + 100, T0 + 50, T0 + 60, true, "not valid since earlier than revoked"},
	{-1, T0 + 100, T0 + 200, T0 + 150, true, "a later invalidityDate does not help"},
	{CRL_REASON_SUPERSEDED, T0 + 100, 0, T0 + 99, false, "superseded after it signed"},
	{CRL_REASON_CERTIFICATE_HOLD, T0 + 100, 0, T0 + 101, true, "on hold before it signed"},
	{CRL_REASON_KEY_COMPROMISE, T0 + 100, 0, T0 + 99, true, "key stolen: at any date"},
	{CRL_REASON_CA_COMPROMISE, T0 + 100, 0, T0 + 99, true, "CA's key stolen: at any date"},
	{CRL_REASON_REMOVE_FROM_CRL, T0 + 100, 0, T0 + 200, false, "removed: revokes nothing"},
};

static void revoking(void)
{
	X509 *leaf = new_leaf(&pki), *sibling = new_leaf(&pki);

	for (size_t i = 0; i < sizeof revocations / sizeof *revocations; i++) {
		struct list_maker_entry entry = {
			.cert = leaf, .date = revocations[i].date, .reason = revocations[i].reason, .invalid = revocations[i].invalid};
		struct list_maker_crl s = spec(0);
		struct crl *l;

		s.entry = &entry;
		s.n = 1;
		l = must_read(&s);
		tap_int(revokes(l, leaf, revocations[i].iat), revocations[i].want, "%s", revocations[i].what);
		tap_ok(!revokes(l, sibling, T0 + YEAR), "%s: not another serial", revocations[i].what);
		crl_unref(l);
	}
	X509_free(leaf);
	X509_free(sibling);
}

/* Who is meant by an entry: RFC 5280, 5.3.3. */
static void issuers(void)
{
	X509 *mine = new_leaf(&pki), *mine2 = new_leaf(&pki), *theirs = new_leaf(&other), *theirs2 = new_leaf(&other);
	const struct list_maker_entry sticky[] = {
		{.cert = mine, .date = T0, .reason = -1, .issuer = pki.ca},
		{.cert = mine2, .date = T0, .reason = -1},
		{.cert = theirs, .date = T0, .reason = -1, .issuer = other.ca},
		{.cert = theirs2, .date = T0, .reason = -1},
		{.cert = mine2, .date = T0, .reason = -1},
	};
	struct list_maker_crl s = pa_spec(sticky, 4);
	struct crl *l = must_read(&s);

	tap_ok(revokes(l, mine, T0) && revokes(l, mine2, T0), "an issuer holds for the entries that follow");
	tap_ok(revokes(l, theirs, T0) && revokes(l, theirs2, T0), "until there is another one");
	crl_unref(l);
	s.n = 1;
	s.entry = sticky + 2;
	l = must_read(&s);
	tap_ok(revokes(l, theirs, T0) && !revokes(l, mine, T0) && !revokes(l, theirs2, T0), "only what is in it");
	crl_unref(l);
	s.entry = sticky + 1;
	l = must_read(&s);
	tap_ok(!revokes(l, mine2, T0), "by default it is the list's own issuer, which has issued none of these");
	crl_unref(l);
	s = spec(LIST_MAKER_INDIRECT);
	s.entry = sticky + 1;
	s.n = 1;
	l = must_read(&s);
	tap_ok(revokes(l, mine2, T0), "which is right for a CA that speaks for others too");
	crl_unref(l);
	X509_free(mine);
	X509_free(mine2);
	X509_free(theirs);
	X509_free(theirs2);
}

/* --- what it covers ------------------------------------------------------------------------------ */

#define HERE "https://pa.example/crl"
#define THERE "https://pa.example/other"

static const struct {
	unsigned flaws;
	const char *list_point;
	/* of the certificate; */
	const char *point;
	bool names_pa, names_other, some_reasons;
	/* and as the list of its issuer, of the administrator */
	bool by_issuer, by_domain;
	const char *what;
} scopes[] = {
	{0, NULL, NULL, false, false, false, true, true, "a list of everything"},
	{0, NULL, HERE, false, false, false, true, true, "a list of everything, at an address"},
	{0, NULL, HERE, true, false, false, true, true, "named as the administrator's"},
	{0, NULL, HERE, false, true, false, true, false, "named as that of another administrator"},
	{0, NULL, NULL, true, false, false, true, true, "named by its issuer alone"},
	{LIST_MAKER_SOME_REASONS, NULL, HERE, true, false, false, false, false, "of some reasons"},
	{LIST_MAKER_ONLY_CA, NULL, HERE, true, false, false, false, false, "of CAs only"},
	{LIST_MAKER_ONLY_USER, NULL, HERE, true, false, false, true, true, "of signers only"},
	{0, HERE, HERE, false, false, false, true, true, "of the very point"},
	{0, HERE, HERE, true, false, false, false, true, "of the very point of the administrator"},
	{0, THERE, HERE, false, false, false, false, false, "of another point"},
	{0, THERE, HERE, true, false, false, false, false, "of another point of the administrator"},
	{0, HERE, NULL, false, false, false, false, false, "of a point the certificate does not have"},
	{0, HERE, HERE, false, false, true, false, false, "of the point for some reasons"},
	{0, NULL, HERE, true, false, true, true, false, "of the administrator's point for some reasons"},
};

static void covering(void)
{
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
		X509 *leaf = new_leaf(&pki);
		struct list_maker_crl direct = spec(scopes[i].flaws), indirect = pa_spec(NULL, 0);
		CRL_DIST_POINTS *points;
		struct crl *l;

		direct.point = indirect.point = scopes[i].list_point;
		indirect.flaws |= scopes[i].flaws;
		if (scopes[i].point || scopes[i].names_pa)
			list_maker_point(leaf, pki.ca_key, scopes[i].point, scopes[i].names_pa ? pa : scopes[i].names_other ? other.ca : NULL, scopes[i].some_reasons);
		if (crl_points(leaf, &points) < 0)
			tap_bail("points");
		l = must_read(&direct);
		tap_int(covers(l, leaf, points, false), scopes[i].by_issuer, "issuer's list: %s", scopes[i].what);
		crl_unref(l);
		l = must_read(&indirect);
		tap_int(covers(l, leaf, points, true), scopes[i].by_domain, "administrator's list: %s", scopes[i].what);
		crl_unref(l);
		CRL_DIST_POINTS_free(points);
		X509_free(leaf);
	}
	struct list_maker_crl s = spec(LIST_MAKER_ONLY_USER);
	struct crl *l = must_read(&s);
	tap_ok(!covers(l, pki.ca, NULL, false), "signers only: not the CA");
	crl_unref(l);
	s = spec(LIST_MAKER_ONLY_CA);
	l = must_read(&s);
	tap_ok(covers(l, pki.ca, NULL, false), "CAs only: the CA");
	crl_unref(l);
}

static void addresses(void)
{
	X509 *leaf = new_leaf(&pki);
	struct span url[LIMIT_CRL_POINTS];
	CRL_DIST_POINTS *points;

	tap_int(crl_points(leaf, &points), 0, "no distribution point");
	tap_int((long long)crl_points_urls(points, url, LIMIT_CRL_POINTS), 0, "no address");
	list_maker_point(leaf, pki.ca_key, "http://pa.example/crl", NULL, false);
	list_maker_point(leaf, pki.ca_key, HERE, pa, false);
	list_maker_point(leaf, pki.ca_key, HERE, NULL, false);
	list_maker_point(leaf, pki.ca_key, "https://127.0.0.1/crl", NULL, false);
	list_maker_point(leaf, pki.ca_key, NULL, pa, false);
	list_maker_point(leaf, pki.ca_key, THERE, NULL, false);
	tap_int(crl_points(leaf, &points), 1, "six of them");
	tap_int((long long)crl_points_urls(points, url, LIMIT_CRL_POINTS), 2, "two addresses obey the rules");
	tap_span_is(url[0], HERE, "each once");
	tap_span_is(url[1], THERE, "in order");
	tap_int((long long)crl_points_urls(points, url, 1), 1, "not more than asked for");
	CRL_DIST_POINTS_free(points);
	X509_free(leaf);
}

/* Octets, before anything is read of them. */
static void size(void)
{
	char *octets = calloc(1, LIMIT_CRL_BYTES + 1);
	struct crl *l = NULL;
	struct err e;

	if (!octets)
		tap_bail("memory");
	for (size_t n = LIMIT_CRL_BYTES; n <= LIMIT_CRL_BYTES + 1; n++) {
		err_clear(&e);
		tap_int(crl_read_der((unsigned char *)octets, n, &l, &e), -1, "%zu octets that are no list", n);
		tap_int(strstr(e.text, "more than") != NULL, n > LIMIT_CRL_BYTES, "are too many, or looked at: %s", e.text);
	}
	free(octets);
}

/* --- times ---------------------------------------------------------------------------------------- */

static void times(void)
{
	struct list_maker_crl s = spec(0), t = spec(0);
	struct crl *l = must_read(&s), *k;

	tap_ok(!crl_is_current(l, T0 - CRL_SKEW_S - 1) && crl_is_current(l, T0 - CRL_SKEW_S), "thisUpdate may be ahead a little");
	tap_ok(crl_is_current(l, T0 + 10 * DAY) && !crl_is_current(l, T0 + 10 * DAY + 1), "nextUpdate may not have passed");
	tap_ok(crl_is_same(l, l) && crl_may_replace(l, l), "a list is itself");
	t.this_update++;
	k = must_read(&t);
	tap_ok(!crl_is_same(k, l) && crl_may_replace(k, l) && !crl_may_replace(l, k), "a later one");
	crl_unref(k);
	crl_unref(l);
	s.number = 5;
	t.number = 4;
	l = must_read(&s);
	k = must_read(&t);
	tap_ok(!crl_may_replace(k, l) && !crl_may_replace(l, k), "a later one with a lower number");
	crl_unref(k);
	t.number = 1000000;
	k = must_read(&t);
	tap_ok(crl_may_replace(k, l), "and with a higher one");
	crl_unref(k);
	t.issuer = other.ca;
	k = must_read(&t);
	tap_ok(!crl_may_replace(k, l), "of another issuer");
	crl_unref(k);
	crl_unref(l);
}

/* --- size ------------------------------------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void many(void)
{
	struct list_maker_entry *entry = calloc(MANY, sizeof *entry);
	X509 *leaf = new_leaf(&pki), *absent = new_leaf(&pki), **one = calloc(MANY, sizeof(X509 *));
	struct list_maker_crl s = pa_spec(entry, MANY);
	struct crl *l;
	double began;
	int found = 0;

	if (!entry || !one)
		tap_bail("no memory");
	for (int i = 0; i < MANY; i++) {
		one[i] = X509_new();
		if (!one[i] || !ASN1_INTEGER_set(X509_get_serialNumber(one[i]), 1000 + i))
			tap_bail("no memory");
		entry[i] = (struct list_maker_entry){.cert = one[i], .date = T0, .reason = i % 10, .issuer = i % 1000 ? NULL : i % 2000 ? other.ca : pki.ca};
	}
	entry[MANY / 2].cert = leaf;
	began = seconds();
	l = must_read(&s);
	tap_note("%d entries made and read in %.2f s, %zu octets of memory", MANY, seconds() - began, crl_memory(l));
	tap_ok(crl_count(l) == MANY - MANY / 10, "all of them but those that are removed");
	began = seconds();
	for (int i = 0; i < MANY; i++)
		found += revokes(l, i % 2 ? leaf : absent, T0 + YEAR);
	tap_int(found, MANY / 2, "what is in it is found, what is not is not");
	tap_ok(seconds() - began < 5, "at once: %.2f us each", (seconds() - began) * 1e6 / MANY);
	crl_unref(l);
	for (int i = 0; i < MANY; i++)
		X509_free(one[i]);
	X509_free(leaf);
	X509_free(absent);
	free(one);
	free(entry);
}

int main(void)
{
	struct err e;

	leaf_key = pki_key_new(PKI_KEY_P256);
	pa_key = pki_key_new(PKI_KEY_P256);
	if (!leaf_key || !pa_key || pki_init(&pki, "Test", T0 - YEAR, T0 + YEAR, &e) || pki_init(&other, "Other", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	pa = list_maker_signer(pa_key, "STI-PA CRL", T0 - YEAR, T0 + YEAR);
	reading();
	two_algorithms();
	entries();
	signers();
	rsa();
	revoking();
	issuers();
	covering();
	addresses();
	size();
	times();
	many();
	X509_free(pa);
	EVP_PKEY_free(pa_key);
	EVP_PKEY_free(leaf_key);
	pki_free(&pki);
	pki_free(&other);
	return tap_done();
}
