/*
 * A list as a whole: octets to what is known of it.  Entries are in crl_index.c,
 * signatures in crl_sign.c, what a list speaks for in crl_scope.c.  No clock here.
 */
#include "config.h"

#include "core/crl.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "core/cert_internal.h"
#include "core/crl_internal.h"
#include "core/sslerror.h"

int crl_no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "out of memory");
}

/* --- life ----------------------------------------------------------------------- */

static struct crl *new_list(void)
{
	struct crl *l = calloc(1, sizeof *l);

	if (l && pthread_mutex_init(&l->lock, NULL)) {
		free(l);
		return NULL;
	}
	if (l)
		atomic_init(&l->refs, 1);
	return l;
}

struct crl *crl_ref(struct crl *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void crl_unref(struct crl *l)
{
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
		return;
	crl_index_free(l);
	ASN1_INTEGER_free(l->number);
	AUTHORITY_KEYID_free(l->akid);
	X509_NAME_free(l->issuer);
	GENERAL_NAMES_free(l->point);
	ASN1_BIT_STRING_free(l->signature);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- extensions ------------------------------------------------------------------- */

static bool is_known(const X509_EXTENSION *ext)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext))) {
	case NID_issuing_distribution_point:
	case NID_authority_key_identifier:
	case NID_crl_number:
		return true;
	default:
		return false;
	}
}

static int check_extensions(const X509_CRL *x, struct err *e)
{
	if (X509_CRL_get_ext_by_NID(x, NID_delta_crl, -1) >= 0)
		return err_set(e, ERR_DATA, "a delta list can't be used here");
	for (int i = 0; i < X509_CRL_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_CRL_get_ext(x, i);

		if (X509_EXTENSION_get_critical(ext) && !is_known(ext))
			return err_set(e, ERR_DATA, "it has a critical extension that is not known here");
	}
	return 0;
}

/* 0, with *out NULL if it isn't there; -1 and *e also if it is there twice. */
static int get_extension(const X509_CRL *x, int nid, void **out, struct err *e)
{
	int there = -1;

	*out = X509_CRL_get_ext_d2i(x, nid, &there, NULL);
	if (*out || there == -1)
		return 0;
	return err_set(e, ERR_DATA, "its extension %s can't be read, or is there twice", OBJ_nid2sn(nid));
}

static int take_names(struct crl *l, ISSUING_DIST_POINT *idp, struct err *e)
{
	DIST_POINT_NAME *name = idp->distpoint;

	if (!name)
		return 0;
	if (name->type != 0)
		return err_set(e, ERR_DATA, "its distribution point is named relative to its issuer, which is not supported");
	l->point = name->name.fullname;
	name->name.fullname = NULL;
	return 0;
}

static int take_point(struct crl *l, ISSUING_DIST_POINT *idp, struct err *e)
{
	l->indirect = idp->indirectCRL > 0;
	l->only_user = idp->onlyuser > 0;
	l->only_ca = idp->onlyCA > 0;
	l->some_reasons = idp->onlysomereasons != NULL;
	if (idp->onlyattr > 0)
		return err_set(e, ERR_DATA, "it is a list of attribute certificates");
	if (l->only_user && l->only_ca)
		return err_set(e, ERR_DATA, "its issuing distribution point contradicts itself");
	return take_names(l, idp, e);
}

static int read_point(struct crl *l, const X509_CRL *x, struct err *e)
{
	void *idp;
	int rc;

	if (get_extension(x, NID_issuing_distribution_point, &idp, e))
		return -1;
	rc = idp ? take_point(l, idp, e) : 0;
	ISSUING_DIST_POINT_free(idp);
	return rc;
}

static int read_ids(struct crl *l, const X509_CRL *x, struct err *e)
{
	void *p;

	if (get_extension(x, NID_authority_key_identifier, &p, e))
		return -1;
	l->akid = p;
	if (get_extension(x, NID_crl_number, &p, e))
		return -1;
	l->number = p;
	return 0;
}

/* --- reading ------------------------------------------------------------------------ */

