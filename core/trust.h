/*
 * Trust anchors and revocation lists: configured files, never the system's
 * roots, never anything a message brings.
 */
#ifndef STIR_CORE_TRUST_H
#define STIR_CORE_TRUST_H

#include "core/cert.h"

struct trust; /* opaque; immutable once opened. Any thread. */

/*
 * From PEM certificates; name is for error texts.  A text without a
 * certificate, or with another kind of block, is an error.
 * Gives *out (trust_free()), or -1 and *e.
 */
int trust_open(const char *name, struct span pem, struct trust **out, struct err *e) MUST_USE;
void trust_free(struct trust *t); /* NULL is allowed */
size_t trust_count(const struct trust *t);
X509 *trust_at(const struct trust *t, size_t i);

/*
 * Add CRLs (PEM); each must be signed by an anchor, or by the issuer of a chain
 * that is looked at later.  Before the trust is shared.  0, or -1 and *e.
 */
int trust_add_crls(struct trust *t, const char *name, struct span pem, struct err *e) MUST_USE;

/*
 * Does the chain lead to an anchor: names, signatures (no SHA-1), CA bits, path
 * lengths, critical extensions.  Only the chain itself and the anchors are
 * used.  Times are not judged here: the path's validity goes into the chain.
 * STIR_OK, STIR_CERT_UNTRUSTED, STIR_CERT_INVALID, STIR_NO_RESOURCE; *why says
 * what OpenSSL found.
 */
enum stir_reason trust_check(const struct trust *t, struct cert_chain *c, struct err *why) MUST_USE;

/*
 * Is a certificate of the path revoked, by the CRLs at hand?  A revocation
 * after iat counts only for key compromise; a list with a bad signature is
 * no list.  What a list revokes stays revoked when its nextUpdate has passed; only
 * a current one says that a certificate is good.
 * hard: every certificate below the anchor must be covered by a current list.
 * STIR_OK, STIR_CERT_REVOKED, STIR_REVOCATION_UNKNOWN (hard only).
 */
enum stir_reason trust_revocation(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, bool hard) MUST_USE;

#endif
