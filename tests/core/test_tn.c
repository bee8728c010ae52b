/* Telephone numbers as claims and as people write them. */
#include "config.h"

#include "core/tn.h"

#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}

static void test_claim(void)
{
	static const struct {
		struct span text;
		bool ok;
	} t[] = {
		{SPAN("12155551212"), true}, {SPAN("1"), true}, {SPAN("123456789012345"), true},
		{SPAN("1234567890123456"), false}, {SPAN(""), false}, {SPAN("+12155551212"), false},
		{SPAN("1-215"), false}, {SPAN(" 12"), false}, {SPAN("12 "), false}, {SPAN("*67"), true},
		{SPAN("#31#"), true}, {SPAN("12\0"), false}, {SPAN("12a"), false}, {SPAN("\xD9\xA1"), false},
		{SPAN("0"), true},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct tn tn;

		memset(&tn, 0x5A, sizeof tn);
		tap_int(tn_from_claim(t[i].text, &tn), t[i].ok ? 0 : -1, "claim %zu", i);
		if (t[i].ok)
			tap_span(tn_span(&tn), t[i].text, "claim %zu: its digits", i);
		else
			tap_int(tn.n, 0, "claim %zu: no number", i);
	}
}

static void test_global(void)
{
	static const struct {
		struct span text;
		const char *digits;
	} t[] = {
		{SPAN("+15551230001"), "15551230001"},
		{SPAN("+1 (555) 123-0001"), "15551230001"},
		{SPAN("+1.555.123.0001"), "15551230001"},
		{SPAN("+(44)20-7946-0123"), "442079460123"},
		{SPAN("+1234567"), "1234567"},
		{SPAN("+123456789012345"), "123456789012345"},
		{SPAN("+123456"), NULL},
		{SPAN("+1234567890123456"), NULL},
		{SPAN("+0123456789"), NULL},
		{SPAN("15551230001"), NULL},
		{SPAN(" +15551230001"), NULL},
		{SPAN("++15551230001"), NULL},
		{SPAN("+1555123+0001"), NULL},
		{SPAN("+1555123#0001"), NULL},
		{SPAN("+1555123\t0001"), NULL},
		{SPAN("+1555123\0" "0001"), NULL},
		{SPAN("+1555\xC2\xA0" "1230001"), NULL},
		{SPAN("+"), NULL},
		{SPAN(""), NULL},
		{SPAN("+() -."), NULL},
		{SPAN("tel:+15551230001"), NULL},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct tn tn;

		memset(&tn, 0x5A, sizeof tn);
		tap_int(tn_from_global(t[i].text, &tn), t[i].digits ? 0 : -1, "global %zu", i);
		if (t[i].digits)
			tap_str(tn.digits, t[i].digits, "global %zu: its digits", i);
		else
			tap_int(tn.n, 0, "global %zu: no number", i);
	}
}

static struct tn tn(const char *digits)
{
	struct tn t;

	if (tn_from_claim(span_cstr(digits), &t))
		tap_bail("%s is no number", digits);
	return t;
}

static void test_compare(void)
{
	struct tn a = tn("15551230001"), b = tn("15551230002"), c = tn("9"), m;

	tap_ok(tn_eq(&a, &a) && !tn_eq(&a, &b) && !tn_eq(&a, &c), "eq");
	tap_ok(tn_cmp(&a, &b) < 0 && tn_cmp(&b, &a) > 0 && tn_cmp(&a, &a) == 0, "cmp in numeric order");
	tap_ok(tn_cmp(&c, &a) < 0, "shorter first");
	m = tn_masked(&a);
	tap_str(m.digits, "*********01", "masked");
	m = tn_masked(&c);
	tap_str(m.digits, "9", "one digit stays");
}

static void test_key(void)
{
	static const char *const in_order[] = {"0", "9", "00", "09", "10", "15551230001", "15551230002", "000000000000000", "999999999999999"};
	uint64_t before = 0, value;
	struct tn star = tn("1*"), none = {.n = 0};

	for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
		struct tn t = tn(in_order[i]), back;
		uint64_t key = tn_value(&t, &value) ? tn_key(t.n, value) : 0;

		back = tn_of_key(key);
		tap_ok(key > before && tn_eq(&back, &t), "%s: above the one before, and itself again", in_order[i]);
		tap_ok(tn_key_digits(key) == t.n && tn_key_value(key) == value && value < tn_count(t.n), "%s: its parts", in_order[i]);
		before = key;
	}
	tap_ok(!tn_value(&star, &value), "a star has no value");
	tap_ok(!tn_value(&none, &value), "nor has no number");
	tap_ok(tn_count(0) == 1 && tn_count(15) == 1000000000000000, "numbers of 15 digits");
}

int main(void)
{
	test_claim();
	test_global();
	test_compare();
	test_key();
	return tap_done();
}
