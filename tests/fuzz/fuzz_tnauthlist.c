/* DER in; what is taken is written alike, unless a range had members more than two. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/tnauthlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tnauthlist *l, *again;
	struct buf out;

	if (tnauthlist_parse(span_make(data, size), &l, NULL) != STIR_OK)
		return 0;
	buf_init(&out, size + 16);
	if (tnauthlist_write_der(&out, l) || out.n > size || (out.n == size && memcmp(out.p, data, size)))
		abort();
	if (tnauthlist_parse(buf_span(&out), &again, NULL) != STIR_OK)
		abort();
	if (!tnauthlist_within(l, again) || !tnauthlist_within(again, l))
		abort();
	tnauthlist_free(l);
	tnauthlist_free(again);
	buf_free(&out);
	return 0;
}
