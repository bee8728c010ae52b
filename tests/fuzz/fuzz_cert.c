/* A chain as a stranger serves it; what is taken is shown, and checked with itself as anchors. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/chainlists.h"
#include "core/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span pem = span_make(data, size);
	struct trust *t = NULL;
	struct cert_chain *c;
	struct buf out;
	bool unknown;

	buf_init(&out, 1 << 16);
	if (cert_chain_parse(pem, &c, NULL) == STIR_OK && trust_open("anchors", pem, &t, NULL) == 0) {
		tnauthlist_write_text(&out, cert_chain_tnauthlist(c));
		claimrules_write_text(&out, cert_chain_claimrules(c));
		cert_name(&out, X509_get_subject_name(cert_chain_at(c, 0)));
		if (cert_chain_pem(c).n != size || cert_chain_path_count(c))
			abort();
		if (trust_check(t, c, NULL) == STIR_OK) {
			/* No list of numbers is at hand, and none of revocations. */
			if (trust_scope(c, NULL, NULL) == STIR_OK && chainlists_any(c))
				abort();
			if (trust_revocation(t, c, 0, 0, &unknown) != STIR_OK)
				abort();
		}
	}
	trust_free(t);
	cert_chain_unref(c);
	buf_free(&out);
	return 0;
}
