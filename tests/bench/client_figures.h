/*
 * What is counted: times in a histogram that many threads write to, and what a
 * process has used.
 */
#ifndef STIR_TESTS_BENCH_CLIENT_FIGURES_H
#define STIR_TESTS_BENCH_CLIENT_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Buckets grow with the value: 64 for each power of two, so none is wider than 1.6 %. */
enum { CLIENT_FIGURES_BITS = 6, CLIENT_FIGURES_BUCKETS = (64 - CLIENT_FIGURES_BITS + 1) << CLIENT_FIGURES_BITS };

struct client_figures {
	atomic_uint_fast64_t n, sum, max;
	atomic_uint_least32_t bucket[CLIENT_FIGURES_BUCKETS];
};

/* Nanoseconds of the clock that never goes back. */
uint64_t client_figures_now(void);
void client_figures_add(struct client_figures *f, uint64_t ns);
void client_figures_clear(struct client_figures *f);
/* `"name": {n, mean, p50, p90, p99, max}` in microseconds. */
void client_figures_print(FILE *out, const char *name, const struct client_figures *f);

struct client_figures_use {
	double cpu_us; /* user and system, all threads */
	long rss_kb, threads;
};
/* Of a process; everything 0 if there is none of that number, or it is 0. */
struct client_figures_use client_figures_of(pid_t pid);

#endif
