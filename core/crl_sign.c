/*
 * Who signed a list.  Of the octets only the digest and the signature are kept: a
 * list may be large, and which key it must be of is known when a certificate is
 * looked at.
 */
#include "config.h"

#include "core/crl_internal.h"

#include "core/sslerror.h"

/* As for certificates: no SHA-1, RSA from 2048. */
enum { MIN_BITS = 112 };

/* --- what is signed ---------------------------------------------------------------------- */

/* Cuts one element with its header off *rest; content is what is in it. No indefinite lengths: it is DER. */
static int cut(struct span *rest, struct span *whole, struct span *content, int *tag)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t head;
	long n = 0;
	int class, rc = ASN1_get_object(&p, &n, tag, &class, (long)rest->n);

	if ((rc & 0x80) || (rc & 1) || n < 0)
		return -1;
	head = (size_t)((const char *)p - rest->p);
	if (head + (size_t)n > rest->n)
		return -1;
	/* whole and content may be the same. */
	*whole = span_take(*rest, head + (size_t)n);
	*rest = span_skip(*rest, head + (size_t)n);
	*content = span_skip(*whole, head);
	return 0;
}

/*
 * CertificateList ::= SEQUENCE { tbs SEQUENCE { version OPTIONAL, algorithm, ... }, algorithm, signature }
 * Both algorithms must be the same (RFC 5280, 5.1.1.2).
 */
static int find_signed(struct span der, struct span *tbs)
{
	struct span inner, outer, first, ignored;
	int tag;

	if (cut(&der, &outer, &outer, &tag) || der.n || cut(&outer, tbs, &inner, &tag) || cut(&outer, &first, &ignored, &tag))
		return -1;
	outer = first;
	if (cut(&inner, &first, &ignored, &tag))
		return -1;
	if (tag == V_ASN1_INTEGER && cut(&inner, &first, &ignored, &tag))
		return -1;
	return span_eq(first, outer) ? 0 : -1;
}

static const EVP_MD *digest_of(struct crl *l, const X509_ALGOR *alg)
{
	const EVP_MD *md;

	if (!OBJ_find_sigid_algs(OBJ_obj2nid(alg->algorithm), &l->md_nid, &l->key_nid))
		return NULL;
	md = l->md_nid == NID_undef ? NULL : EVP_get_digestbynid(l->md_nid);
	if (!md || EVP_MD_get_size(md) * 4 < MIN_BITS || EVP_MD_get_size(md) > CRL_DIGEST_BYTES)
		return NULL;
	return l->key_nid == NID_X9_62_id_ecPublicKey || l->key_nid == NID_rsaEncryption ? md : NULL;
}

int crl_sign_fill(struct crl *l, X509_CRL *x, struct span der, struct err *e)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *alg;
	const EVP_MD *md;
	struct span tbs;
	unsigned n = 0;

	X509_CRL_get0_signature(x, &signature, &alg);
	if (find_signed(der, &tbs))
		return err_set(e, ERR_DATA, "it is not DER, or its two signature algorithms differ");
	md = digest_of(l, alg);
	if (!md)
		return err_set(e, ERR_DATA, "its signature is of a kind that does not count (SHA-1?); it takes ECDSA or RSA with SHA-2");
	if (EVP_Digest(tbs.p, tbs.n, l->digest, &n, md, NULL) != 1)
		return crl_no_memory(e);
	l->digest_n = n;
	l->signature = ASN1_STRING_dup(signature);
	return l->signature ? 0 : crl_no_memory(e);
}

/* --- who signed it -------------------------------------------------------------------------- */

/* 1 good, 0 not, -1 could not be found out. */
static int verify(const struct crl *l, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx;
	int rc;

	if (!key || EVP_PKEY_get_base_id(key) != l->key_nid || EVP_PKEY_get_security_bits(key) < MIN_BITS)
		return 0;
	sslerror_clear();
	ctx = EVP_PKEY_CTX_new(key, NULL);
	rc = ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbynid(l->md_nid)) == 1 &&
	     EVP_PKEY_verify(ctx, ASN1_STRING_get0_data(l->signature), (size_t)ASN1_STRING_length(l->signature), l->digest, l->digest_n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return sslerror_no_memory() && !rc ? -1 : rc;
}

/* 1 good, 0 not, -1 not known yet. */
static int recall(struct crl *l, const unsigned char key[CRL_KEY_BYTES])
{
	size_t n = l->n_proof < CRL_PROOFS ? l->n_proof : CRL_PROOFS;

	for (size_t i = 0; i < n; i++)
		if (memcmp(l->proof[i].key, key, CRL_KEY_BYTES) == 0)
			return l->proof[i].good;
	return -1;
}

static void remember(struct crl *l, const unsigned char key[CRL_KEY_BYTES], bool good)
{
	struct crl_proof *p = &l->proof[l->n_proof++ % CRL_PROOFS];

	memcpy(p->key, key, CRL_KEY_BYTES);
	p->good = good;
}

static bool signed_well(struct crl *l, X509 *signer)
{
	unsigned char key[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int good;

	if (!X509_pubkey_digest(signer, EVP_sha256(), key, &n) || n != CRL_KEY_BYTES)
		return false;
	pthread_mutex_lock(&l->lock);
	good = recall(l, key);
	pthread_mutex_unlock(&l->lock);
	if (good >= 0)
		return good;
	good = verify(l, X509_get0_pubkey(signer));
	if (good < 0)
		return false;
	pthread_mutex_lock(&l->lock);
	if (recall(l, key) < 0)
		remember(l, key, good);
	pthread_mutex_unlock(&l->lock);
	return good;
}

bool crl_signed_by(struct crl *l, X509 *signer)
{
	if (X509_NAME_cmp(l->issuer, X509_get_subject_name(signer)) != 0)
		return false;
	/* All bits when there is no keyUsage. */
	if (!(X509_get_key_usage(signer) & KU_CRL_SIGN))
		return false;
	if (l->akid && X509_check_akid(signer, l->akid) != X509_V_OK)
		return false;
	return signed_well(l, signer);
}
