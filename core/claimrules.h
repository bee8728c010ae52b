/*
 * JWTClaimConstraints (RFC 8226, 8) and EnhancedJWTClaimConstraints (RFC 9118):
 * what a certificate allows the tokens signed with it to say.
 */
#ifndef STIR_CORE_CLAIMRULES_H
#define STIR_CORE_CLAIMRULES_H

#include "core/buf.h"
#include "core/err.h"
#include "core/stir_reason.h"

struct claimrules; /* opaque, immutable */

/*
 * Decode one of the two extensions; enhanced says which.  A mustExclude that
 * names iat, orig or dest makes the whole extension count as absent (RFC 9118,
 * 3): *out is NULL then, with STIR_OK.
 * STIR_OK, STIR_CERT_INVALID (and *why, NULL allowed) or STIR_NO_RESOURCE.
 */
enum stir_reason claimrules_parse(struct span der, bool enhanced, struct claimrules **out, struct err *why) MUST_USE;
void claimrules_free(struct claimrules *r); /* NULL is allowed */

/*
 * Hold a token's payload (the JSON octets) against the rules; NULL rules allow
 * all.  mustInclude: the claim is there.  permittedValues: if the claim is
 * there, its value is listed: the string, octet by octet, or a JSON text of the
 * same value (RFC 9118, 3: "exactly match"; of RFC 8225, 9, only the order of
 * members would differ).  A claim that is listed twice must be in both lists.
 * mustExclude: it is not there; null is there.  Claims are members of the payload,
 * not of what is in them.  STIR_OK, STIR_CONSTRAINT_VIOLATED (*claim, or NULL, names
 * it) or STIR_NO_RESOURCE.
 */
enum stir_reason claimrules_check(const struct claimrules *r, struct span payload, struct span *claim) MUST_USE;

/* Does mustExclude name that claim?  NULL rules exclude nothing. */
bool claimrules_excludes(const struct claimrules *r, struct span claim);

/* For people: "mustInclude msgi; attest in {A, B}; mustExclude priority". */
void claimrules_write_text(struct buf *out, const struct claimrules *r);

#endif
