/*
 * Makes certificates with OpenSSL; revocation lists are in pki_crl.c.  Touches no
 * file and no clock: the commands (pki_make.c and others) and the tests do.  It
 * checks nothing about what it is asked for; judging certificates is core's.
 */
#include "config.h"

#include "ctl/pki_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "core/stir_oid.h"
#include "core/tnauthlist.h"

/* The oldest entry of OpenSSL's queue says it best. */
int pki_failed(struct err *e, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	(void)err_set(e, ERR_BUG, "%s: %s", what, reason ? reason : "OpenSSL could not");
	ERR_clear_error();
	return -1;
}

EVP_PKEY *pki_key_new(enum pki_key_kind kind)
{
	switch (kind) {
	case PKI_KEY_P384:
		return EVP_EC_gen("P-384");
	case PKI_KEY_RSA2048:
		return EVP_RSA_gen(2048);
	case PKI_KEY_P256:
		break;
	}
	return EVP_EC_gen("P-256");
}

/* --- pieces of a certificate -------------------------------------------------- */

static int set_serial(X509 *x)
{
	BIGNUM *bn = BN_new();
	int ok = bn && BN_rand(bn, 128, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		 BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));

	BN_free(bn);
	return ok ? 0 : -1;
}

ASN1_TIME *pki_asn1_time(int64_t t)
{
	return ASN1_TIME_set(NULL, (time_t)t);
}

static int set_times(X509 *x, int64_t from, int64_t until)
{
	ASN1_TIME *a = pki_asn1_time(from), *b = pki_asn1_time(until);
	int ok = a && b && X509_set1_notBefore(x, a) && X509_set1_notAfter(x, b);

	ASN1_TIME_free(a);
	ASN1_TIME_free(b);
	return ok ? 0 : -1;
}

static int set_names(X509 *x, const struct pki_cert_spec *s)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (s->organisation && !X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
							   (const unsigned char *)s->organisation, -1, -1, 0))
		return -1;
	if (!X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)s->common_name, -1,
					-1, 0))
		return -1;
	return X509_set_issuer_name(x, s->issuer ? X509_get_subject_name(s->issuer) : name) ? 0 : -1;
}

/* --- extensions ------------------------------------------------------------------ */

X509_EXTENSION *pki_extension(const char *oid, bool critical, struct span der)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;

	if (obj && octets && ASN1_OCTET_STRING_set(octets, (const unsigned char *)der.p, (int)der.n))
		ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, octets);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(obj);
	return ext;
}

static int add_raw(X509 *x, const char *oid, bool critical, struct span der)
{
	X509_EXTENSION *ext = pki_extension(oid, critical, der);
	int ok = ext && X509_add_ext(x, ext, -1);

	X509_EXTENSION_free(ext);
	return ok ? 0 : -1;
}

static int add_basic(X509 *x, bool ca, int path_len)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	int ok = bc != NULL;

	if (ok && ca) {
		bc->ca = 0xff;
		if (path_len >= 0)
			ok = (bc->pathlen = ASN1_INTEGER_new()) && ASN1_INTEGER_set(bc->pathlen, path_len);
	}
	ok = ok && X509_add1_ext_i2d(x, NID_basic_constraints, bc, 1, X509V3_ADD_DEFAULT) > 0;
	BASIC_CONSTRAINTS_free(bc);
	return ok ? 0 : -1;
}

/* Bit numbers of RFC 5280, 4.2.1.3. */
enum { USAGE_DIGITAL_SIGNATURE = 0, USAGE_KEY_ENCIPHERMENT = 2, USAGE_CERT_SIGN = 5, USAGE_CRL_SIGN = 6 };

static int add_usage(X509 *x, const struct pki_cert_spec *s)
{
	bool flawed = s->flaws & PKI_FLAW_KEY_USAGE;
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	int ok = bits != NULL;

	if (ok && s->ca && !flawed)
		ok = ASN1_BIT_STRING_set_bit(bits, USAGE_CERT_SIGN, 1);
	if (ok && (s->ca || s->crl_signer))
		ok = ASN1_BIT_STRING_set_bit(bits, USAGE_CRL_SIGN, 1);
	if (ok && !s->ca && !s->crl_signer)
		ok = ASN1_BIT_STRING_set_bit(bits, flawed ? USAGE_KEY_ENCIPHERMENT : USAGE_DIGITAL_SIGNATURE, 1);
	ok = ok && X509_add1_ext_i2d(x, NID_key_usage, bits, 1, X509V3_ADD_DEFAULT) > 0;
	ASN1_BIT_STRING_free(bits);
	return ok ? 0 : -1;
}

