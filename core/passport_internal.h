/*
 * What passport.c, passport_type.c and passport_write.c agree on: what may not
 * be read isn't written.  For these only.
 */
#ifndef STIR_CORE_PASSPORT_INTERNAL_H
#define STIR_CORE_PASSPORT_INTERNAL_H

#include "core/passport.h"

/* An octet below SP, or DEL. */
bool passport_has_control(struct span s);

/*
 * The length of the scheme of a "uri" claim value, or 0 if it is none: at most
 * LIMIT_URI_BYTES visible ASCII characters that begin with scheme ":" (RFC
 * 3986, 3.1).
 */
size_t passport_uri_scheme(struct span uri);

/* The octets of a JSON string, borrowed from it; -1 for another type or control characters. */
int passport_text(const json_t *json, struct span *out);
/*
 * A string member, copied to the arena.  1, or 0 if it is absent, or -1 if it
 * is no string or empty.  Overflow of the arena is asked for at the end.
 */
int passport_member(const json_t *object, const char *name, struct arena *a, struct span *out);
/* A "tn" or "uri" value. 0 / -1. */
int passport_tn(const json_t *json, struct party *out);
int passport_uri(const json_t *json, struct arena *a, struct party *out);

/* passport_claims() of a token that stands in that many others. */
enum stir_reason passport_claims_nested(struct passport *p, struct arena *a, unsigned depth) MUST_USE;

enum passport_type passport_type_of(struct span ppt);
/* The claims that only this token's type has. 0 / -1. */
int passport_type_claims(const json_t *claims, struct arena *a, unsigned depth, struct passport *p);

#endif
