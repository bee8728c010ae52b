/* An Identity value that is read comes back the same, written and folded. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(4 * LIMIT_IDENTITY_BYTES + 1024);
	struct identity id, again;
	struct buf line, folded;

	buf_init(&line, 2 * LIMIT_IDENTITY_BYTES);
	buf_init(&folded, 4 * LIMIT_IDENTITY_BYTES);
	if (a && identity_parse(span_make(data, size), a, &id) == STIR_OK) {
		if (id.token.n == 0 || id.info.n == 0 || id.has_alg != (id.alg.n > 0) || id.has_ppt != (id.ppt.n > 0))
			abort();
		identity_write(&line, id.token, id.info, "msg");
		identity_fold(&folded, buf_span(&line));
		if (folded.n <= LIMIT_IDENTITY_BYTES && (identity_parse(buf_span(&folded), a, &again) != STIR_OK || !span_eq(id.token, again.token) ||
							 !span_eq(id.info, again.info) || !span_is(again.ppt, "msg")))
			abort();
	}
	buf_free(&folded);
	buf_free(&line);
	arena_free(a);
	return 0;
}
