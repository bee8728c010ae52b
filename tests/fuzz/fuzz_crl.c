/* DER or PEM as a revocation list: what is taken can be asked anything. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl *l, *again;
	X509 *x = X509_new();
	struct crl_subject s;

	if (crl_read(span_make(data, size), &l, NULL) == 0) {
		if (crl_read(span_make(data, size), &again, NULL) || !crl_is_same(l, again) || !crl_may_replace(again, l))
			abort();
		if (crl_next_update(l) < crl_this_update(l) || crl_count(l) != crl_count(again))
			abort();
		/* In the name of its issuer, but its key it has not. */
		if (!x || !X509_set_issuer_name(x, crl_issuer(l)) || !X509_set_subject_name(x, crl_issuer(l)) || crl_signed_by(l, x))
			abort();
		s = crl_subject_of(x, NULL);
		(void)crl_covers(l, &s, crl_is_indirect(l));
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
	X509_free(x);
	return 0;
}
