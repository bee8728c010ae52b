/* Arena: alignment, zeroing, the cap, sticky overflow, reset. */
#include "config.h"

#include "core/arena.h"

#include <stdint.h>

#include "tests/lib/tap.h"

static struct arena *fresh(size_t cap)
{
	struct arena *a = arena_new(cap);

	if (!a)
		tap_bail("no memory");
	return a;
}

static bool zeroed(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_sizes(void)
{
	static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 100, 1000, 4095, 4096, 4097, 16384, 16385, 70000, 300000};
	struct arena *a = fresh(8 * 1024 * 1024);

	for (int round = 0; round < 3; round++) {
		bool aligned = true, clean = true;

		for (size_t i = 0; i < 200; i++) {
			size_t n = sizes[i % (sizeof sizes / sizeof sizes[0])];
			unsigned char *p = arena_alloc(a, n);

			aligned = aligned && p && (uintptr_t)p % _Alignof(max_align_t) == 0;
			clean = clean && p && zeroed(p, n);
			if (p)
				memset(p, 0xA5, n);
		}
		tap_ok(aligned, "round %d: every allocation is aligned", round);
		tap_ok(clean, "round %d: every allocation is zeroed", round);
		tap_ok(arena_used(a) >= 200 / 15 * 400000, "round %d: used counts", round);
		tap_ok(!arena_overflowed(a), "round %d: no overflow", round);
		arena_reset(a);
		tap_int((long long)arena_used(a), 0, "round %d: nothing used after reset", round);
	}
	arena_free(a);
}

static void test_apart(void)
{
	struct arena *a = fresh(1024 * 1024);
	unsigned char *p[2000];
	bool kept = true;

	for (size_t i = 0; i < 2000; i++) {
		p[i] = arena_alloc(a, 1 + i % 97);
		if (!p[i])
			tap_bail("overflow");
		memset(p[i], (int)(i & 0xFF), 1 + i % 97);
	}
	for (size_t i = 0; i < 2000; i++)
		for (size_t k = 0; k < 1 + i % 97; k++)
			kept = kept && p[i][k] == (i & 0xFF);
	tap_ok(kept, "2000 allocations don't touch each other");
	arena_free(a);
}

static void test_cap(void)
{
	struct arena *a = fresh(1000);

	tap_ok(arena_alloc(a, 500) != NULL, "500 of 1000");
	tap_ok(arena_alloc(a, 600) == NULL, "600 more don't fit");
	tap_ok(arena_overflowed(a), "overflow is seen");
	tap_ok(arena_alloc(a, 1) == NULL, "overflow is sticky");
	tap_ok(arena_cstr(a, span_cstr("x")) == NULL, "for text too");
	tap_int((long long)arena_copy(a, span_cstr("x")).n, 0, "for copies too");
	tap_int((long long)arena_printf(a, "%d", 1).n, 0, "for formatted text too");
	arena_reset(a);
	tap_ok(!arena_overflowed(a), "reset ends it");
	tap_ok(arena_alloc(a, 900) != NULL, "900 of 1000 after reset");
	arena_reset(a);
	tap_ok(arena_array(a, SIZE_MAX / 2, 3) == NULL && arena_overflowed(a), "a product too large");
	arena_reset(a);
	tap_ok(arena_alloc(a, SIZE_MAX) == NULL && arena_overflowed(a), "SIZE_MAX octets");
	arena_reset(a);
	tap_ok(arena_array(a, 0, 8) != NULL && arena_array(a, 8, 0) != NULL, "empty arrays");
	arena_free(a);

	a = fresh(0);
	tap_ok(arena_alloc(a, 0) == NULL && arena_overflowed(a), "a cap of nothing gives nothing");
	arena_free(a);
	a = fresh(SIZE_MAX);
	tap_ok(arena_alloc(a, SIZE_MAX - 3) == NULL, "no wrap-around without a cap");
	arena_free(a);
	arena_free(NULL);
}

static void test_text(void)
{
	struct arena *a = fresh(100000);
	struct span empty = arena_copy(a, span_make(NULL, 0));
	char *s;

	tap_span_is(arena_copy(a, span_cstr("abc")), "abc", "copy");
	tap_ok(empty.n == 0 && empty.p && !arena_overflowed(a), "copy of nothing");
	s = arena_cstr(a, span_make("abcdef", 3));
	tap_str(s, "abc", "cstr ends after the span");
	tap_str(arena_cstr(a, span_make(NULL, 0)), "", "cstr of nothing");
	tap_span_is(arena_printf(a, "%s-%05d", "x", 42), "x-00042", "printf");
	tap_span_is(arena_printf(a, "%s", ""), "", "printf of nothing");
	tap_int((long long)arena_printf(a, "%20000d", 1).n, 20000, "printf larger than a block");
	arena_free(a);
}

int main(void)
{
	test_sizes();
	test_apart();
	test_cap();
	test_text();
	return tap_done();
}
