/* A table of providers; what a plain line of one that is taken says, the table answers. */
#include "config.h"

#include "core/spctable.h"
#include "core/tnauthlist.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list of that provider covers what the table says of it, and one number of it. */
static void hold_list(const struct spctable *t, struct span spc, const struct tn *first, uint64_t n)
{
	struct tnauthlist *l;
	struct buf text;

	buf_init(&text, 512);
	buf_puts(&text, "spc:");
	buf_put_span(&text, spc);
	if (spctable_look(t, spc, first) != SPCTABLE_COVERS)
		abort();
	if (tnauthlist_from_text(buf_span(&text), &l, NULL) == 0) {
		/* A comma in it would make it two. */
		if (tnauthlist_count(l) == 1 && spctable_look_list(t, l, first, n) != SPCTABLE_COVERS)
			abort();
		if (spctable_look_list(t, l, first, UINT64_MAX) == SPCTABLE_COVERS)
			abort();
		tnauthlist_free(l);
	}
	buf_free(&text);
}

static void hold(const struct spctable *t, struct span line)
{
	struct span spc = span_trim(span_cut(&line, ',')), start = span_trim(span_cut(&line, ',')), count = span_trim(line);
	uint64_t n = 0;
	struct tn first;

	for (size_t i = 0; i < count.n && count.p[i] >= '0' && count.p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(count.p[i] - '0');
	if (start.n && start.p[0] == '+')
		start = span_skip(start, 1);
	if (spc.n && n && tn_from_claim(start, &first) == 0) {
		if (spctable_look_range(t, spc, &first, n) != SPCTABLE_COVERS)
			abort();
		hold_list(t, spc, &first, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span csv = span_make(data, size);
	struct spctable *t;

	if (spctable_parse("t", csv, &t, NULL))
		return 0;
	if (spctable_providers(t) > spctable_count(t) || spctable_look(t, span_cstr(""), &(struct tn){.digits = "1", .n = 1}) != SPCTABLE_UNKNOWN)
		abort();
	spctable_unref(spctable_ref(t));
	if (span_starts(csv, "\xef\xbb\xbf"))
		csv = span_skip(csv, 3);
	while (csv.n) {
		struct span line = span_cut(&csv, '\n');

		/* Comments and quotes are the parser's. */
		if (span_find(line, '#') == line.n && span_find(line, '"') == line.n)
			hold(t, line);
	}
	spctable_unref(t);
	return 0;
}
