/* Lists of any shape; see list_maker.h. */
#include "config.h"

#include "tests/lib/list_maker.h"

#include <openssl/x509v3.h>

#include "core/encoding.h"
#include "core/keys/key_pem.h"
#include "core/limits.h"
#include "core/trust.h"
#include "tests/lib/tap.h"

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			tap_bail("%s", #x);                                                        \
	} while (0)

static ASN1_TIME *asn1_time(int64_t t)
{
	ASN1_TIME *a = ASN1_TIME_set(NULL, (time_t)t);

	MUST(a);
	return a;
}

static GENERAL_NAMES *uri_names(const char *url)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *n = GENERAL_NAME_new();
	ASN1_IA5STRING *uri = ASN1_IA5STRING_new();

	MUST(names && n && uri && ASN1_STRING_set(uri, url, -1));
	GENERAL_NAME_set0_value(n, GEN_URI, uri);
	MUST(sk_GENERAL_NAME_push(names, n) > 0);
	return names;
}

static GENERAL_NAMES *directory_names(const X509 *of)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *n = GENERAL_NAME_new();
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(of));

	MUST(names && n && name);
	GENERAL_NAME_set0_value(n, GEN_DIRNAME, name);
	MUST(sk_GENERAL_NAME_push(names, n) > 0);
	return names;
}

static DIST_POINT_NAME *point_name(const char *url)
{
	DIST_POINT_NAME *name = DIST_POINT_NAME_new();

	MUST(name);
	name->type = 0;
	name->name.fullname = uri_names(url);
	return name;
}

static DIST_POINT_NAME *relative_name(void)
{
	DIST_POINT_NAME *name = DIST_POINT_NAME_new();

	MUST(name);
	name->type = 1;
	name->name.relativename = sk_X509_NAME_ENTRY_new_null();
	X509_NAME_ENTRY *e = X509_NAME_ENTRY_create_by_NID(NULL, NID_commonName, MBSTRING_ASC, (const unsigned char *)"x", 1);
	MUST(e && sk_X509_NAME_ENTRY_push(name->name.relativename, e) > 0);
	return name;
}

static X509_EXTENSION *unknown_extension(void)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	MUST(oid && value && ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5\0", 2));
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
	MUST(ext);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(value);
	return ext;
}

/* --- revocation lists --------------------------------------------------------------- */

static void add_issuer(X509_REVOKED *r, const struct list_maker_entry *e)
{
	GENERAL_NAMES *names = e->bad_issuer ? uri_names("https://example.com/") : directory_names(e->issuer);

	MUST(X509_REVOKED_add1_ext_i2d(r, NID_certificate_issuer, names, 1, 0) > 0);
	GENERAL_NAMES_free(names);
}

static void add_reason(X509_REVOKED *r, int reason)
{
	ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();

	MUST(code && ASN1_ENUMERATED_set(code, reason) && X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, code, 0, 0) > 0);
	ASN1_ENUMERATED_free(code);
}

static void add_entry(X509_CRL *crl, const struct list_maker_entry *e)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *date = asn1_time(e->date);

	MUST(r && X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(e->cert)) && X509_REVOKED_set_revocationDate(r, date));
	if (e->issuer || e->bad_issuer)
		add_issuer(r, e);
	if (e->reason >= 0)
		add_reason(r, e->reason);
	if (e->invalid) {
		ASN1_GENERALIZEDTIME *t = ASN1_GENERALIZEDTIME_set(NULL, (time_t)e->invalid);

		MUST(t && X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, t, 0, 0) > 0);
		ASN1_GENERALIZEDTIME_free(t);
	}
	if (e->unknown_critical) {
		X509_EXTENSION *ext = unknown_extension();

		MUST(X509_REVOKED_add_ext(r, ext, -1));
		X509_EXTENSION_free(ext);
	}
	MUST(X509_CRL_add0_revoked(crl, r));
	ASN1_TIME_free(date);
}

