/*
 * What a list of many numbers in a certificate, or beside it, costs: decoding,
 * memory, and the question whether it has a number.
 *
 * Ranges of a hundred with gaps between them, in random order; each question
 * waits for the answer to the one before it.  Prints CPU time.
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/tnauthlist.h"
#include "tests/lib/bench.h"

enum { KEYS = 1 << 18, ROUNDS = 5, STEP = 200, COUNT = 100 };
static const unsigned sizes[] = {1, 10, 100, 1000, 10000, 30000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static uint64_t start_of(unsigned i, unsigned n)
{
	return 100000000 + (uint64_t)i * 618033 % n * STEP;
}

static void make_der(struct buf *out, unsigned n)
{
	unsigned char head[] = {0x30, 0x83, 0, 0, 0};
	struct buf body;

	buf_init(&body, LIMIT_TNLIST_REFERENCE_BYTES);
	buf_init(out, LIMIT_TNLIST_REFERENCE_BYTES);
	for (unsigned i = 0; i < n; i++) {
		char entry[19];

		/* [1] SEQUENCE { IA5String, INTEGER 100 } */
		memcpy(entry, "\xa1\x10\x30\x0e\x16\x09", 6);
		snprintf(entry + 6, sizeof entry - 6, "%09llu", (unsigned long long)start_of(i, n));
		memcpy(entry + 15, "\x02\x01\x64", 3);
		buf_put(&body, entry, 18);
	}
	head[2] = (unsigned char)(body.n >> 16);
	head[3] = (unsigned char)(body.n >> 8);
	head[4] = (unsigned char)body.n;
	if (body.n >= 0x10000) {
		buf_put(out, head, 5);
	} else if (body.n >= 0x100) {
		buf_put(out, "\x30\x82", 2);
		buf_put(out, head + 3, 2);
	} else {
		buf_put(out, "\x30\x81", body.n < 0x80 ? 1 : 2);
		buf_put(out, head + 4, 1);
	}
	buf_put_span(out, buf_span(&body));
	buf_free(&body);
	if (out->failed)
		abort();
}

static double look(const struct tnauthlist *l, unsigned n)
{
	struct tn *tn = calloc(KEYS, sizeof *tn);
	double took[ROUNDS];

	if (!tn)
		abort();
	for (unsigned i = 0; i < KEYS; i++) {
		char digits[24];

		snprintf(digits, sizeof digits, "%09llu", (unsigned long long)(100000000 + ((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 20) % ((uint64_t)n * STEP)));
		if (tn_from_claim(span_cstr(digits), &tn[i]))
			abort();
	}
	for (int r = 0; r < ROUNDS; r++) {
		double from = bench_cpu_us();
		size_t last = 0;

		for (size_t i = 0; i < KEYS; i++)
			last = tnauthlist_authority(l, &tn[i ^ last]) == TN_AUTHORITY_TN;
		took[r] = (bench_cpu_us() - from) / KEYS;
	}
	free(tn);
	return bench_median(took, ROUNDS);
}

int main(void)
{
	double us = 0, octets = 0;

	printf("Numbers of certificates: CPU us to decode, octets and CPU us of a look-up\n");
	printf("%9s %12s %12s %9s\n", "ranges", "decode us", "octets each", "us");
	for (size_t i = 0; i < SIZES; i++) {
		struct tnauthlist *l = NULL;
		double took[ROUNDS];
		struct buf der;
		size_t before;

		make_der(&der, sizes[i]);
		before = memory();
		for (int r = 0; r < ROUNDS; r++) {
			double from = bench_cpu_us();

			tnauthlist_free(l);
			if (tnauthlist_parse_reference(buf_span(&der), &l, NULL) != STIR_OK)
				abort();
			took[r] = bench_cpu_us() - from;
		}
		octets = (double)(memory() - before) / sizes[i];
		us = look(l, sizes[i]);
		printf("%9u %12.1f %12.1f %9.3f\n", sizes[i], bench_median(took, ROUNDS), octets, us);
		tnauthlist_free(l);
		buf_free(&der);
	}
	printf("{\"tnauthlist_us\":%.3f,\"tnauthlist_octets\":%.1f}\n", us, octets);
	return 0;
}
