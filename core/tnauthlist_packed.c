/*
 * One entry of a TNAuthList in sixteen octets, and back.
 *
 * A number of fifteen of ten digits, '#' and '*' is below 12^15 < 2^54, which
 * leaves room for its length (or an SPC's) and the kind.
 */
#include "config.h"

#include "core/limits.h"
#include "core/tnauthlist_internal.h"

enum { BASE = 12, LENGTH_SHIFT = 56, KIND_SHIFT = 62, MOST_LENGTH = 63 };
_Static_assert((int)LIMIT_SPC_BYTES <= (int)MOST_LENGTH && (int)TN_MAX_DIGITS <= (int)MOST_LENGTH, "each length fits");

static const char digit_set[] = "0123456789#*";

struct tnauthlist_packed tnauthlist_pack(const struct tnauthlist_entry *e)
{
	size_t n = e->kind == TNENTRY_SPC ? e->spc.n : e->start.n;
	struct tnauthlist_packed p = {(uint64_t)e->kind << KIND_SHIFT | (uint64_t)n << LENGTH_SHIFT, 0};
	uint64_t v = 0;

	if (e->kind == TNENTRY_SPC) {
		p.more = (uintptr_t)e->spc.p;
		return p;
	}
	for (size_t i = 0; i < n; i++)
		v = v * BASE + (uint64_t)(e->start.digits[i] == '#' ? 10 : e->start.digits[i] == '*' ? 11 : e->start.digits[i] - '0');
	p.what |= v;
	p.more = e->kind == TNENTRY_RANGE ? e->count : 0;
	return p;
}

struct tnauthlist_entry tnauthlist_unpack(struct tnauthlist_packed p)
{
	struct tnauthlist_entry e = {.kind = TNENTRY_SPC};
	size_t n = p.what >> LENGTH_SHIFT & MOST_LENGTH;
	uint64_t v = p.what & (((uint64_t)1 << LENGTH_SHIFT) - 1);

	switch (p.what >> KIND_SHIFT) {
	case TNENTRY_SPC:
		e.spc = span_make((const char *)(uintptr_t)p.more, n);
		return e;
	case TNENTRY_RANGE:
		e.kind = TNENTRY_RANGE;
		e.count = p.more;
		break;
	default:
		e.kind = TNENTRY_ONE;
		break;
	}
	e.start.n = (unsigned char)n;
	for (size_t i = n; i-- > 0; v /= BASE)
		e.start.digits[i] = digit_set[v % BASE];
	return e;
}
