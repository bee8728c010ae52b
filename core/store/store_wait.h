/*
 * Waiting that ends: deadlines by the monotonic clock, in milliseconds.
 */
#ifndef STIR_CORE_STORE_STORE_WAIT_H
#define STIR_CORE_STORE_STORE_WAIT_H

#include <pthread.h>
#include <stdint.h>

#include "core/span.h"

int64_t store_wait_now_ms(void);
/* A condition for store_wait_until(); 0 / -1. */
int store_wait_init(pthread_cond_t *c) MUST_USE;
/* pthread_cond_wait() with an end: false when the deadline has passed. */
bool store_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t deadline_ms);
void store_wait_sleep_ms(unsigned ms);

#endif