static int add_ski(X509 *x)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int ok = id && X509_pubkey_digest(x, EVP_sha1(), md, &n) && ASN1_OCTET_STRING_set(id, md, (int)n) &&
		 X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_DEFAULT) > 0;

	ASN1_OCTET_STRING_free(id);
	return ok ? 0 : -1;
}

AUTHORITY_KEYID *pki_aki_of(X509 *issuer)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *aki = ski ? AUTHORITY_KEYID_new() : NULL;

	if (aki && !(aki->keyid = ASN1_OCTET_STRING_dup(ski))) {
		AUTHORITY_KEYID_free(aki);
		aki = NULL;
	}
	return aki;
}

static int add_aki(X509 *x, X509 *issuer, bool wrong)
{
	AUTHORITY_KEYID *aki = pki_aki_of(issuer);
	int ok = aki != NULL;

	if (ok && wrong)
		ok = ASN1_OCTET_STRING_set(aki->keyid, (const unsigned char *)"some other key id...", 20);
	ok = ok && X509_add1_ext_i2d(x, NID_authority_key_identifier, aki, 0, X509V3_ADD_DEFAULT) > 0;
	AUTHORITY_KEYID_free(aki);
	return ok ? 0 : -1;
}

static int add_list_url(X509 *x, const char *url)
{
	AUTHORITY_INFO_ACCESS *aia = AUTHORITY_INFO_ACCESS_new();
	ACCESS_DESCRIPTION *d = ACCESS_DESCRIPTION_new();
	ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
	int ok = aia && d && uri && ASN1_STRING_set(uri, url, -1);

	if (ok) {
		ASN1_OBJECT_free(d->method);
		d->method = OBJ_txt2obj(STIR_OID_AD_TNAUTHLIST, 1);
		GENERAL_NAME_set0_value(d->location, GEN_URI, uri);
		uri = NULL;
		ok = d->method && sk_ACCESS_DESCRIPTION_push(aia, d) > 0;
	}
	if (ok) {
		d = NULL;
		ok = X509_add1_ext_i2d(x, NID_info_access, aia, 0, X509V3_ADD_DEFAULT) > 0;
	}
	ASN1_IA5STRING_free(uri);
	ACCESS_DESCRIPTION_free(d);
	AUTHORITY_INFO_ACCESS_free(aia);
	return ok ? 0 : -1;
}

/* Takes over n, also when it fails. */
static GENERAL_NAMES *names_of(GENERAL_NAME *n)
{
	GENERAL_NAMES *names = n ? GENERAL_NAMES_new() : NULL;

	if (names && sk_GENERAL_NAME_push(names, n) > 0)
		return names;
	GENERAL_NAMES_free(names);
	GENERAL_NAME_free(n);
	return NULL;
}

static GENERAL_NAMES *uri_names(const char *url)
{
	GENERAL_NAME *n = GENERAL_NAME_new();
	ASN1_IA5STRING *uri = ASN1_IA5STRING_new();

	if (n && uri && ASN1_STRING_set(uri, url, -1)) {
		GENERAL_NAME_set0_value(n, GEN_URI, uri);
		return names_of(n);
	}
	GENERAL_NAME_free(n);
	ASN1_IA5STRING_free(uri);
	return NULL;
}

GENERAL_NAMES *pki_directory_names(const X509_NAME *of)
{
	GENERAL_NAME *n = GENERAL_NAME_new();
	X509_NAME *name = X509_NAME_dup(of);

	if (n && name) {
		GENERAL_NAME_set0_value(n, GEN_DIRNAME, name);
		return names_of(n);
	}
	GENERAL_NAME_free(n);
	X509_NAME_free(name);
	return NULL;
}

static int fill_point(DIST_POINT *dp, const char *url, const X509_NAME *crl_issuer)
{
	dp->distpoint = DIST_POINT_NAME_new();
	if (!dp->distpoint)
		return -1;
	dp->distpoint->type = 0;
	dp->distpoint->name.fullname = uri_names(url);
	if (crl_issuer)
		dp->CRLissuer = pki_directory_names(crl_issuer);
	return dp->distpoint->name.fullname && (dp->CRLissuer || !crl_issuer) ? 0 : -1;
}