static int read_head(struct crl *l, const X509_CRL *x, struct err *e)
{
	const X509_NAME *issuer = X509_CRL_get_issuer(x);

	if (cert_time(X509_CRL_get0_lastUpdate(x), &l->this_update))
		return err_set(e, ERR_DATA, "its thisUpdate can't be read");
	if (cert_time(X509_CRL_get0_nextUpdate(x), &l->next_update))
		return err_set(e, ERR_DATA, "its nextUpdate is missing or can't be read");
	if (l->next_update < l->this_update)
		return err_set(e, ERR_DATA, "its nextUpdate is before its thisUpdate");
	if (X509_NAME_entry_count(issuer) == 0)
		return err_set(e, ERR_DATA, "it names no issuer");
	l->issuer = X509_NAME_dup(issuer);
	return l->issuer ? 0 : crl_no_memory(e);
}

static int fill(struct crl *l, X509_CRL *x, struct span der, struct err *e)
{
	if (read_head(l, x, e) || check_extensions(x, e) || read_point(l, x, e) || read_ids(l, x, e))
		return -1;
	return crl_sign_fill(l, x, der, e) || crl_index_fill(l, x, e) ? -1 : 0;
}

static int from_der(const unsigned char *der, size_t n, struct crl **out, struct err *e)
{
	const unsigned char *p = der;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)n);
	struct crl *l = x && p == der + n ? new_list() : NULL;
	int rc;

	if (!x || p != der + n)
		rc = err_set(e, ERR_DATA, "it is not one X.509 CRL");
	else
		rc = l ? fill(l, x, span_make(der, n), e) : crl_no_memory(e);
	X509_CRL_free(x);
	if (rc)
		crl_unref(l);
	else
		*out = l;
	return rc;
}

int crl_read_der(const unsigned char *der, size_t n, struct crl **out, struct err *e)
{
	int rc;

	*out = NULL;
	if (n > LIMIT_CRL_BYTES)
		return err_set(e, ERR_DATA, "a revocation list has more than %d octets", LIMIT_CRL_BYTES);
	sslerror_clear();
	rc = from_der(der, n, out, e);
	if (sslerror_no_memory() && rc)
		rc = crl_no_memory(e);
	return rc;
}

static enum stir_reason one_block(void *arg, const unsigned char *der, long n, struct err *why)
{
	struct crl **out = arg;

	if (crl_read_der(der, (size_t)n, out, why) == 0)
		return STIR_OK;
	return why && why->code == ERR_UNAVAILABLE ? STIR_NO_RESOURCE : STIR_CERT_INVALID;
}

int crl_read(struct span octets, struct crl **out, struct err *e)
{
	*out = NULL;
	/* DER begins with a SEQUENCE, and no PEM text with a '0'. */
	if (octets.n && octets.p[0] == 0x30)
		return crl_read_der((const unsigned char *)octets.p, octets.n, out, e);
	if (octets.n > LIMIT_CRL_BYTES)
		return err_set(e, ERR_DATA, "a revocation list has more than %d octets", LIMIT_CRL_BYTES);
	if (cert_pem_each(octets, PEM_STRING_X509_CRL, 1, one_block, out, e) == STIR_OK)
		return 0;
	crl_unref(*out);
	*out = NULL;
	return -1;
}

/* --- asking --------------------------------------------------------------------------- */

const X509_NAME *crl_issuer(const struct crl *l)
{
	return l->issuer;
}

bool crl_is_indirect(const struct crl *l)
{
	return l->indirect;
}

int64_t crl_this_update(const struct crl *l)
{
	return l->this_update;
}

int64_t crl_next_update(const struct crl *l)
{
	return l->next_update;
}

size_t crl_count(const struct crl *l)
{
	return l->n;
}

size_t crl_memory(const struct crl *l)
{
	enum { NAME_BYTES = 1024 /* an X509_NAME of a few words */ };

	return sizeof *l + l->n * sizeof *l->entries + l->cap_issuers * sizeof *l->issuers + (l->n_issuers + 1) * NAME_BYTES;
}

bool crl_is_current(const struct crl *l, int64_t now)
{
	return l->this_update <= now + CRL_SKEW_S && now <= l->next_update;
}

bool crl_is_same(const struct crl *a, const struct crl *b)
{
	return a->md_nid == b->md_nid && a->digest_n == b->digest_n && memcmp(a->digest, b->digest, a->digest_n) == 0;
}

bool crl_may_replace(const struct crl *l, const struct crl *old)
{
	if (X509_NAME_cmp(l->issuer, old->issuer) != 0 || l->this_update < old->this_update)
		return false;
	return !l->number || !old->number || ASN1_INTEGER_cmp(l->number, old->number) >= 0;
}
