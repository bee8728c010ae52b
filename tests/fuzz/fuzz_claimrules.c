/* First octet: which extension; then its length (one octet), its DER, and a payload. */
#include "config.h"

#include <stdint.h>

#include "core/claimrules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct claimrules *r;
	struct span rest = span_make(data, size), der, claim;
	struct buf out;

	if (size < 2)
		return 0;
	der = span_take(span_skip(rest, 2), data[1]);
	rest = span_skip(rest, 2 + der.n);
	if (claimrules_parse(der, data[0] & 1, &r, NULL) != STIR_OK)
		return 0;
	buf_init(&out, 1 << 16);
	claimrules_write_text(&out, r);
	if (claimrules_check(r, rest, &claim) == STIR_CONSTRAINT_VIOLATED)
		buf_put_span(&out, claim);
	claimrules_free(r);
	buf_free(&out);
	return 0;
}
