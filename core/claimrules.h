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
 * there, its value (string, or compact serialisation) is listed.  mustExclude:
 * it is not there.  STIR_OK, STIR_CONSTRAINT_VIOLATED (*claim, or NULL, names
 * it) or STIR_NO_RESOURCE.
 */
enum stir_reason claimrules_check(const struct claimrules *r, struct span payload, struct span *claim) MUST_USE;

/* For people: "mustInclude msgi; attest in {A, B}; mustExclude priority". */
void claimrules_write_text(struct buf *out, const struct claimrules *r);

#endif
