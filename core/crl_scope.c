/*
 * What a list speaks for, and where certificates say that their lists are
 * (RFC 5280, 4.2.1.13, 5.2.5, 6.3.3 b).
 */
#include "config.h"

#include "core/crl_internal.h"

#include "core/sslerror.h"
#include "core/x5u.h"

static bool any_equal(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
		for (int k = 0; k < sk_GENERAL_NAME_num(b); k++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, k)) == 0)
				return true;
	return false;
}

static bool names_issuer(const GENERAL_NAMES *names, const X509_NAME *issuer)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DIRNAME && X509_NAME_cmp(n->d.directoryName, issuer) == 0)
			return true;
	}
	return false;
}

/* RFC 5280, 6.3.3 (b) (2) (i) */
static bool is_point_of(const struct crl *l, const DIST_POINT *dp)
{
	if (!l->point)
		return true;
	if (!dp->distpoint)
		return dp->CRLissuer && any_equal(l->point, dp->CRLissuer);
	return dp->distpoint->type == 0 && any_equal(l->point, dp->distpoint->name.fullname);
}

/* Does this point lead to the list, and for all reasons? */
static bool leads_to(const struct crl *l, const DIST_POINT *dp)
{
	return !dp->reasons && (!dp->CRLissuer || names_issuer(dp->CRLissuer, l->issuer)) && is_point_of(l, dp);
}

static bool names_any_issuer(const CRL_DIST_POINTS *points)
{
	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++)
		if (sk_DIST_POINT_value(points, i)->CRLissuer)
			return true;
	return false;
}

static bool any_leads_to(const struct crl *l, const CRL_DIST_POINTS *points, bool with_issuer)
{
	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *dp = sk_DIST_POINT_value(points, i);

		if (leads_to(l, dp) && (dp->CRLissuer || !with_issuer))
			return true;
	}
	return false;
}

struct crl_subject crl_subject_of(X509 *x, const CRL_DIST_POINTS *points)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	return (struct crl_subject){
		.issuer = X509_get_issuer_name(x),
		.serial = span_make(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
		.negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER,
		.ca = X509_check_ca(x) != 0,
		.points = points,
	};
}

bool crl_covers(const struct crl *l, const struct crl_subject *s, bool by_domain)
{
	if (l->some_reasons || (l->only_user && s->ca) || (l->only_ca && !s->ca))
		return false;
	if (by_domain && names_any_issuer(s->points))
		return any_leads_to(l, s->points, true);
	/* A list of everything needs nobody who leads to it. */
	return !l->point || any_leads_to(l, s->points, false);
}

int crl_points(const X509 *x, CRL_DIST_POINTS **out)
{
	sslerror_clear();
	*out = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	if (*out)
		return 1;
	return sslerror_no_memory() ? -1 : 0;
}

static bool is_address(const GENERAL_NAME *name, struct span *url)
{
	struct x5u parts;

	if (name->type != GEN_URI)
		return false;
	*url = span_make(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
	return url->n <= LIMIT_X5U_BYTES && x5u_check(*url, &parts, NULL) == STIR_OK;
}

static bool is_in(struct span url, const struct span *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(url, all[i]))
			return true;
	return false;
}

size_t crl_points_urls(const CRL_DIST_POINTS *points, struct span *url, size_t max)
{
	size_t n = 0;

	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

		if (!name || name->type != 0)
			continue;
		for (int k = 0; k < sk_GENERAL_NAME_num(name->name.fullname) && n < max; k++) {
			struct span one;

			if (is_address(sk_GENERAL_NAME_value(name->name.fullname, k), &one) && !is_in(one, url, n))
				url[n++] = one;
		}
	}
	return n;
}
