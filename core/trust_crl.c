/*
 * Revocation lists: direct ones only, each signed by the issuer of the
 * certificates it speaks of.  A list of another kind (indirect, delta, of some
 * reasons) is refused when it is read, because half of one would mislead.
 */
#include "config.h"

#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/cert_internal.h"
#include "core/trust_internal.h"

/* As for certificates: no SHA-1. */
enum { CRL_MIN_SECURITY_BITS = 112 };

/* --- reading ------------------------------------------------------------------ */

static bool any_critical(const STACK_OF(X509_EXTENSION) *extensions)
{
	for (int i = 0; i < X509v3_get_ext_count(extensions); i++)
		if (X509_EXTENSION_get_critical(X509v3_get_ext(extensions, i)))
			return true;
	return false;
}

/* Indirect lists name the issuer entry by entry, in a critical extension. */
static bool any_entry_critical(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
		if (any_critical(X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(entries, i))))
			return true;
	return false;
}

static const char *crl_fault(X509_CRL *crl)
{
	int64_t t;

	if (any_critical(X509_CRL_get0_extensions(crl)) || any_entry_critical(crl))
		return "an indirect, partial or delta list can't be used here";
	if (cert_time(X509_CRL_get0_lastUpdate(crl), &t))
		return "its thisUpdate can't be read";
	if (cert_time(X509_CRL_get0_nextUpdate(crl), &t))
		return "its nextUpdate is missing or can't be read";
	return NULL;
}

static enum stir_reason add_crl(void *arg, const unsigned char *der, long n, struct err *why)
{
	const unsigned char *p = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, n);
	struct trust *t = arg;
	const char *fault;

	fault = crl && p == der + n ? crl_fault(crl) : "a block is not one X.509 CRL";
	if (fault) {
		X509_CRL_free(crl);
		(void)err_set(why, ERR_DATA, "%s", fault);
		return STIR_CERT_INVALID;
	}
	if (sk_X509_CRL_push(t->crls, crl) <= 0) {
		X509_CRL_free(crl);
		(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
		return STIR_NO_RESOURCE;
	}
	return STIR_OK;
}

int trust_add_crls(struct trust *t, const char *name, struct span pem, struct err *e)
{
	if (cert_pem_each(pem, PEM_STRING_X509_CRL, INT_MAX, add_crl, t, e) != STIR_OK)
		return err_prefix(e, "%s", name);
	return 0;
}

/* --- whose list is it ----------------------------------------------------------- */

/* Absent on either side: nothing to compare. */
static bool key_ids_agree(X509_CRL *crl, X509 *issuer)
{
	AUTHORITY_KEYID *akid = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	bool agree = !akid || X509_check_akid(issuer, akid) == X509_V_OK;

	AUTHORITY_KEYID_free(akid);
	return agree;
}

static bool signed_well(X509_CRL *crl, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	int md_nid = NID_undef, bits = 0;
	const X509_ALGOR *alg;

	X509_CRL_get0_signature(crl, NULL, &alg);
	(void)OBJ_find_sigid_algs(OBJ_obj2nid(alg->algorithm), &md_nid, NULL);
	bits = md_nid == NID_undef ? 0 : EVP_MD_get_size(EVP_get_digestbynid(md_nid)) * 4;
	return key && bits >= CRL_MIN_SECURITY_BITS && X509_CRL_verify(crl, key) == 1;
}

static bool is_list_of(X509_CRL *crl, X509 *issuer)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
	       (X509_get_key_usage(issuer) & KU_CRL_SIGN) && key_ids_agree(crl, issuer) && signed_well(crl, issuer);
}

static int find_crls_of(const struct trust *t, X509 *issuer, STACK_OF(X509_CRL) *out)
{
	for (int i = 0; i < sk_X509_CRL_num(t->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(t->crls, i);

		if (!is_list_of(crl, issuer))
			continue;
		if (!X509_CRL_up_ref(crl))
			return -1;
		if (sk_X509_CRL_push(out, crl) <= 0) {
			X509_CRL_free(crl);
			return -1;
		}
	}
	return 0;
}

int trust_find_crls(const struct trust *t, struct cert_chain *c)
{
	for (size_t i = 0; i + 1 < c->n_path; i++) {
		c->crls[i] = sk_X509_CRL_new_null();
		if (!c->crls[i] || find_crls_of(t, c->path[i + 1], c->crls[i]))
			return -1;
	}
	return 0;
}

/* --- asking ---------------------------------------------------------------------- */

static bool is_current(X509_CRL *crl, int64_t now)
{
	int64_t from, to;

	return cert_time(X509_CRL_get0_lastUpdate(crl), &from) == 0 &&
	       cert_time(X509_CRL_get0_nextUpdate(crl), &to) == 0 && from <= now && now <= to;
}

/* A stolen key may have signed with any iat it likes. */
static bool is_compromise(const X509_REVOKED *entry)
{
	int there = -1;
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &there, NULL);
	long reason = code ? ASN1_ENUMERATED_get(code) : -1;

	ASN1_ENUMERATED_free(code);
	/* Absent is "unspecified"; there but unreadable is the worst. */
	if (!code)
		return there != -1;
	return reason == CRL_REASON_KEY_COMPROMISE || reason == CRL_REASON_CA_COMPROMISE ||
	       reason == CRL_REASON_AA_COMPROMISE;
}

static bool revokes(X509_CRL *crl, X509 *x, int64_t iat)
{
	X509_REVOKED *entry = NULL;
	int64_t date;

	/* 2 is removeFromCRL, which only delta lists have. */
	if (X509_CRL_get0_by_cert(crl, &entry, x) != 1)
		return false;
	return is_compromise(entry) || cert_time(X509_REVOKED_get0_revocationDate(entry), &date) || date <= iat;
}

enum stir_reason trust_revocation(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, bool hard)
{
	bool all_covered = c->n_path > 0;

	/* The chain has met its lists in trust_check(). */
	(void)t;
	for (size_t i = 0; i + 1 < c->n_path; i++) {
		bool covered = false;

		for (int k = 0; k < sk_X509_CRL_num(c->crls[i]); k++) {
			X509_CRL *crl = sk_X509_CRL_value(c->crls[i], k);

			/* What was revoked stays so when the list gets old. */
			if (revokes(crl, c->path[i], iat))
				return STIR_CERT_REVOKED;
			covered = covered || is_current(crl, now);
		}
		all_covered = all_covered && covered;
	}
	return hard && !all_covered ? STIR_REVOCATION_UNKNOWN : STIR_OK;
}
