/*
 * DER in; what is taken is written alike, unless a range had members more than two, what
 * it lists is its own, and nothing of it is beyond it.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/tnauthlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool sum(void *arg, const struct tn *start, uint64_t count)
{
	*(uint64_t *)arg += count;
	return start->n > 0;
}

/* Beyond a list of the first entry alone is what the others list. */
static void compare(const struct tnauthlist *l)
{
	static const unsigned char one[] = {0x30, 5, 0xA2, 3, 0x16, 1, '1'};
	struct tnauthlist *small;
	uint64_t beyond = 0;

	if (tnauthlist_parse_reference(span_make(one, sizeof one), &small, NULL) != STIR_OK)
		abort();
	if (!tnauthlist_beyond(l, small, sum, &beyond) || (tnauthlist_within(l, small) && beyond))
		abort();
	(void)tnauthlist_within(small, l);
	for (size_t i = 0; i < tnauthlist_count(l); i++) {
		struct tnauthlist_entry e = tnauthlist_at(l, i);

		if (e.kind == TNENTRY_SPC ? !tnauthlist_has_spc(l, e.spc) || !tnauthlist_spc(l).n : tnauthlist_authority(l, &e.start) != TN_AUTHORITY_TN)
			abort();
	}
	if (!tn_authority_name(tnauthlist_authority(l, &(struct tn){.digits = "9", .n = 1}))[0])
		abort();
	tnauthlist_free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tnauthlist *l, *again;
	struct buf out;

	if (tnauthlist_parse(span_make(data, size), &l, NULL) != STIR_OK)
		return 0;
	buf_init(&out, size + 16);
	if (tnauthlist_write_der(&out, l) || out.n > size || (out.n == size && memcmp(out.p, data, size)))
		abort();
	if (tnauthlist_parse(buf_span(&out), &again, NULL) != STIR_OK)
		abort();
	if (!tnauthlist_within(l, again) || !tnauthlist_within(again, l))
		abort();
	compare(l);
	tnauthlist_free(l);
	tnauthlist_free(again);
	buf_free(&out);
	return 0;
}
