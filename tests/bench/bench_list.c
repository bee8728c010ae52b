/*
 * What lists of a hundred to a million entries cost: loading, memory, and a
 * look-up.
 *
 * Keys come in random order from all of the list, and each look-up waits for the
 * one before it, as one in a message waits for nothing of the list to be in the
 * cache.  Prints CPU time; the ratios are what to compare between machines.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/list.h"
#include "tests/lib/bench.h"

enum { KEYS = 1 << 18, ROUNDS = 3, WIDTH = 56 };
static const uint64_t sizes[] = {100, 1000, 10000, 100000, 1000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* splitmix64: the same keys in each run */
static uint64_t mixed(uint64_t i)
{
	uint64_t z = i * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct shape {
	const char *name;
	enum list_type type;
	void (*entry)(char *out, uint64_t i); /* as a line of the list */
	void (*fact)(struct facts_value *v, uint64_t i, char *text); /* one that the ith entry holds */
};

static uint64_t number_of(uint64_t i)
{
	return UINT64_C(10000000000) + mixed(i) % UINT64_C(9999990000);
}

static void tn_fact(struct facts_value *v, uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	if (tn_from_claim(span_cstr(digits), &v->tn) < 0)
		abort();
}

static void number_entry(char *out, uint64_t i)
{
	snprintf(out, WIDTH, "+%llu", (unsigned long long)number_of(i));
}

static void number_fact(struct facts_value *v, uint64_t i, char *text)
{
	(void)text;
	tn_fact(v, number_of(i));
}

static void range_entry(char *out, uint64_t i)
{
	unsigned long long n = number_of(i);

	snprintf(out, WIDTH, "+%llu..+%llu", n, n + 99);
}

static void range_fact(struct facts_value *v, uint64_t i, char *text)
{
	(void)text;
	tn_fact(v, number_of(i) + mixed(i + 1) % 100);
}

static void prefix_entry(char *out, uint64_t i)
{
	snprintf(out, WIDTH, "+%llu*", (unsigned long long)number_of(i) / 100);
}

static void net4_entry(char *out, uint64_t i)
{
	uint64_t a = mixed(i);

	snprintf(out, WIDTH, "%u.%u.%u.%u/29", (unsigned)(a & 255), (unsigned)(a >> 8 & 255), (unsigned)(a >> 16 & 255), (unsigned)(a >> 24 & 248));
}

static void net4_fact(struct facts_value *v, uint64_t i, char *text)
{
	uint64_t a = mixed(i);
	unsigned char b[16] = {[10] = 0xFF, [11] = 0xFF, [12] = (unsigned char)a, [13] = (unsigned char)(a >> 8), [14] = (unsigned char)(a >> 16), [15] = (unsigned char)(a >> 24)};

	(void)text;
	memcpy(v->addr.b, b, sizeof b);
}

static void net6_entry(char *out, uint64_t i)
{
	uint64_t a = mixed(i);

	snprintf(out, WIDTH, "2001:%x:%x:%x::/64", (unsigned)(a & 0xFFFF), (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a >> 32 & 0xFFFF));
}

static void net6_fact(struct facts_value *v, uint64_t i, char *text)
{
	uint64_t a = mixed(i);
	unsigned char b[16] = {0x20, 0x01, (unsigned char)(a >> 8), (unsigned char)a, (unsigned char)(a >> 24), (unsigned char)(a >> 16), (unsigned char)(a >> 40), (unsigned char)(a >> 32), 1, 2, 3};

	(void)text;
	memcpy(v->addr.b, b, sizeof b);
}

static void host_entry(char *out, uint64_t i)
{
	snprintf(out, WIDTH, "%sh%llx.example", i % 4 ? "" : ".", (unsigned long long)mixed(i) >> 28);
}

static void host_fact(struct facts_value *v, uint64_t i, char *text)
{
	snprintf(text, WIDTH, "%sh%llx.example", i % 4 ? "" : "www.", (unsigned long long)mixed(i) >> 28);
	v->text = span_cstr(text);
}

static void spc_entry(char *out, uint64_t i)
{
	snprintf(out, WIDTH, "%llX", (unsigned long long)mixed(i) >> 32);
}

static void spc_fact(struct facts_value *v, uint64_t i, char *text)
{
	spc_entry(text, i);
	v->text = span_cstr(text);
}

static const struct shape shapes[] = {
	{"numbers", LIST_TN, number_entry, number_fact}, {"ranges", LIST_TN, range_entry, range_fact}, {"prefixes", LIST_TN, prefix_entry, number_fact},
	{"IPv4 networks", LIST_CIDR, net4_entry, net4_fact}, {"IPv6 networks", LIST_CIDR, net6_entry, net6_fact},
	{"hosts", LIST_HOST, host_entry, host_fact}, {"SPCs", LIST_SPC, spc_entry, spc_fact},
};

static const enum fact_type fact_of[] = {FACT_TYPE_TN, FACT_TYPE_ADDR, FACT_TYPE_HOST, FACT_TYPE_SPC, FACT_TYPE_TEXT};

static struct list *load(const struct shape *s, uint64_t n, double *ms)
{
	struct source_report r;
	struct list *l;
	struct buf b;
	char line[WIDTH];
	double t;

	buf_init(&b, 1 << 28);
	for (uint64_t i = 0; i < n; i++) {
		s->entry(line, i);
		buf_printf(&b, "%s\n", line);
	}
	source_report_init(&r);
	t = bench_cpu_us();
	if (b.failed || list_parse(s->name, s->type, buf_span(&b), &l, &r) < 0)
		abort();
	*ms = (bench_cpu_us() - t) / 1e3;
	source_report_free(&r);
	buf_free(&b);
	return l;
}

/* ns for one look-up among keys that are entries from first to first + n - 1; *in: how many were found. */
static double look(const struct shape *s, const struct list *l, uint64_t first, uint64_t n, size_t *in)
{
	struct facts_value *v = calloc(KEYS, sizeof *v);
	char *text = calloc(KEYS, WIDTH);
	double took[ROUNDS];

	if (!v || !text)
		abort();
	for (uint64_t i = 0; i < KEYS; i++)
		s->fact(&v[i], first + mixed(i) % n, text + i * WIDTH);
	for (int round = 0; round < ROUNDS; round++) {
		double t = bench_cpu_us();
		size_t last = 0;

		*in = 0;
		for (size_t i = 0; i < KEYS; i++) {
			/* The next one depends on the last. */
			last = list_contains(l, fact_of[s->type], &v[i ^ last]);
			*in += last;
		}
		took[round] = (bench_cpu_us() - t) * 1e3 / KEYS;
	}
	free(v);
	free(text);
	return bench_median(took, ROUNDS);
}

/* One row of the table; gives what a hit costs.  few: what it costs in the smallest list. */
static double measure(const struct shape *s, uint64_t n, double few)
{
	double ms, hit, miss;
	struct list *l = load(s, n, &ms);
	size_t in, out;

	hit = look(s, l, 0, n, &in);
	miss = look(s, l, n, n, &out);
	if (in != KEYS || out > KEYS / 4 * 3)
		abort();
	printf("%-14s %9llu %9.1f %12.1f %9.0f %9.0f %9.2f\n", s->name, (unsigned long long)n, ms, (double)list_bytes(l) / (double)list_count(l), hit, miss, few > 0 ? hit / few : 1);
	list_free(l);
	return hit;
}

int main(void)
{
	double hit[sizeof shapes / sizeof shapes[0]];

	printf("Lists: CPU ms to load, octets for each, CPU ns of a look-up, and beside one of a hundred\n");
	printf("%-14s %9s %9s %12s %9s %9s %9s\n", "", "entries", "load ms", "octets each", "hit", "miss", "ratio");
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		double few = 0;

		for (size_t k = 0; k < SIZES; k++) {
			hit[i] = measure(&shapes[i], sizes[k], few);
			few = k ? few : hit[i];
		}
	}
	printf("{\"list_million_numbers_ns\":%.1f,\"list_million_ranges_ns\":%.1f}\n", hit[0], hit[1]);
	return 0;
}
