/*
 * Runs of base64 characters to octets, as wide as the machine goes.
 *
 * Knows no line ends, no padding and no state: core/transfer.h has those.
 * Threads: any.
 */
#ifndef STIR_CORE_BASE64_RUN_H
#define STIR_CORE_BASE64_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	BASE64_RUN_MIN = 16, /* characters that are decoded at once, at least */
	BASE64_RUN_SLACK = 8 /* so many octets behind the decoded ones may be written to */
};

/*
 * n characters, a multiple of 4 and at least BASE64_RUN_MIN, to n / 4 * 3 octets.
 * False if one of them is not in the alphabet of RFC 4648, section 4; out is
 * worth nothing then.
 */
bool base64_run(char *out, const char *p, size_t n);

/* The same without what only some machines have; for the test that both are one. */
bool base64_run_plain(char *out, const char *p, size_t n);

#endif
