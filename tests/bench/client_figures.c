/* Histograms without locks, and the figures of /proc. */
#include "config.h"

#include "tests/bench/client_figures.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t client_figures_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static unsigned bucket_of(uint64_t v)
{
	unsigned top;

	if (v >> CLIENT_FIGURES_BITS == 0)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return ((top - CLIENT_FIGURES_BITS + 1) << CLIENT_FIGURES_BITS) + (unsigned)((v >> (top - CLIENT_FIGURES_BITS)) & ((1u << CLIENT_FIGURES_BITS) - 1));
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket)
{
	unsigned shift = bucket >> CLIENT_FIGURES_BITS;
	uint64_t low;

	if (shift == 0)
		return bucket;
	low = ((UINT64_C(1) << CLIENT_FIGURES_BITS) + (bucket & ((1u << CLIENT_FIGURES_BITS) - 1))) << (shift - 1);
	return low + (UINT64_C(1) << (shift - 1)) / 2;
}

void client_figures_add(struct client_figures *f, uint64_t ns)
{
	uint_fast64_t max = atomic_load_explicit(&f->max, memory_order_relaxed);

	atomic_fetch_add_explicit(&f->n, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->sum, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->bucket[bucket_of(ns)], 1, memory_order_relaxed);
	while (ns > max && !atomic_compare_exchange_weak_explicit(&f->max, &max, ns, memory_order_relaxed, memory_order_relaxed))
		;
}

void client_figures_clear(struct client_figures *f)
{
	f->n = f->sum = f->max = 0;
	for (unsigned i = 0; i < CLIENT_FIGURES_BUCKETS; i++)
		f->bucket[i] = 0;
}

static double part_us(const struct client_figures *f, double part)
{
	uint64_t want = (uint64_t)(part * (double)f->n + 0.999), seen = 0;

	for (unsigned i = 0; i < CLIENT_FIGURES_BUCKETS; i++) {
		seen += f->bucket[i];
		if (seen >= want && seen > 0)
			return (double)(value_of(i) < f->max ? value_of(i) : f->max) / 1000;
	}
	return (double)f->max / 1000;
}

void client_figures_print(FILE *out, const char *name, const struct client_figures *f)
{
	double n = f->n ? (double)f->n : 1;

	fprintf(out, "\"%s\": {\"n\": %llu, \"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}", name, (unsigned long long)f->n,
		(double)f->sum / n / 1000, part_us(f, 0.5), part_us(f, 0.9), part_us(f, 0.99), (double)f->max / 1000);
}

static long status_line(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

struct client_figures_use client_figures_of(pid_t pid)
{
	struct client_figures_use use = {0};
	char path[64], text[4096];
	struct timespec ts;
	clockid_t clock;
	FILE *f;
	size_t n;

	if (pid == 0)
		return use;
	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &ts) == 0)
		use.cpu_us = (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return use;
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	use.rss_kb = status_line(text, "\nVmRSS:");
	use.threads = status_line(text, "\nThreads:");
	return use;
}
