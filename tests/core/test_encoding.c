/* Base64, base64url and hex: RFC 4648 vectors, and everything that is refused. */
#include "config.h"

#include "core/encoding.h"

#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}

static const struct {
	struct span plain;
	const char *base64, *base64url;
} good[] = {
	{SPAN(""), "", ""},
	{SPAN("f"), "Zg==", "Zg"},
	{SPAN("fo"), "Zm8=", "Zm8"},
	{SPAN("foo"), "Zm9v", "Zm9v"},
	{SPAN("foob"), "Zm9vYg==", "Zm9vYg"},
	{SPAN("fooba"), "Zm9vYmE=", "Zm9vYmE"},
	{SPAN("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
	{SPAN("\xFB\xFF\xBF"), "+/+/", "-_-_"},
	{SPAN("\xFF\xFF\xFF\xFF"), "/////w==", "_____w"},
	{SPAN("\0\0\0"), "AAAA", "AAAA"},
	{SPAN("\x14\xFB\x9C\x03\xD9\x7E"), "FPucA9l+", "FPucA9l-"},
};

/* Refused by both, or by one of them. */
static const struct {
	struct span text;
	bool in_base64, in_base64url; /* accepted there */
} odd[] = {
	{SPAN("A"), false, false},
	{SPAN("AAAAA"), false, false},
	{SPAN("Zg="), false, false},
	{SPAN("Zg==="), false, false},
	{SPAN("Zm8=="), false, false},
	{SPAN("="), false, false},
	{SPAN("=="), false, false},
	{SPAN("==="), false, false},
	{SPAN("===="), false, false},
	{SPAN("A==="), false, false},
	{SPAN("Zg=A"), false, false},
	{SPAN("Zg==Zg=="), false, false},
	{SPAN("Zh"), false, false},
	{SPAN("Zh=="), false, false},
	{SPAN("Zm9"), false, false},
	{SPAN("Zm9="), false, false},
	{SPAN("Zg==\n"), false, false},
	{SPAN(" Zm9v"), false, false},
	{SPAN("Zm9v "), false, false},
	{SPAN("Zm 9v"), false, false},
	{SPAN("Zm\r\n9v"), false, false},
	{SPAN("Zm9\0"), false, false},
	{SPAN("Zm9\xC3"), false, false},
	{SPAN("Zm9."), false, false},
	{SPAN("Zm9*"), false, false},
	{SPAN("+/+/"), true, false},
	{SPAN("-_-_"), false, true},
	{SPAN("+_+/"), false, false},
	{SPAN("Zg=="), true, false},
	{SPAN("Zg"), true, true},
	{SPAN("Zm8"), true, true},
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		unsigned char out[16];
		struct buf b;
		size_t n;

		buf_init(&b, 100);
		base64_encode(&b, good[i].plain.p, good[i].plain.n);
		tap_span_is(buf_span(&b), good[i].base64, "%zu: base64", i);
		buf_reset(&b);
		base64url_encode(&b, good[i].plain.p, good[i].plain.n);
		tap_span_is(buf_span(&b), good[i].base64url, "%zu: base64url", i);
		buf_free(&b);
		tap_int(base64_decode(span_cstr(good[i].base64), out, sizeof out, &n), 0, "%zu: base64 read", i);
		tap_span(span_make(out, n), good[i].plain, "%zu: and right", i);
		tap_int(base64url_decode(span_cstr(good[i].base64url), out, sizeof out, &n), 0, "%zu: base64url read", i);
		tap_span(span_make(out, n), good[i].plain, "%zu: and right", i);
		tap_int(base64url_decode(span_cstr(good[i].base64url), out, good[i].plain.n, &n), 0, "%zu: exact room", i);
		if (good[i].plain.n)
			tap_int(base64url_decode(span_cstr(good[i].base64url), out, good[i].plain.n - 1, &n), -1,
				"%zu: one octet short of room", i);
	}
}

static void test_odd(void)
{
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		unsigned char out[16];
		size_t n = 99;

		tap_int(base64_decode(odd[i].text, out, sizeof out, &n), odd[i].in_base64 ? 0 : -1, "odd %zu: base64", i);
		tap_ok(odd[i].in_base64 || n == 0, "odd %zu: nothing given", i);
		tap_int(base64url_decode(odd[i].text, out, sizeof out, &n), odd[i].in_base64url ? 0 : -1,
			"odd %zu: base64url", i);
	}
}

/* Of all four-character texts over a small alphabet, exactly the canonical ones pass. */
static void test_one_spelling(void)
{
	static const char set[] = "AQgwB+/-_= ";
	bool ok = true;
	int passed = 0;

	for (int v = 0; v < 11 * 11 * 11 * 11; v++) {
		char text[4] = {set[v % 11], set[v / 11 % 11], set[v / 121 % 11], set[v / 1331]};
		unsigned char out[4];
		struct buf b;
		size_t n;

		if (base64_decode(span_make(text, 4), out, sizeof out, &n))
			continue;
		passed++;
		buf_init(&b, 10);
		base64_encode(&b, out, n);
		ok = ok && span_eq(buf_span(&b), span_make(text, 4));
		buf_free(&b);
	}
	tap_ok(ok, "what is read is written the same (%d texts)", passed);
	/* 7 of the set are digits; A, Q, g and w have four zero bits at their end and may stand before '='. */
	tap_int(passed, 7 * 7 * 7 * 7 + 7 * 7 * 4 + 7 * 4, "as many as there can be");
}

static void test_sizes(void)
{
	char out[6];

	tap_int((long long)encoding_decoded_max(0), 0, "room for 0");
	tap_int((long long)encoding_decoded_max(2), 1, "room for 2");
	tap_int((long long)encoding_decoded_max(3), 2, "room for 3");
	tap_int((long long)encoding_decoded_max(4), 3, "room for 4");
	tap_int((long long)encoding_decoded_max(86), 64, "room for 86");
	tap_ok(encoding_decoded_max((size_t)-1) < (size_t)-1, "no overflow");
	hex_encode(out, (const unsigned char *)"\x00\xAF\x5C", 3);
	tap_span_is(span_make(out, 6), "00af5c", "hex");
}

static void test_writer_stops(void)
{
	struct buf b;

	buf_init(&b, 6);
	base64_encode(&b, "foobar", 6);
	tap_ok(b.failed, "a full buffer is noted by the writer");
	buf_free(&b);
}

int main(void)
{
	test_good();
	test_odd();
	test_one_spelling();
	test_sizes();
	test_writer_stops();
	return tap_done();
}
