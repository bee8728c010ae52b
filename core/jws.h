/*
 * JWS compact serialisation (RFC 7515, 3.1 and 7.1) with ES256 and nothing else.
 */
#ifndef STIR_CORE_JWS_H
#define STIR_CORE_JWS_H

#include <jansson.h>
#include <openssl/evp.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/stir_reason.h"

enum { JWS_SIG_BYTES = 64 }; /* r and s, 32 octets each (RFC 7518, 3.4) */

struct jws {
	struct span signing_input; /* header "." payload, as received: what is verified */
	struct span header;        /* decoded octets, in arena */
	struct span payload;       /* decoded octets, in arena */
	unsigned char sig[JWS_SIG_BYTES];
};

/*
 * Cut and decode.  token must hold no white space any more; borrows it.
 * STIR_OK, STIR_TOKEN_TOO_LARGE, STIR_TOKEN_SYNTAX (not three parts, not strict
 * base64url, compact form "..sig", signature not 64 octets), STIR_NO_RESOURCE.
 */
enum stir_reason jws_split(struct span token, struct arena *a, struct jws *out) MUST_USE;
/* The same for other things than tokens, which may be larger: at most max octets. */
enum stir_reason jws_split_max(struct span token, size_t max, struct arena *a, struct jws *out) MUST_USE;

/*
 * One JSON object, strictly: no duplicate members, no trailing text, no NUL in
 * strings, depth at most LIMIT_JSON_DEPTH.  Gives *out (json_decref), or NULL
 * and -1 (refused) or -2 (no memory).
 */
int jws_json(struct span text, json_t **out) MUST_USE;

/*
 * ES256 over the signing input (RFC 7518, 3.4).  key must be P-256; sig is r||s.
 * 1 good, 0 not (also r or s out of 1..n-1), -1 OpenSSL could not.
 * Makes the key ready first; who verifies more often with one does that once (es256.h).
 * Any thread; key is only read.
 */
int jws_verify_es256(struct span signing_input, const unsigned char sig[JWS_SIG_BYTES], EVP_PKEY *key) MUST_USE;

#endif
