/* A Content-Type value: nothing it gives may be larger than the value, and names and type are in lower case. */
#include "config.h"

#include "core/contenttype.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(2 * size + 64);
	struct contenttype ct;
	size_t sum;

	if (!a || contenttype_parse(span_make(data, size), a, &ct))
		abort();
	sum = ct.type.n;
	for (size_t i = 0; i < ct.nparam; i++) {
		sum += ct.param[i].name.n + ct.param[i].value.n + 1;
		for (size_t k = 0; k < ct.param[i].name.n; k++)
			if (ct.param[i].name.p[k] != span_lower(ct.param[i].name.p[k]))
				abort();
	}
	if (sum > size)
		abort();
	arena_free(a);
	return 0;
}
