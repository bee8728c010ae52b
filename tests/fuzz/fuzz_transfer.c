/* First octet: the encoding and the size of the pieces; any pieces must decode to the same octets. */
#include "config.h"

#include "core/transfer.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sink(void *ctx, const void *p, size_t n)
{
	buf_put(ctx, p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = span_skip(span_make(data, size), 1), rest;
	size_t step[2] = {size + 1, 1 + (size ? data[0] / 3 : 0)};
	struct transfer t;
	struct buf out[2];

	for (int i = 0; i < 2; i++) {
		buf_init(&out[i], 2 * size + 16);
		transfer_begin(&t, (enum transfer_kind)(size ? data[0] % 3 : 0), sink, &out[i]);
		for (rest = all; rest.n; rest = span_skip(rest, step[i]))
			transfer_feed(&t, rest.p, rest.n < step[i] ? rest.n : step[i]);
		transfer_end(&t);
	}
	if (!span_eq(buf_span(&out[0]), buf_span(&out[1])) || out[0].n > all.n)
		abort();
	buf_free(&out[0]);
	buf_free(&out[1]);
	return 0;
}
