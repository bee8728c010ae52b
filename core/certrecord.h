/*
 * What is left of a chain that validated, in some 300 octets: all that judging a
 * message needs of it, revocation included.  X.509 objects take 5 KB each, a key
 * 2.4 KB, and there may be a million chains.
 *
 * A record is opened to a struct cert_chain that says what the first one said,
 * except: no certificates as served, no X509 of the signer's own, and octets as
 * served only where they were to be kept.
 */
#ifndef STIR_CORE_CERTRECORD_H
#define STIR_CORE_CERTRECORD_H

#include "core/cert.h"
#include "core/certshare.h"
#include "core/crl.h"

struct certrecord; /* opaque, counted, immutable. Any thread. */

/*
 * Of a chain that trust_check() and trust_scope() have seen; one that was opened
 * gives its own record.  keep_pem: with the octets as served.  What others have as
 * well goes to s, which must outlive this call only.  certrecord_unref();
 * NULL without memory.
 */
struct certrecord *certrecord_new(struct certshare *s, const struct cert_chain *c, bool keep_pem) MUST_USE;
struct certrecord *certrecord_ref(struct certrecord *r);
void certrecord_unref(struct certrecord *r); /* NULL is allowed */

/*
 * The chain (cert_chain_unref()), which has a reference to the record.  Its key is
 * made from the point; like is some public key on P-256, which makes that three
 * times as fast.  NULL without memory.
 */
struct cert_chain *certrecord_open(struct certrecord *r, EVP_PKEY *like) MUST_USE;

/* As of the chain. */
void certrecord_validity(const struct certrecord *r, int64_t *not_before, int64_t *not_after);
/* Has the chain the same signer and validity, so that it would say nothing else about a token? */
bool certrecord_is_of(const struct certrecord *r, const struct cert_chain *c);

/*
 * Account of the memory that records take, what they share included, kept by one
 * owner under one lock: how many octets more with r among them; how many less
 * without it.
 */
size_t certrecord_enter(struct certrecord *r);
size_t certrecord_leave(struct certrecord *r);

/* Is its number list one that is shared?  For cert.c: then it isn't the chain's own. */
bool certrecord_has_list(const struct certrecord *r);

/* --- for trust_crl.c ----------------------------------------------------------------- */

/* The signer's certificate, as revocation lists know it; only if it has an issuer. Borrowed. */
void certrecord_subject(const struct certrecord *r, struct crl_subject *out);
/* The distribution points of the path's certificate i, or NULL. Borrowed. */
const CRL_DIST_POINTS *certrecord_points(const struct certrecord *r, size_t i);

#endif
