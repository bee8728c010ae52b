/*
 * Number lists that a certificate gives by reference (RFC 8226, 10.1: AIA with
 * id-ad-stirTNList): fetched, and put where those given by value stand, for the
 * signer and for each issuer on the path.  And then: does each issuer's list
 * hold what is below it (RFC 9060)?
 */
#ifndef STIR_CORE_CHAINLISTS_H
#define STIR_CORE_CHAINLISTS_H

#include "core/cert.h"
#include "core/fetch.h"
#include "core/spctable.h"

/* Are there references on the path? */
bool chainlists_any(const struct cert_chain *c);

/*
 * After trustset_check(), before the chain is shared.  Nothing to do (STIR_OK)
 * when there is no reference.  The address obeys the rules of x5u and fetch_may();
 * what stands there is DER, LIMIT_TNLIST_REFERENCE_BYTES at most.
 * deadline_ms is for all lists together: each gets its equal part.
 * *lifetime_s becomes smaller when a list may be used for less time (-1 is "not
 * said"; it stays -1 when a list may be used for longer than
 * CERTCACHE_DEFAULT_LIFETIME_S).
 * STIR_OK, STIR_CERT_UNREACHABLE (authority is unknown: never a pass),
 * STIR_X5U_FORBIDDEN, STIR_CERT_INVALID (also: an answer that is no list),
 * STIR_NO_RESOURCE; *why and *cause (FETCH_NONE unless it was the fetch).
 */
enum stir_reason chainlists_fetch(struct cert_chain *c, struct fetch *f, unsigned deadline_ms, int64_t *lifetime_s,
				  enum fetch_cause *cause, struct err *why) MUST_USE;

/*
 * Is what the signer may speak for within what each issuer on the path may?  A
 * path with a limited issuer must be served in order (RFC 9060, 7), and the signer
 * of one must have a list.  Numbers that no list of an issuer
 * holds must be those of a provider it names, by the table (NULL: there is none);
 * where the table does not know the provider, cert_chain_unchecked() becomes true.
 * Once, after each chainlists_fetch(): the lists fetched for issuers are let go.
 * STIR_OK, STIR_CERT_UNTRUSTED, STIR_CERT_INVALID, STIR_NO_RESOURCE.
 */
enum stir_reason trust_scope(struct cert_chain *c, const struct spctable *spcs, struct err *why) MUST_USE;

#endif
