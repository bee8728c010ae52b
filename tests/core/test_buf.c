/* Growable string: growth, the maximum, sticky failure. */
#include "config.h"

#include "core/buf.h"

#include <stdint.h>

#include "tests/lib/tap.h"

static void test_growth(void)
{
	struct buf b;
	bool ok = true;

	buf_init(&b, 100000);
	tap_int((long long)buf_span(&b).n, 0, "empty at first");
	for (int i = 0; i < 100000; i++)
		ok = ok && buf_putc(&b, (char)('a' + i % 26)) == 0;
	tap_ok(ok && !b.failed, "100000 single octets up to the maximum");
	for (int i = 0; i < 100000; i++)
		ok = ok && b.p[i] == 'a' + i % 26;
	tap_ok(ok, "all in place");
	tap_ok(b.p[b.n] == '\0', "NUL after them");
	tap_ok(b.cap <= b.max + 1, "no more memory than the maximum and a NUL");
	tap_int(buf_putc(&b, 'x'), -1, "one more is refused");
	tap_ok(b.failed && b.n == 100000, "noted, nothing changed");
	buf_reset(&b);
	tap_ok(!b.failed && b.n == 0, "reset clears it");
	tap_int(buf_puts(&b, "abc"), 0, "usable again");
	tap_span_is(buf_span(&b), "abc", "with new content");
	buf_free(&b);
	buf_free(&b);
	tap_ok(b.p == NULL, "free twice");
}

static void test_maximum(void)
{
	struct buf b;

	buf_init(&b, 5);
	tap_int(buf_puts(&b, "abc"), 0, "3 of 5");
	tap_int(buf_puts(&b, "def"), -1, "3 more are refused as a whole");
	tap_span_is(buf_span(&b), "abc", "what was there stays");
	tap_int(buf_putc(&b, 'd'), -1, "failure is sticky");
	buf_reset(&b);
	tap_int(buf_printf(&b, "%d", 123456), -1, "formatted text over the maximum");
	buf_reset(&b);
	tap_int(buf_printf(&b, "%d", 12345), 0, "formatted text that fits exactly");
	tap_str(b.p, "12345", "and its NUL");
	buf_free(&b);

	buf_init(&b, 0);
	tap_int(buf_put(&b, NULL, 0), 0, "nothing fits into nothing");
	tap_str(b.p, "", "and is NUL-terminated");
	tap_int(buf_putc(&b, 'x'), -1, "something doesn't");
	buf_free(&b);

	buf_init(&b, SIZE_MAX);
	tap_int(buf_put_span(&b, span_cstr("x")), 0, "no maximum to speak of");
	tap_int(buf_put(&b, "x", SIZE_MAX - 1), -1, "no wrap-around");
	buf_free(&b);
}

static void test_printf(void)
{
	struct buf b;

	buf_init(&b, 1000);
	for (int i = 0; i < 100; i++)
		if (buf_printf(&b, "%02d,", i))
			break;
	tap_int((long long)b.n, 300, "formatted pieces add up");
	tap_ok(span_starts(buf_span(&b), "00,01,") && b.p[299] == ',', "in order");
	buf_free(&b);
}

int main(void)
{
	test_growth();
	test_maximum();
	test_printf();
	return tap_done();
}
