/* Claims with rcd and rcdi; and what stands before the first '{' as a JSON pointer into all of it. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/jws.h"
#include "core/limits.h"
#include "core/msgi.h"
#include "core/rcd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct span text = span_make(data, size), name;
	struct span pointer = span_take(text, span_find(text, '{'));
	json_t *root = NULL;
	enum stir_rcd found;
	bool shown;

	msgi_init();
	text = span_skip(text, pointer.n);
	if (a) {
		found = rcd_read(text, a, &name);
		shown = found == STIR_RCD_PRESENT || found == STIR_RCD_VERIFIED || found == STIR_RCD_UNCHECKED;
		if (shown != (name.n > 0) || name.n > LIMIT_RCD_NAME_BYTES)
			abort();
	}
	if (jws_json(text, &root) == 0)
		if (rcd_pointer(root, pointer, NULL, NULL) == root && pointer.n)
			abort();
	json_decref(root);
	arena_free(a);
	return 0;
}
