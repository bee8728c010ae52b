/* Authentication-Results values: is it a claim to be ours? */
#include "config.h"

#include "core/authres.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out;

	authres_is_claim(span_make(data, size), span_cstr("mx.b.example"));
	buf_init(&out, 65536);
	authres_value(&out, span_make(data, size < 1000 ? size : 1000));
	buf_free(&out);
	return 0;
}
