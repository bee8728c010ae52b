/*
 * What a table of a million ranges costs: reading it in order and in disorder,
 * memory, and a look-up.
 *
 * Blocks of a thousand numbers of three thousand providers, as a country's
 * administration gives them out.  Prints CPU time.
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/spctable.h"
#include "tests/lib/bench.h"

enum { RANGES = 1000000, PROVIDERS = 3000, KEYS = 1 << 20, ROUNDS = 5 };

/* Visits 0..RANGES-1 in another order: the step is prime. */
static unsigned shuffled(unsigned i)
{
	return (unsigned)((uint64_t)i * 618033 % RANGES);
}

static struct tn number_of(unsigned long long n)
{
	struct tn t = {.n = 0};
	char digits[24];

	snprintf(digits, sizeof digits, "1%010llu", n);
	if (tn_from_claim(span_cstr(digits), &t))
		abort();
	return t;
}

static void write_csv(struct buf *out, bool in_order)
{
	buf_init(out, LIMIT_TABLE_BYTES);
	buf_puts(out, "spc,start,count\n");
	for (unsigned i = 0; i < RANGES; i++) {
		unsigned k = in_order ? i : shuffled(i);

		buf_printf(out, "%04X,1%07u000,1000\n", k * 7919 % PROVIDERS, k);
	}
	if (out->failed)
		abort();
}

static struct spctable *measure_reading(const char *what, bool in_order)
{
	struct spctable *t = NULL;
	double took[ROUNDS];
	size_t before, after;
	struct buf csv;

	write_csv(&csv, in_order);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int i = 0; i < ROUNDS; i++) {
		double from = bench_cpu_us();
		struct err e;

		spctable_unref(t);
		if (spctable_parse("bench", buf_span(&csv), &t, &e))
			abort();
		took[i] = bench_cpu_us() - from;
	}
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	printf("%d ranges, %-11s %8.1f ms, %.1f MB of CSV, %.1f bytes per range\n", RANGES, what, bench_median(took, ROUNDS) / 1000,
	       (double)csv.n / 1e6, (double)(after - before) / RANGES);
	buf_free(&csv);
	return t;
}

static void measure_looking(const struct spctable *t)
{
	double took[ROUNDS];
	unsigned long found = 0;

	for (int r = 0; r < ROUNDS; r++) {
		double from = bench_cpu_us();

		for (unsigned i = 0; i < KEYS; i++) {
			unsigned k = shuffled(i % RANGES);
			struct tn n = number_of((unsigned long long)k * 1000 + i % 1000);
			char spc[8];

			snprintf(spc, sizeof spc, "%04X", (k + (i & 1)) * 7919 % PROVIDERS);
			found += spctable_look(t, span_cstr(spc), &n) == SPCTABLE_COVERS;
		}
		took[r] = bench_cpu_us() - from;
	}
	printf("one look-up (with making its number) %.3f us, %.0f %% covered\n", bench_median(took, ROUNDS) / KEYS,
	       100.0 * (double)found / ROUNDS / KEYS);
}

int main(void)
{
	struct spctable *t = measure_reading("in order:", true);

	spctable_unref(t);
	t = measure_reading("in disorder:", false);
	measure_looking(t);
	spctable_unref(t);
	return 0;
}
