/* Counters as decimal text: one spelling for each, and no overflow. */
#include "config.h"

#include "core/store/store_counter.h"

#include <inttypes.h>
#include <stdio.h>

/* Sums downwards, since there is one more negative number. */
static bool read_number(struct span text, int64_t *out)
{
	bool minus = text.n > 0 && text.p[0] == '-';
	struct span digits = span_skip(text, minus);
	int64_t v = 0;

	if (digits.n == 0 || (digits.p[0] == '0' && (digits.n > 1 || minus)))
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digits.p[i] - '0', &v))
			return false;
	}
	if (!minus && v == INT64_MIN)
		return false;
	*out = minus ? v : -v;
	return true;
}

int store_counter_read(struct span text, int64_t *out, struct err *e)
{
	return read_number(text, out) ? 0 : err_set(e, ERR_DATA, "the value is no counter");
}

int store_counter_add(struct span old, int64_t by, struct store_counter *out, struct err *e)
{
	int64_t v = 0;

	if (old.n && store_counter_read(old, &v, e))
		return -1;
	if (__builtin_add_overflow(v, by, &v))
		return err_set(e, ERR_DATA, "the counter would overflow");
	out->value = v;
	out->n = (size_t)snprintf(out->text, sizeof out->text, "%" PRId64, v);
	return 0;
}
