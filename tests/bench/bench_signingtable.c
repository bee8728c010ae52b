/*
 * What a SigningTable of ten to a million lines costs a message: reading it,
 * memory, and finding a client's line, by the kinds of line there are.
 *
 * Clients come in random order from all of the table; the last column is one that
 * no line is for.  Prints CPU time.
 */
#include "config.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/signingtable.h"
#include "tests/lib/bench.h"

enum { KEYS = 1 << 15, ROUNDS = 3, WIDTH = 48 };
static const unsigned sizes[] = {10, 1000, 10000, 100000, 1000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct shape {
	const char *name, *before, *behind; /* of the number of the line in who */
};
static const struct shape shapes[] = {
	{"users", "user:u", "@a.example"}, {"domains", "user:*@d", ".example"}, {"certificates", "tls:c", ".example"}, {"addresses", "net:", ""}, {"mixed", "", ""},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, MIXED = SHAPES - 1, ADDRESSES = SHAPES - 2 };

static const struct shape *shape_of(size_t s, unsigned i)
{
	return &shapes[s == MIXED ? i % MIXED : s];
}

static void write_line(struct buf *out, const struct shape *s, unsigned i)
{
	char who[WIDTH];

	if (s == &shapes[ADDRESSES])
		snprintf(who, sizeof who, "net:10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	else
		snprintf(who, sizeof who, "%s%06x%s", s->before, i, s->behind);
	(void)buf_printf(out, "%s,tn:+1555%07u,k\n", who, i);
}

struct client {
	struct mms_client c;
	struct tn number;
	char text[WIDTH];
};

static void make_client(struct client *to, const struct shape *s, unsigned i)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&to->c.addr;
	char digits[16];

	memset(to, 0, sizeof *to);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(s == &shapes[ADDRESSES] ? 10u << 24 | i : 0xC0000200);
	if (s == &shapes[0])
		snprintf(to->text, sizeof to->text, "u%06x@a.example", i);
	else if (s == &shapes[1])
		snprintf(to->text, sizeof to->text, "any@d%06x.example", i);
	else if (s != &shapes[ADDRESSES])
		snprintf(to->text, sizeof to->text, "c%06x.example", i);
	if (s == &shapes[2])
		to->c.tls_subject = span_cstr(to->text);
	else
		to->c.auth_user = span_cstr(to->text);
	to->c.listener = span_cstr("MM4");
	snprintf(digits, sizeof digits, "1555%07u", i);
	if (tn_from_claim(span_cstr(digits), &to->number))
		abort();
}

static bool covers(const void *arg, size_t key, const struct tn *number)
{
	(void)arg, (void)key, (void)number;
	return false;
}

/* us for a client from the lines first to first + n - 1. */
static double look(const struct signingtable *t, size_t shape, unsigned first, unsigned n, enum signingtable_answer want)
{
	/* A linear search of a million is not to take all day. */
	const struct signingtable_cover cover = {covers, NULL};
	struct client *c = calloc(KEYS, sizeof *c);
	double took[ROUNDS], cap = 2e5;
	size_t key;

	if (!c)
		abort();
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned k = first + (unsigned)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 32) % n;

		make_client(&c[i], shape_of(shape, k), k);
	}
	for (int r = 0; r < ROUNDS; r++) {
		double from = bench_cpu_us();
		unsigned i = 0;

		do {
			if (signingtable_look(t, &c[i].c, &c[i].number, &cover, &key) != want)
				abort();
			i++;
		} while (i < KEYS && (i % 16 || bench_cpu_us() - from < cap));
		took[r] = (bench_cpu_us() - from) / i;
	}
	free(c);
	return bench_median(took, ROUNDS);
}

static double measure(size_t shape, unsigned n)
{
	static const char *const keys[] = {"k"};
	size_t before;
	struct signingtable *t;
	double ms, octets, us, stranger;
	struct buf csv;
	struct err e;

	buf_init(&csv, LIMIT_TABLE_BYTES);
	for (unsigned i = 0; i < n; i++)
		write_line(&csv, shape_of(shape, i), i);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	ms = bench_cpu_us();
	if (csv.failed || signingtable_parse("bench", buf_span(&csv), keys, 1, &t, &e))
		abort();
	ms = (bench_cpu_us() - ms) / 1000;
	octets = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / n;
	us = look(t, shape, 0, n, SIGNINGTABLE_SIGN);
	stranger = look(t, shape, n, n, SIGNINGTABLE_STRANGER);
	printf("%-14s %9u %9.1f %12.1f %9.2f %9.2f\n", shapes[shape].name, n, ms, octets, us, stranger);
	signingtable_free(t);
	buf_free(&csv);
	return us;
}

int main(void)
{
	double us = 0;

	printf("SigningTable: CPU ms to read, octets for each line, CPU us of a look-up\n");
	printf("%-14s %9s %9s %12s %9s %9s\n", "", "lines", "read ms", "octets each", "found", "stranger");
	for (size_t s = 0; s < SHAPES; s++)
		for (size_t i = 0; i < SIZES; i++)
			us = measure(s, sizes[i]);
	printf("{\"signingtable_million_us\":%.3f}\n", us);
	return 0;
}
