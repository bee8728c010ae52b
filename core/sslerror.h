/*
 * OpenSSL's queue of errors, which belongs to the thread: emptied before a piece
 * of work, asked after it, so that "no memory" is not taken for a bad
 * certificate, and nobody later takes our leftovers for his own failure.
 */
#ifndef STIR_CORE_SSLERROR_H
#define STIR_CORE_SSLERROR_H

#include <stdbool.h>

void sslerror_clear(void);
/* Did something fail for want of memory since sslerror_clear()?  Empties the queue. */
bool sslerror_no_memory(void);

#endif
