/*
 * What a table of a thousand to a million ranges costs: reading it in order and
 * in disorder, memory, and a look-up.
 *
 * Blocks of a thousand numbers of three thousand providers, as a country's
 * administration gives them out.  Numbers are asked for in random order from all
 * of the table, each after the answer for the one before it.  Prints CPU time.
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/spctable.h"
#include "tests/lib/bench.h"

enum { PROVIDERS = 3000, KEYS = 1 << 18, ROUNDS = 3, SPC_WIDTH = 5 };
static const unsigned sizes[] = {1000, 10000, 100000, 1000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Visits 0..n-1 in another order: the step is prime, and no part of any n. */
static unsigned shuffled(unsigned i, unsigned n)
{
	return (unsigned)((uint64_t)i * 618033 % n);
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

static void write_csv(struct buf *out, unsigned n, bool in_order)
{
	buf_init(out, LIMIT_TABLE_BYTES);
	buf_puts(out, "spc,start,count\n");
	for (unsigned i = 0; i < n; i++) {
		unsigned k = in_order ? i : shuffled(i, n);

		buf_printf(out, "%04X,1%07u000,1000\n", k * 7919 % PROVIDERS, k);
	}
	if (out->failed)
		abort();
}

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static struct spctable *read_table(unsigned n, bool in_order, double *ms, double *octets)
{
	struct spctable *t = NULL;
	double took[ROUNDS];
	size_t before;
	struct buf csv;

	write_csv(&csv, n, in_order);
	before = memory();
	for (int i = 0; i < ROUNDS; i++) {
		double from = bench_cpu_us();
		struct err e;

		spctable_unref(t);
		if (spctable_parse("bench", buf_span(&csv), &t, &e))
			abort();
		took[i] = bench_cpu_us() - from;
	}
	*octets = (double)(memory() - before) / n;
	*ms = bench_median(took, ROUNDS) / 1000;
	buf_free(&csv);
	return t;
}

struct question {
	struct tn number;
	char spc[SPC_WIDTH];
};

/* us for one; half of them ask for another provider than the number's. */
static double look(const struct spctable *t, unsigned n)
{
	struct question *q = calloc(KEYS, sizeof *q);
	double took[ROUNDS];

	if (!q)
		abort();
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned k = (unsigned)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 32) % n;

		q[i].number = number_of((unsigned long long)k * 1000 + i % 1000);
		snprintf(q[i].spc, sizeof q[i].spc, "%04X", (k + (i & 1)) * 7919 % PROVIDERS);
	}
	for (int r = 0; r < ROUNDS; r++) {
		double from = bench_cpu_us();
		size_t found = 0, last = 0;

		for (size_t i = 0; i < KEYS; i++) {
			/* The next one depends on the last, but for its parity. */
			const struct question *it = &q[i ^ last << 1];

			last = spctable_look(t, span_make(it->spc, SPC_WIDTH - 1), &it->number) == SPCTABLE_COVERS;
			found += last;
		}
		if (found < KEYS / 3 || found > KEYS / 3 * 2)
			abort();
		took[r] = bench_cpu_us() - from;
	}
	free(q);
	return bench_median(took, ROUNDS) / KEYS;
}

int main(void)
{
	double ms, disorder_ms, octets, us = 0;

	printf("Ranges of providers: CPU ms to read, octets for each, CPU us of a look-up\n");
	printf("%9s %12s %12s %12s %9s\n", "ranges", "in order", "disordered", "octets each", "us");
	for (size_t i = 0; i < SIZES; i++) {
		struct spctable *t = read_table(sizes[i], true, &ms, &octets);

		spctable_unref(t);
		t = read_table(sizes[i], false, &disorder_ms, &octets);
		us = look(t, sizes[i]);
		printf("%9u %12.1f %12.1f %12.1f %9.3f\n", sizes[i], ms, disorder_ms, octets, us);
		spctable_unref(t);
	}
	printf("{\"spctable_million_us\":%.3f,\"spctable_million_ms\":%.1f}\n", us, disorder_ms);
	return 0;
}
