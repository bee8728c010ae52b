/*
 * What was had from an address and is kept in a store over a restart: a line that
 * says what it is, and the octets as they came.
 *
 *     crl 1 1700000000 https://pa.example/crl
 *     ...
 *
 * Whoever reads it judges it anew: the store may be damaged, or written by others.
 */
#ifndef STIR_CORE_KEPT_H
#define STIR_CORE_KEPT_H

#include "core/store.h"

struct kept {
	struct buf value;    /* kept_free(); what octets points into */
	int64_t when;        /* seconds since 1970: when it was had */
	struct span octets;
};

/*
 * kind is a word, at most 15 letters; what is where it comes from, without line
 * ends, at most KEPT_WHAT_MAX octets.
 * 1 there, 0 not (also: damaged, of something else), -1 and *e; kept_free() in any case.
 */
int kept_get(struct store *s, const char *kind, struct span what, struct kept *out, struct err *e) MUST_USE;
/*
 * 0; -1 and *e: ERR_DATA when it is larger than a store takes (STORE_VALUE_MAX with
 * the line), which is no failure of the store.
 */
int kept_put(struct store *s, const char *kind, struct span what, int64_t when, struct span octets, uint32_t ttl_s, struct err *e) MUST_USE;
void kept_free(struct kept *k);

enum { KEPT_WHAT_MAX = 2048 };

/* --- for who keeps more than one time in that line ---------------------------------- */

enum { KEPT_TIME_DIGITS = 12 /* to the year 33658 */ };
/* Seconds since 1970, in 1 to KEPT_TIME_DIGITS digits; 0 / -1. */
int kept_read_time(struct span digits, int64_t *out) MUST_USE;
/* kind, a colon, and base64url of the SHA-256 of what; 0 / -1. Initialises out (buf_free()). */
int kept_key(struct buf *out, const char *kind, struct span what) MUST_USE;

#endif
