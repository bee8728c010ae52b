/* Strict decoders: what is read has one spelling, padding apart. */
#include "config.h"

#include <stdlib.h>

#include "core/encoding.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span text = span_make(data, size);
	size_t cap = encoding_decoded_max(size), n;
	unsigned char *out = malloc(cap + 1);
	struct buf b;

	buf_init(&b, size + 2);
	if (out && base64url_decode(text, out, cap, &n) == 0)
		base64url_encode(&b, out, n);
	if (b.failed || (b.n && !span_eq(buf_span(&b), text)))
		abort();
	buf_reset(&b);
	if (out && base64_decode(text, out, cap, &n) == 0)
		base64_encode(&b, out, n);
	if (b.failed || (b.n && !span_eq(span_take(buf_span(&b), size), text)))
		abort();
	buf_free(&b);
	free(out);
	return 0;
}
