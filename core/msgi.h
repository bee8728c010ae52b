/*
 * Body digests: the values of the claims msgi (RFC 9475, 3.2) and msgc, and
 * the digest of the raw body while it streams by.
 *
 *     value = alg "-" base64      alg: sha256 sha384 sha512
 *
 * RFC 4648 base64, padded when written; padding may be missing when read
 * (RFC 9795 publishes such values); anything else is malformed.
 */
#ifndef STIR_CORE_MSGI_H
#define STIR_CORE_MSGI_H

#include "core/buf.h"
#include "core/err.h"

enum msgi_alg { MSGI_SHA256, MSGI_SHA384, MSGI_SHA512, MSGI_ALG_COUNT };

enum { MSGI_MAX_OCTETS = 64 };

struct msgi_value {
	enum msgi_alg alg;
	unsigned char n; /* 32, 48 or 64 */
	unsigned char digest[MSGI_MAX_OCTETS];
};

/* "sha256" and so on. */
const char *msgi_alg_name(enum msgi_alg alg);
/* 0 / -1 for an unknown name; exact, lower case. */
int msgi_alg_by_name(struct span name, enum msgi_alg *out) MUST_USE;

/* 0 / -1 (malformed). */
int msgi_parse(struct span text, struct msgi_value *out) MUST_USE;
void msgi_write(struct buf *out, const struct msgi_value *v);
/* Same algorithm and octets; constant time in the octets. */
bool msgi_eq(const struct msgi_value *a, const struct msgi_value *b);

/* One digest per wanted algorithm over the same octets. */
struct msgi_stream {
	unsigned want;               /* bit 1u << alg */
	void *ctx[MSGI_ALG_COUNT];   /* EVP_MD_CTX, owned */
	bool failed;                 /* OpenSSL refused: no value will be had */
};

/* Once per process, before threads: fetches the digests from OpenSSL. */
void msgi_init(void);
void msgi_stream_begin(struct msgi_stream *s, unsigned want);
void msgi_stream_feed(struct msgi_stream *s, const void *p, size_t n);
/* The value so far for one wanted algorithm; ends that digest. 0 / -1. */
int msgi_stream_value(struct msgi_stream *s, enum msgi_alg alg, struct msgi_value *out) MUST_USE;
/* Frees; safe on a zeroed struct and twice. */
void msgi_stream_free(struct msgi_stream *s);

#endif