static int add_point(X509 *x, const char *url, const X509_NAME *crl_issuer)
{
	CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
	DIST_POINT *dp = DIST_POINT_new();
	int ok = points && dp && !fill_point(dp, url, crl_issuer) && sk_DIST_POINT_push(points, dp) > 0;

	if (!ok)
		DIST_POINT_free(dp);
	ok = ok && X509_add1_ext_i2d(x, NID_crl_distribution_points, points, 0, X509V3_ADD_DEFAULT) > 0;
	CRL_DIST_POINTS_free(points);
	return ok ? 0 : -1;
}

static int add_standard(X509 *x, const struct pki_cert_spec *s)
{
	if (!(s->flaws & PKI_FLAW_NO_BASIC) && add_basic(x, s->ca, s->path_len))
		return -1;
	if (add_usage(x, s) || add_ski(x))
		return -1;
	if (s->crl_url && add_point(x, s->crl_url, s->crl_issuer))
		return -1;
	return s->issuer ? add_aki(x, s->issuer, s->flaws & PKI_FLAW_WRONG_AKI) : 0;
}

static int add_stir(X509 *x, const struct pki_cert_spec *s)
{
	if (s->tn_auth.n && add_raw(x, STIR_OID_TNAUTHLIST, false, s->tn_auth))
		return -1;
	if ((s->flaws & PKI_FLAW_LIST_TWICE) && add_raw(x, STIR_OID_TNAUTHLIST, false, s->tn_auth))
		return -1;
	if (s->rules.n && add_raw(x, STIR_OID_CLAIM_CONSTRAINTS, false, s->rules))
		return -1;
	if (s->enhanced_rules.n && add_raw(x, STIR_OID_ENHANCED_CLAIM_CONSTRAINTS, false, s->enhanced_rules))
		return -1;
	if (s->list_url && add_list_url(x, s->list_url))
		return -1;
	/* An arc for examples (RFC 5612); DER NULL inside. */
	return s->flaws & PKI_FLAW_UNKNOWN_CRITICAL ? add_raw(x, "1.3.6.1.4.1.32473.1", true, span_make("\5\0", 2)) : 0;
}

int pki_cert_new(const struct pki_cert_spec *s, X509 **out, struct err *e)
{
	bool v1 = s->flaws & PKI_FLAW_VERSION_1;
	X509 *x = X509_new();

	*out = NULL;
	ERR_clear_error();
	if (x && X509_set_version(x, v1 ? X509_VERSION_1 : X509_VERSION_3) && !set_serial(x) &&
	    !set_times(x, s->not_before, s->not_after) && !set_names(x, s) && X509_set_pubkey(x, s->key) &&
	    (v1 || (!add_standard(x, s) && !add_stir(x, s))) &&
	    X509_sign(x, s->issuer ? s->issuer_key : s->key, s->flaws & PKI_FLAW_SHA1 ? EVP_sha1() : EVP_sha256())) {
		*out = x;
		return 0;
	}
	X509_free(x);
	return pki_failed(e, "making a certificate");
}

/* --- a ready-made hierarchy ----------------------------------------------------------- */

void pki_free(struct pki *p)
{
	EVP_PKEY_free(p->root_key);
	EVP_PKEY_free(p->ca_key);
	X509_free(p->root);
	X509_free(p->ca);
	memset(p, 0, sizeof *p);
}

static int make_authorities(struct pki *p, struct pki_cert_spec *s, const char *name, const char *crl_url, struct err *e)
{
	char cn[PKI_NAME_BYTES];

	s->key = p->root_key;
	s->path_len = -1;
	s->common_name = cn;
	snprintf(cn, sizeof cn, "%.40s SHAKEN ROOT", name);
	if (pki_cert_new(s, &p->root, e))
		return -1;
	s->key = p->ca_key;
	s->issuer = p->root;
	s->issuer_key = p->root_key;
	/* No limit: delegating certificates are CAs below it (RFC 9060, 4). */
	s->crl_url = crl_url;
	snprintf(cn, sizeof cn, "%.40s SHAKEN CA 1", name);
	return pki_cert_new(s, &p->ca, e);
}

