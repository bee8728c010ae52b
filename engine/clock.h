/*
 * The clocks, for those below that have none of their own.
 */
#ifndef STIR_ENGINE_CLOCK_H
#define STIR_ENGINE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970, UTC. */
int64_t clock_wall_s(void);
/* The same, of the host's start. */
int64_t clock_boot_s(void);
/* Milliseconds of a clock that nobody sets. */
int64_t clock_monotonic_ms(void);

/* The same in microseconds, for what is measured. */
int64_t clock_monotonic_us(void);

/* Does the kernel say so (adjtimex(2))? */
bool clock_is_synchronised(void);

#endif
