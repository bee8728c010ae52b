/*
 * Strict base64url (RFC 7515, 2), base64 (RFC 4648, 4) and hex.
 *
 * Decoders refuse any octet outside the alphabet (white space too), impossible
 * lengths and non-zero spare bits: one value has one spelling, padding apart.
 * This is for claims and tokens; decoding of mail bodies is lenient by rule and
 * lives in core/transfer.h.
 */
#ifndef STIR_CORE_ENCODING_H
#define STIR_CORE_ENCODING_H

#include "core/buf.h"

/* Octets that n base64 or base64url characters can decode to, at most. */
size_t encoding_decoded_max(size_t n);

/* No padding allowed.  Fills out (cap octets) and *n; 0 / -1. */
int base64url_decode(struct span in, unsigned char *out, size_t cap, size_t *n) MUST_USE;
void base64url_encode(struct buf *out, const void *p, size_t n);

/* '=' padding may be there, complete, or be left out; 0 / -1. */
int base64_decode(struct span in, unsigned char *out, size_t cap, size_t *n) MUST_USE;
/* With padding. */
void base64_encode(struct buf *out, const void *p, size_t n);

/* Lower case; out holds 2 * n octets and gets no NUL. */
void hex_encode(char *out, const unsigned char *p, size_t n);

#endif
