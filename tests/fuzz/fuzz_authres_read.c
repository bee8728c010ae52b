/* An Authentication-Results value: what is read, written again, is read the same. */
#include "config.h"

#include "core/authres_read.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t write_again(struct buf *out, const struct authres_entry *e, size_t n)
{
	buf_puts(out, "mx.b.example");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "; %.*s=%.*s", SPAN_ARG(e[i].method), SPAN_ARG(e[i].result));
		for (size_t k = 0; k < e[i].nproperty; k++) {
			buf_printf(out, " %.*s.%.*s=", SPAN_ARG(e[i].property[k].type), SPAN_ARG(e[i].property[k].name));
			authres_value(out, e[i].property[k].value);
		}
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(4 * 1024 * 1024);
	struct authres_entry *first, *second;
	struct buf text;
	size_t n;

	buf_init(&text, 1024 * 1024);
	n = authres_read(span_make(data, size), span_cstr("mx.b.example"), a, &first);
	if (n && write_again(&text, first, n) && text.n <= AUTHRES_READ_BYTES && authres_read(buf_span(&text), span_cstr("MX.b.example"), a, &second) != n)
		abort();
	buf_free(&text);
	arena_free(a);
	return 0;
}
