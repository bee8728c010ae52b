/*
 * A signed list of trust anchors, as a policy administrator publishes it
 * (ATIS-1000084 practice): a compact JWS, ES256, whose payload names the
 * certificates.  It is verified with a certificate the operator configured, never
 * with one that the list brings.
 *
 *     {"alg": "ES256", "typ": "JWT", "x5u": "https://..."}
 *     {"version": "1.0", "sequence": 12, "exp": 1900000000, "trustList": ["-----BEGIN CERTIFICATE-----\n...", ...]}
 *
 * Header: alg ES256, nothing critical (crit, b64); typ and the like are not looked at,
 * x5u and x5c are not followed.
 * trustList: 1 to LIMIT_TRUSTLIST_ANCHORS texts, each one certificate of a CA as PEM
 * or as base64 of DER; the same one twice counts once.
 * version, if there: a text or a number, 1 or 1.something.  sequence: an integer, or
 * its digits as a text.  iat and exp: integers, seconds since 1970.  Other members
 * are ignored.
 * The administrator of the United States wraps the JWS once more, as the text
 * caList of a JSON object; that is taken too.  At most LIMIT_TRUSTLIST_BYTES in all.
 */
#ifndef STIR_CORE_TRUSTLIST_H
#define STIR_CORE_TRUSTLIST_H

#include "core/buf.h"
#include "core/cert.h"

struct trustlist {
	int64_t sequence;   /* 0 when not said */
	int64_t issued;     /* iat; 0 when not said */
	int64_t expires;    /* exp; 0 when not said */
	bool is_old;        /* exp has passed, or the end of the signer's certificate: for the caller to judge */
	size_t count;
	struct buf anchors; /* PEM; trustlist_clear() */
};

/*
 * signer: PEM of one certificate (P-256), which must not begin after now.
 * last_sequence: that of the list in force; a lower one is refused (roll-back).
 * 0, or -1 and *e which says which rule; *out is empty then.
 */
int trustlist_read(struct span jws, struct span signer, int64_t last_sequence, int64_t now, struct trustlist *out, struct err *e) MUST_USE;
void trustlist_clear(struct trustlist *l);

#endif
