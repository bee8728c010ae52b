/*
 * What the benchmarks measure with.
 */
#ifndef STIR_TESTS_LIB_BENCH_H
#define STIR_TESTS_LIB_BENCH_H

#include <stddef.h>

/* Processor time of this process so far, in microseconds. */
double bench_cpu_us(void);
/* Time that goes by, in microseconds: for what waits for others. */
double bench_wall_us(void);
/* The middle one of n values; sorts them. */
double bench_median(double *value, size_t n);

#endif