int pki_init(struct pki *p, const char *name, int64_t not_before, int64_t not_after, struct err *e)
{
	return pki_init_listed(p, name, not_before, not_after, NULL, e);
}

int pki_init_listed(struct pki *p, const char *name, int64_t not_before, int64_t not_after, const char *crl_url, struct err *e)
{
	struct pki_cert_spec s = {
		.organisation = name, .not_before = not_before, .not_after = not_after, .ca = true};

	memset(p, 0, sizeof *p);
	p->root_key = pki_key_new(PKI_KEY_P256);
	p->ca_key = pki_key_new(PKI_KEY_P256);
	if (!p->root_key || !p->ca_key) {
		pki_free(p);
		return pki_failed(e, "making a key");
	}
	if (make_authorities(p, &s, name, crl_url, e)) {
		pki_free(p);
		return -1;
	}
	return 0;
}

int pki_issue_list(const char *text, struct buf *der, char cn[PKI_NAME_BYTES], struct err *e)
{
	const size_t n = PKI_NAME_BYTES;
	struct tnauthlist *l;
	struct span spc;
	int r = 0;

	snprintf(cn, n, "SHAKEN");
	if (!text)
		return 0;
	if (tnauthlist_from_text(span_cstr(text), &l, e))
		return -1;
	spc = tnauthlist_spc(l);
	if (spc.n)
		snprintf(cn, n, "SHAKEN %.*s", SPAN_ARG(spc));
	else
		snprintf(cn, n, "STIR %s", tnauthlist_at(l, 0).start.digits);
	if (tnauthlist_write_der(der, l))
		r = err_set(e, ERR_UNAVAILABLE, "no memory for the TNAuthList");
	tnauthlist_free(l);
	return r;
}

int pki_issue_from(const struct pki_issue_spec *i, EVP_PKEY **key, X509 **cert, struct err *e)
{
	char cn[PKI_NAME_BYTES];
	struct pki_cert_spec s = {.issuer = i->issuer,
				  .issuer_key = i->issuer_key,
				  .common_name = cn,
				  .organisation = i->organisation,
				  .not_before = i->not_before,
				  .not_after = i->not_after,
				  .ca = i->delegating,
				  .path_len = -1,
				  .crl_url = i->crl_url,
				  .crl_issuer = i->crl_issuer};
	struct buf der;
	int r = -1;

	*cert = NULL;
	*key = NULL;
	buf_init(&der, 1 << 20);
	if (pki_issue_list(i->tn_auth, &der, cn, e) == 0) {
		s.tn_auth = buf_span(&der);
		s.key = *key = pki_key_new(PKI_KEY_P256);
		r = s.key ? pki_cert_new(&s, cert, e) : pki_failed(e, "making a key");
	}
	buf_free(&der);
	if (r) {
		EVP_PKEY_free(*key);
		*key = NULL;
	}
	return r;
}

int pki_issue(const struct pki *p, const char *tn_auth, const char *organisation, int64_t not_before,
	      int64_t not_after, EVP_PKEY **key, X509 **cert, struct err *e)
{
	const struct pki_issue_spec s = {.issuer = p->ca,
					 .issuer_key = p->ca_key,
					 .tn_auth = tn_auth,
					 .organisation = organisation,
					 .not_before = not_before,
					 .not_after = not_after};

	return pki_issue_from(&s, key, cert, e);
}

/* --- PEM -------------------------------------------------------------------------------- */

int pki_drain(struct buf *out, BIO *bio, int written)
{
	char *p = NULL;
	long n = bio ? BIO_get_mem_data(bio, &p) : 0;
	int r = written && n > 0 ? buf_put(out, p, (size_t)n) : -1;

	BIO_free(bio);
	return r;
}

int pki_put_cert(struct buf *out, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return pki_drain(out, bio, bio && PEM_write_bio_X509(bio, x));
}

int pki_put_key(struct buf *out, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	return pki_drain(out, bio, bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
}

int pki_put_chain(struct buf *out, const struct pki *p, X509 *leaf)
{
	return pki_put_cert(out, leaf) || pki_put_cert(out, p->ca) ? -1 : 0;
}

/* Instead of OpenSSL's, which would ask at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

X509 *pki_read_cert(struct span pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return x;
}

EVP_PKEY *pki_read_key(struct span pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}
