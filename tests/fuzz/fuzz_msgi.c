/* What msgi_parse() reads, msgi_write() spells in one way that reads the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/msgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct msgi_value v, again;
	struct buf b;

	if (msgi_parse(text, &v))
		return 0;
	buf_init(&b, 200);
	msgi_write(&b, &v);
	if (b.failed || msgi_parse(buf_span(&b), &again) || !msgi_eq(&v, &again))
		abort();
	/* Only padding may differ. */
	if (text.n > b.n || b.n - text.n > 2 || !span_eq(text, span_take(buf_span(&b), text.n)))
		abort();
	buf_free(&b);
	return 0;
}
