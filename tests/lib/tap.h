/*
 * Test Anything Protocol: what a module test prints.
 *
 * A test program calls these, and ends with "return tap_done();".
 */
#ifndef STIR_TESTS_LIB_TAP_H
#define STIR_TESTS_LIB_TAP_H

#include "core/span.h"

/* One assertion; the text says what holds. Returns what it was given. */
bool tap_ok(bool ok, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "got X, want Y" on failure. */
bool tap_int(long long got, long long want, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool tap_str(const char *got, const char *want, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool tap_span(struct span got, struct span want, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool tap_span_is(struct span got, const char *want, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* One test point that could not run here, and why. */
void tap_skip(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A diagnostic line. */
void tap_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Ends the program for a reason that makes the rest pointless. */
void tap_bail(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Prints the plan; the exit status of the program. */
int tap_done(void);

/* A path below the source tree ($srcdir or "."); static buffer per call site is the caller's. */
const char *tap_srcpath(char *out, size_t n, const char *rel);
/* The shared samples folder ($STIR_SHARED, or "../shared" beside the source tree), or NULL when it isn't there. */
const char *tap_shared(void);
/* A fresh folder below the build tree (mkdtemp); removed by tap_done(). */
const char *tap_tempdir(void);

#endif