static void add_point(X509_CRL *crl, const struct list_maker_crl *s)
{
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();

	MUST(idp);
	idp->indirectCRL = s->flaws & LIST_MAKER_INDIRECT ? 0xff : 0;
	idp->onlyuser = s->flaws & LIST_MAKER_ONLY_USER ? 0xff : 0;
	idp->onlyCA = s->flaws & LIST_MAKER_ONLY_CA ? 0xff : 0;
	idp->onlyattr = s->flaws & LIST_MAKER_ONLY_ATTRIBUTES ? 0xff : 0;
	if (s->flaws & LIST_MAKER_SOME_REASONS) {
		idp->onlysomereasons = ASN1_BIT_STRING_new();
		MUST(idp->onlysomereasons && ASN1_BIT_STRING_set_bit(idp->onlysomereasons, 1, 1));
	}
	if (s->point)
		idp->distpoint = point_name(s->point);
	if (s->flaws & LIST_MAKER_RELATIVE)
		idp->distpoint = relative_name();
	MUST(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0) > 0);
	ISSUING_DIST_POINT_free(idp);
}

static void add_integer(X509_CRL *crl, int nid, int64_t value, int critical)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	MUST(n && ASN1_INTEGER_set_int64(n, value) && X509_CRL_add1_ext_i2d(crl, nid, n, critical, 0) > 0);
	ASN1_INTEGER_free(n);
}

static void add_aki(X509_CRL *crl, const struct list_maker_crl *s)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();

	MUST(aki);
	aki->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(s->issuer));
	MUST(aki->keyid);
	if (s->flaws & LIST_MAKER_WRONG_AKI)
		MUST(ASN1_OCTET_STRING_set(aki->keyid, (const unsigned char *)"some other key id...", 20));
	MUST(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0) > 0);
	AUTHORITY_KEYID_free(aki);
}

static void add_extensions(X509_CRL *crl, const struct list_maker_crl *s)
{
	if (!(s->flaws & LIST_MAKER_NO_AKI))
		add_aki(crl, s);
	if (s->number)
		add_integer(crl, NID_crl_number, s->number, 0);
	if (s->flaws & LIST_MAKER_DELTA)
		add_integer(crl, NID_delta_crl, 1, 1);
	if (s->point || s->flaws >= LIST_MAKER_INDIRECT)
		add_point(crl, s);
	if (s->flaws & LIST_MAKER_UNKNOWN_CRITICAL) {
		X509_EXTENSION *ext = unknown_extension();

		MUST(X509_CRL_add_ext(crl, ext, -1));
		X509_EXTENSION_free(ext);
	}
}

X509_CRL *list_maker_crl(const struct list_maker_crl *s)
{
	ASN1_TIME *from = asn1_time(s->this_update), *until = asn1_time(s->next_update);
	X509_CRL *crl = X509_CRL_new();

	MUST(crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->issuer)) &&
	     X509_CRL_set1_lastUpdate(crl, from));
	if (!(s->flaws & LIST_MAKER_NO_NEXT))
		MUST(X509_CRL_set1_nextUpdate(crl, until));
	/* In this order: certificateIssuer holds for the entries that follow. */
	for (size_t i = 0; i < s->n; i++)
		add_entry(crl, &s->entry[i]);
	add_extensions(crl, s);
	MUST(X509_CRL_sign(crl, s->key, s->flaws & LIST_MAKER_SHA1 ? EVP_sha1() : EVP_sha256()));
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return crl;
}

void list_maker_put(struct buf *out, const struct list_maker_crl *s, bool der)
{
	X509_CRL *crl = list_maker_crl(s);
	unsigned char *p = NULL;
	int n;

	if (der) {
		n = i2d_X509_CRL(crl, &p);
		MUST(n > 0 && buf_put(out, p, (size_t)n) == 0);
		OPENSSL_free(p);
	} else {
		MUST(pki_put_crl(out, crl) == 0);
	}
	X509_CRL_free(crl);
}

/* --- certificates ---------------------------------------------------------------------- */

