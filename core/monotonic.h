/*
 * Waiting that ends: milliseconds of the clock that nobody sets.  The time of day
 * is not known here.  Any thread.
 */
#ifndef STIR_CORE_MONOTONIC_H
#define STIR_CORE_MONOTONIC_H

#include <pthread.h>
#include <stdint.h>

#include "core/span.h"

/* Now, from some moment on. */
int64_t monotonic_ms(void);
/* A condition for monotonic_wait() (pthread_cond_destroy()); 0 / -1. */
int monotonic_cond_init(pthread_cond_t *c) MUST_USE;
/* pthread_cond_wait() with an end, a time of monotonic_ms(): false when it has passed. */
bool monotonic_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_ms);
void monotonic_sleep_ms(unsigned ms);

#endif
