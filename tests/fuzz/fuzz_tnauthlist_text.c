/* Text in; what is written is read back as the same list. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/tnauthlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tnauthlist *l, *again;
	struct buf one, two;

	if (tnauthlist_from_text(span_make(data, size), &l, NULL))
		return 0;
	buf_init(&one, 1 << 22), buf_init(&two, 1 << 22);
	tnauthlist_write_text(&one, l);
	if (one.failed || tnauthlist_from_text(buf_span(&one), &again, NULL))
		abort();
	tnauthlist_write_text(&two, again);
	if (!span_eq(buf_span(&one), buf_span(&two)))
		abort();
	tnauthlist_free(l);
	tnauthlist_free(again);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