void list_maker_point(X509 *x, EVP_PKEY *issuer_key, const char *url, const X509 *crl_issuer, bool some_reasons)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	DIST_POINT *dp = DIST_POINT_new();

	if (!points)
		points = CRL_DIST_POINTS_new();
	MUST(points && dp);
	if (url)
		dp->distpoint = point_name(url);
	if (crl_issuer)
		dp->CRLissuer = directory_names(crl_issuer);
	if (some_reasons) {
		dp->reasons = ASN1_BIT_STRING_new();
		MUST(dp->reasons && ASN1_BIT_STRING_set_bit(dp->reasons, 1, 1));
	}
	MUST(sk_DIST_POINT_push(points, dp) > 0);
	MUST(X509_add1_ext_i2d(x, NID_crl_distribution_points, points, 0, X509V3_ADD_REPLACE) > 0);
	MUST(X509_sign(x, issuer_key, EVP_sha256()));
	CRL_DIST_POINTS_free(points);
}

X509 *list_maker_signer(EVP_PKEY *key, const char *common_name, int64_t not_before, int64_t not_after)
{
	struct pki_cert_spec s = {
		.key = key, .common_name = common_name, .organisation = "STI-PA", .not_before = not_before, .not_after = not_after};
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	struct err e;
	X509 *x;

	if (pki_cert_new(&s, &x, &e))
		tap_bail("%s", e.text);
	MUST(bits && ASN1_BIT_STRING_set_bit(bits, 6, 1));
	MUST(X509_add1_ext_i2d(x, NID_key_usage, bits, 1, X509V3_ADD_REPLACE) > 0 && X509_sign(x, key, EVP_sha256()));
	ASN1_BIT_STRING_free(bits);
	return x;
}

/* --- trust lists -------------------------------------------------------------------------- */

void list_maker_jws(struct buf *out, EVP_PKEY *key, const char *header, const char *payload)
{
	unsigned char sig[64];
	struct buf pem;
	struct key *k;
	struct err e;

	buf_init(&pem, 65536);
	if (pki_put_key(&pem, key) || key_pem_parse("key", buf_span(&pem), &k, &e))
		tap_bail("key: %s", e.text);
	base64url_encode(out, header, strlen(header));
	MUST(buf_putc(out, '.') == 0);
	base64url_encode(out, payload, strlen(payload));
	if (key_sign(k, buf_span(out), sig, &e))
		tap_bail("sign: %s", e.text);
	MUST(buf_putc(out, '.') == 0);
	base64url_encode(out, sig, sizeof sig);
	MUST(!out->failed);
	key_close(k);
	buf_free(&pem);
}

static void put_escaped(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		MUST((text.p[i] == '\n' ? buf_puts(out, "\\n") : buf_putc(out, text.p[i])) == 0);
}

void list_maker_payload(struct buf *out, const char *more, X509 *const *certs)
{
	const char *separator = "";

	(void)buf_printf(out, "{\"version\":\"1.0\",%s\"trustList\":[", more);
	for (; *certs; certs++, separator = ",") {
		struct buf pem;

		buf_init(&pem, 65536);
		MUST(pki_put_cert(&pem, *certs) == 0);
		(void)buf_printf(out, "%s\"", separator);
		put_escaped(out, buf_span(&pem));
		MUST(buf_puts(out, "\"") == 0);
		buf_free(&pem);
	}
	MUST(buf_puts(out, "]}") == 0);
}

struct cert_chain *list_maker_chain(const struct pki *p, EVP_PKEY *leaf_key, int64_t not_before, int64_t not_after, const char *url, const X509 *crl_issuer)
{
	struct pki_cert_spec s = {.key = leaf_key,
				  .issuer = p->ca,
				  .issuer_key = p->ca_key,
				  .common_name = "SHAKEN 1234",
				  .not_before = not_before,
				  .not_after = not_after};
	struct cert_chain *c;
	struct trust *t;
	struct buf pem;
	struct err e;
	X509 *x;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_cert_new(&s, &x, &e) || pki_put_cert(&pem, p->root) || trust_open("root", buf_span(&pem), &t, &e))
		tap_bail("%s", e.text);
	list_maker_point(x, p->ca_key, url, crl_issuer, false);
	buf_reset(&pem);
	if (pki_put_chain(&pem, p, x) || cert_chain_parse(buf_span(&pem), &c, &e) != STIR_OK || trust_check(t, c, &e) != STIR_OK)
		tap_bail("chain: %s", e.text);
	trust_free(t);
	X509_free(x);
	buf_free(&pem);
	return c;
}
