/*
 * Makes revocation lists with OpenSSL: of a CA's own certificates, and indirect
 * ones, in which one signer speaks for all CAs.  Touches no file and no clock.
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ctl/pki_internal.h"

/* --- entries -------------------------------------------------------------------- */

static int add_reason(X509_REVOKED *entry, int reason)
{
	ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
	int ok = code && ASN1_ENUMERATED_set(code, reason) && X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) > 0;

	ASN1_ENUMERATED_free(code);
	return ok ? 0 : -1;
}

static int add_issuer(X509_REVOKED *entry, const X509_NAME *issuer)
{
	GENERAL_NAMES *names = pki_directory_names(issuer);
	int ok = names && X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names, 1, 0) > 0;

	GENERAL_NAMES_free(names);
	return ok ? 0 : -1;
}

static int add_revoked(X509_CRL *crl, const struct pki_revoked *r, bool indirect)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *date = pki_asn1_time(r->date);
	ASN1_INTEGER *serial = ASN1_INTEGER_dup(r->serial);
	int ok = entry && date && serial && X509_REVOKED_set_serialNumber(entry, serial) && X509_REVOKED_set_revocationDate(entry, date);

	ok = ok && (r->reason == CRL_REASON_UNSPECIFIED || !add_reason(entry, r->reason));
	/* It would hold for the entries after it, too; in each one, their order says nothing. */
	ok = ok && (!indirect || !add_issuer(entry, r->issuer));
	ok = ok && X509_CRL_add0_revoked(crl, entry);
	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(date);
	ASN1_INTEGER_free(serial);
	return ok ? 0 : -1;
}

/* --- the list ---------------------------------------------------------------------- */

static int add_number(X509_CRL *crl, int64_t n)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	int ok = number && ASN1_INTEGER_set_int64(number, n) && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) > 0;

	ASN1_INTEGER_free(number);
	return ok ? 0 : -1;
}

/* Names no distribution point: then it also speaks for certificates that name none. */
static int add_indirect(X509_CRL *crl)
{
	ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
	int ok = idp != NULL;

	if (ok)
		idp->indirectCRL = 0xff;
	ok = ok && X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0) > 0;
	ISSUING_DIST_POINT_free(idp);
	return ok ? 0 : -1;
}

static int add_extensions(X509_CRL *crl, const struct pki_crl_spec *s)
{
	AUTHORITY_KEYID *aki = pki_aki_of(s->issuer);
	int ok = aki && X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0) > 0;

	AUTHORITY_KEYID_free(aki);
	return ok && !add_number(crl, s->number) && (!s->indirect || !add_indirect(crl)) ? 0 : -1;
}

static int fill(X509_CRL *crl, const struct pki_crl_spec *s)
{
	ASN1_TIME *from = pki_asn1_time(s->this_update), *until = pki_asn1_time(s->next_update);
	int ok = from && until && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		 X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->issuer)) && X509_CRL_set1_lastUpdate(crl, from) &&
		 X509_CRL_set1_nextUpdate(crl, until);

	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	for (size_t i = 0; ok && i < s->n_revoked; i++)
		ok = !add_revoked(crl, &s->revoked[i], s->indirect);
	return ok && !add_extensions(crl, s) && X509_CRL_sort(crl) ? 0 : -1;
}

int pki_crl_new(const struct pki_crl_spec *s, X509_CRL **out, struct err *e)
{
	X509_CRL *crl = X509_CRL_new();

	*out = NULL;
	ERR_clear_error();
	if (crl && !fill(crl, s) && X509_CRL_sign(crl, s->issuer_key, EVP_sha256())) {
		*out = crl;
		return 0;
	}
	X509_CRL_free(crl);
	return pki_failed(e, "making a revocation list");
}

/* --- its octets ------------------------------------------------------------------------ */

int pki_put_crl(struct buf *out, X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return pki_drain(out, bio, bio && PEM_write_bio_X509_CRL(bio, crl));
}

int pki_put_crl_der(struct buf *out, X509_CRL *crl)
{
	unsigned char *p = NULL;
	int n = i2d_X509_CRL(crl, &p), r = n > 0 ? buf_put(out, p, (size_t)n) : -1;

	OPENSSL_free(p);
	return r;
}
