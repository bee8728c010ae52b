/*
 * HTTP-date (RFC 9110, 5.6.7): the one form that is written today, and the two
 * old ones that must still be read.
 */
#ifndef STIR_CORE_HTTPDATE_H
#define STIR_CORE_HTTPDATE_H

#include <stdint.h>

#include "core/span.h"

/*
 * Nothing before or after it, case as in the RFC; whether the day of the week is
 * the right one is not asked.  A year of two digits is the latest one that is not
 * more than 50 years ahead of now (seconds since 1970).
 * 0 and *out in seconds since 1970; or -1.
 */
int httpdate_parse(struct span text, int64_t now, int64_t *out) MUST_USE;

#endif
