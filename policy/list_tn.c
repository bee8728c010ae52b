/*
 * Telephone numbers in a list: exact ones, ranges, prefixes.
 *
 * Numbers and ranges are kept by length and value, since a range holds numbers
 * of its ends' length only.  Prefixes are kept in the order of a telephone
 * book, where all that begins with the same digits stands together whatever
 * its length.
 */
#include "config.h"

#include "policy/list_internal.h"

enum { LENGTH_STEP = 16 /* lengths 1..15 */ };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The order of a telephone book: the digits filled up to 15, then the length. */
static uint64_t by_digits(uint64_t value, unsigned n)
{
	return value * tn_count(TN_MAX_DIGITS - n) * LENGTH_STEP + n;
}

static uint64_t by_digits_of(uint64_t key)
{
	return by_digits(tn_key_value(key), tn_key_digits(key));
}

static int add_prefix(struct list_builder *b, uint64_t value, unsigned n, uint32_t where)
{
	uint64_t lo = by_digits(value, n);
	/* the last number that begins so: nines up to the end */
	uint64_t hi = ((value + 1) * tn_count(TN_MAX_DIGITS - n) - 1) * LENGTH_STEP + TN_MAX_DIGITS;

	return list_items_add(&b->prefix, (struct list_item){lo, hi, where});
}

/* --- as text */

struct digits {
	uint64_t value;
	unsigned n;
};

/* '+' and digits from *at on; *at is then behind them. */
static int read_digits(struct list_builder *b, struct span s, size_t *at, struct digits *out)
{
	size_t i = *at;

	*out = (struct digits){0, 0};
	if (i == s.n || s.p[i] != '+')
		return list_wrong(b, i, "a number begins with +");
	for (i++; i < s.n && is_digit(s.p[i]); i++) {
		if (out->n == TN_MAX_DIGITS)
			return list_wrong(b, i, "a number has at most %d digits", TN_MAX_DIGITS);
		out->value = 10 * out->value + (uint64_t)(s.p[i] - '0');
		out->n++;
	}
	if (!out->n)
		return list_wrong(b, i, "there is no digit behind the +");
	if (s.p[*at + 1] == '0')
		return list_wrong(b, *at + 1, "an international number does not begin with 0");
	*at = i;
	return 0;
}

static int long_enough(struct list_builder *b, size_t at, const struct digits *d)
{
	return d->n < TN_MIN_E164 ? list_wrong(b, at, "an international number has at least %d digits", TN_MIN_E164) : 0;
}

static int read_range(struct list_builder *b, struct span s, size_t at, const struct digits *low, uint32_t where)
{
	size_t second = at;
	struct digits high;

	if (read_digits(b, s, &at, &high) < 0)
		return -1;
	if (at < s.n)
		return list_wrong(b, at, "the range ends before this");
	if (low->n != high.n)
		return list_wrong(b, second, "both ends of a range have the same number of digits, these have %u and %u", low->n, high.n);
	if (low->value > high.value)
		return list_wrong(b, second, "the first number of a range is the lower one");
	if (long_enough(b, second, &high) < 0)
		return -1;
	return list_items_add(&b->range, (struct list_item){tn_key(low->n, low->value), tn_key(high.n, high.value), where});
}

int list_tn_entry(struct list_builder *b, struct span s, uint32_t where)
{
	struct digits d;
	uint64_t key;
	size_t at = 0;

	if (read_digits(b, s, &at, &d) < 0)
		return -1;
	if (at + 1 == s.n && s.p[at] == '*')
		return add_prefix(b, d.value, d.n, where);
	if (at + 2 <= s.n && s.p[at] == '.' && s.p[at + 1] == '.')
		return read_range(b, s, at + 2, &d, where);
	if (at < s.n)
		return list_wrong(b, at, "this is neither a digit nor the end of the number");
	if (long_enough(b, 0, &d) < 0)
		return -1;
	key = tn_key(d.n, d.value);
	return list_items_add(&b->number, (struct list_item){key, key, where});
}

/* --- as literals of a policy, and as facts */

/* false: there is '#' or '*' in it, or nothing. */
static bool from_tn(const struct tn *t, struct digits *out)
{
	out->n = t->n;
	return tn_value(t, &out->value);
}

int list_tn_value(struct list_builder *b, const struct ast_value *v, uint32_t where)
{
	struct digits d, high;
	uint64_t lo;

	if (!from_tn(&v->tn, &d))
		return list_wrong(b, 0, "a number in a list has digits only");
	if (v->kind == AST_TN_PREFIX)
		return add_prefix(b, d.value, d.n, where);
	lo = tn_key(d.n, d.value);
	if (v->kind == AST_TN)
		return list_items_add(&b->number, (struct list_item){lo, lo, where});
	if (!from_tn(&v->tn2, &high))
		return list_wrong(b, 0, "a number in a list has digits only");
	if (high.n != d.n || high.value < d.value)
		return list_wrong(b, 0, "both ends of a range have the same number of digits, and the first is the lower one");
	return list_items_add(&b->range, (struct list_item){lo, tn_key(high.n, high.value), where});
}

/* Both ends begin with one and the same prefix, so all between them do. */
static bool in_prefix(const struct list *l, const struct list_item *it)
{
	int64_t i = list_ranges_find(&l->prefix, by_digits_of(it->lo));

	return i >= 0 && list_ranges_find(&l->prefix, by_digits_of(it->hi)) == i;
}

static void drop_covered(struct list_builder *b, struct list_items *s)
{
	size_t n = 0;

	if (!b->l->prefix.lo.n && !b->l->range.lo.n)
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (in_prefix(b->l, &s->v[i]) || list_ranges_find(&b->l->range, s->v[i].lo) >= 0)
			list_redundant_count(&b->redundant, s->v[i].where);
		else
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

int list_tn_finish(struct list_builder *b)
{
	if (list_ranges_make(&b->l->prefix, &b->prefix, false, &b->redundant) < 0)
		return -1;
	drop_covered(b, &b->range);
	if (list_ranges_make(&b->l->range, &b->range, false, &b->redundant) < 0)
		return -1;
	drop_covered(b, &b->number);
	return list_ranges_make(&b->l->number, &b->number, true, &b->redundant);
}

bool list_contains_tn(const struct list *l, const struct tn *t)
{
	struct digits d;
	uint64_t key;

	if (l->type != LIST_TN || !from_tn(t, &d))
		return false;
	key = tn_key(d.n, d.value);
	return list_ranges_find(&l->number, key) >= 0 || list_ranges_find(&l->range, key) >= 0 ||
	       (l->prefix.lo.n && list_ranges_find(&l->prefix, by_digits(d.value, d.n)) >= 0);
}
