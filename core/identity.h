/*
 * The Identity header field (RFC 8224, 4) as it travels in mail: the same
 * syntax, folded anywhere, every white space dropped on reading.
 */
#ifndef STIR_CORE_IDENTITY_H
#define STIR_CORE_IDENTITY_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/limits.h"
#include "core/stir_reason.h"

struct identity {
	struct span token; /* characters of base64url and '.' only */
	struct span info;  /* the URI between '<' and '>' */
	struct span alg;   /* empty if the parameter is absent */
	struct span ppt;   /* quotes off; empty if absent */
	bool has_alg, has_ppt;
};

/*
 * STIR_OK, STIR_TOKEN_TOO_LARGE (value over LIMIT_IDENTITY_BYTES),
 * STIR_IDENTITY_SYNTAX (no token, no or several info, a parameter twice, a
 * character that is none of the grammar's: a '!' in the token is what
 * Sendmail's line breaking leaves, and is not repaired), STIR_NO_RESOURCE.
 * alg and ppt names are matched without case; unknown parameters are skipped.
 */
enum stir_reason identity_parse(struct span value, struct arena *a, struct identity *out) MUST_USE;

/* "token;info=<x5u>;alg=ES256;ppt=msg" on one line. */
void identity_write(struct buf *out, struct span token, struct span x5u, const char *ppt);

/*
 * The value cut for the header: at most 72 octets a line, the first one
 * shortened by "Identity: ", joined by LF and one space (the MTA makes CRLF).
 */
void identity_fold(struct buf *out, struct span value);

#endif
