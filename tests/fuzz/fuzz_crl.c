/* DER or PEM as a revocation list, behind a certificate's CRLDistributionPoints or not: what is taken can be asked anything. */
#include "config.h"

#include <limits.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The certificate's points, cut off what the list begins after; NULL: there are none. */
static CRL_DIST_POINTS *cut_points(struct span *in)
{
	const unsigned char *p = (const unsigned char *)in->p;
	CRL_DIST_POINTS *points = in->n && in->n <= INT_MAX ? d2i_CRL_DIST_POINTS(NULL, &p, (long)in->n) : NULL;
	struct span url[3];

	if (points)
		*in = span_skip(*in, (size_t)(p - (const unsigned char *)in->p));
	if (crl_points_urls(points, url, 3) > 3)
		abort();
	return points;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	CRL_DIST_POINTS *points = cut_points(&in);
	struct crl *l, *again;
	X509 *x = X509_new();
	struct crl_subject s;

	if (crl_read(in, &l, NULL) == 0) {
		if (crl_read(in, &again, NULL) || !crl_is_same(l, again) || !crl_may_replace(again, l))
			abort();
		if (crl_next_update(l) < crl_this_update(l) || crl_count(l) != crl_count(again) || crl_memory(l) < crl_count(l))
			abort();
		/* In the name of its issuer, but its key it has not. */
		if (!x || !X509_set_issuer_name(x, crl_issuer(l)) || !X509_set_subject_name(x, crl_issuer(l)) || crl_signed_by(l, x))
			abort();
		if (!crl_is_current(l, crl_next_update(l)) || crl_is_current(l, crl_next_update(l) + 1))
			abort();
		s = crl_subject_of(x, points);
		if (crl_covers(l, &s, false) != crl_covers(again, &s, false) || crl_covers(l, &s, true) != crl_covers(again, &s, true))
			abort();
		for (int i = 0; i < 4; i++) {
			if (!ASN1_INTEGER_set(X509_get_serialNumber(x), i))
				abort();
			s = crl_subject_of(x, NULL);
			if (crl_revokes(l, &s, 0) != crl_revokes(again, &s, 0))
				abort();
		}
		crl_unref(again);
	}
	crl_unref(l);
	CRL_DIST_POINTS_free(points);
	X509_free(x);
	return 0;
}
