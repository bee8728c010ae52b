/* A line of a fact log: what is read is written, and read again to the same. */
#include "config.h"

#include "policy/factlog.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again(struct buf *out, const struct facts *f, const struct factlog_record *rec)
{
	struct factlog_context c = {.id = rec->id, .time = rec->time, .numbers = FACTLOG_FULL};

	buf_init(out, FACTLOG_LINE_MAX);
	return factlog_write(out, f, NULL, NULL, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	struct factlog_record rec;
	struct buf one, two;
	struct facts f;
	struct err e = {ERR_NONE, ""};

	if (!a)
		abort();
	if (factlog_read(span_make(data, size), a, &f, &rec, &e) < 0) {
		if (!e.text[0])
			abort();
	} else {
		if (again(&one, &f, &rec) || factlog_read(buf_span(&one), a, &f, &rec, &e) < 0 || again(&two, &f, &rec) || !span_eq(buf_span(&one), buf_span(&two)))
			abort();
		buf_free(&one);
		buf_free(&two);
	}
	arena_free(a);
	return 0;
}
