/*
 * Telephone numbers as claims and as people write them.
 *
 * Knows no numbering plan: national and short forms are numberplan.c's.
 */
#include "config.h"

#include "core/tn.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int none(struct tn *out)
{
	memset(out, 0, sizeof *out);
	return -1;
}

int tn_from_claim(struct span s, struct tn *out)
{
	none(out);
	if (s.n < 1 || s.n > TN_MAX_DIGITS)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) && s.p[i] != '#' && s.p[i] != '*')
			return -1;
	memcpy(out->digits, s.p, s.n);
	out->n = (unsigned char)s.n;
	return 0;
}

int tn_from_global(struct span s, struct tn *out)
{
	none(out);
	if (s.n < 1 || s.p[0] != '+')
		return -1;
	for (size_t i = 1; i < s.n; i++) {
		if (is_digit(s.p[i])) {
			if (out->n == TN_MAX_DIGITS)
				return none(out);
			out->digits[out->n++] = s.p[i];
		} else if (s.p[i] == '\0' || !strchr("-.() ", s.p[i])) {
			return none(out);
		}
	}
	if (out->n < TN_MIN_E164 || out->digits[0] == '0')
		return none(out);
	return 0;
}

bool tn_eq(const struct tn *a, const struct tn *b)
{
	return a->n == b->n && memcmp(a->digits, b->digits, a->n) == 0;
}

/* Shorter first: numbers of one length then stand in numeric order. */
int tn_cmp(const struct tn *a, const struct tn *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return memcmp(a->digits, b->digits, a->n);
}

uint64_t tn_count(size_t n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

bool tn_value(const struct tn *t, uint64_t *value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (!is_digit(t->digits[i]))
			return false;
		v = v * 10 + (uint64_t)(t->digits[i] - '0');
	}
	*value = v;
	return t->n > 0;
}

struct tn tn_of_key(uint64_t key)
{
	struct tn t = {.n = (unsigned char)tn_key_digits(key)};
	uint64_t value = tn_key_value(key);

	for (size_t i = t.n; i-- > 0; value /= 10)
		t.digits[i] = (char)('0' + value % 10);
	return t;
}

struct tn tn_masked(const struct tn *t)
{
	struct tn masked = *t;

	for (size_t i = 0; i + 2 < masked.n; i++)
		masked.digits[i] = '*';
	return masked;
}
