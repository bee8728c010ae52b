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
/* Without anchors: nothing is trusted, until some are added. Gives *out, or -1 and *e. */
int trust_open_empty(struct trust **out, struct err *e) MUST_USE;
/* More anchors, before the trust is shared. 0, or -1 and *e. */
int trust_add_anchors(struct trust *t, const char *name, struct span pem, struct err *e) MUST_USE;
/* One more, of which a reference is taken. 0, or -1 and *e. */
int trust_add_anchor(struct trust *t, X509 *x, struct err *e) MUST_USE;
void trust_free(struct trust *t); /* NULL is allowed */
size_t trust_count(const struct trust *t);
X509 *trust_at(const struct trust *t, size_t i);

/*
 * Add revocation lists (PEM, one or more, or DER); each counts if it is signed by
 * the issuer of the certificate in question, or is an indirect one of those that
 * trust_add_crl_issuers() names.  The next two as well: before the trust is
 * shared. 0, or -1 and *e.
 */
int trust_add_crls(struct trust *t, const char *name, struct span pem, struct err *e) MUST_USE;
/*
 * Certificates (PEM) that may sign indirect lists, in which somebody speaks for
 * certificates of all issuers of this domain.  Their validity must cover a list's
 * thisUpdate, and now when the list is to say that a certificate is good.
 */
int trust_add_crl_issuers(struct trust *t, const char *name, struct span pem, struct err *e) MUST_USE;
/* An address of a list for the domain (x5u_check()), beside those in certificates; at most LIMIT_CRL_URLS. */
int trust_add_crl_url(struct trust *t, struct span url, struct err *e) MUST_USE;

struct crlcache;
/*
 * Lists had from the network; takes a reference.  Once, after the others, before
 * the trust is shared. 0; -1 without memory or room in the cache, or when
 * an address may not be asked (fetch_may()): some lists of the domain will then not be there.
 */
int trust_set_crlcache(struct trust *t, struct crlcache *c);

/* Are there lists of files, current or not?  Those had from the network do not count. */
bool trust_has_crls(const struct trust *t);

/*
 * Does the chain lead to an anchor: names, signatures (no SHA-1), CA bits, path
 * lengths, critical extensions.  Only the chain itself and the anchors are
 * used; what number lists limit is trust_scope()'s question (core/chainlists.h).
 * Times are not judged here: the path's validity goes into the chain.
 * STIR_OK, STIR_CERT_UNTRUSTED, STIR_CERT_INVALID, STIR_NO_RESOURCE; *why says
 * what OpenSSL found.
 */
enum stir_reason trust_check(const struct trust *t, struct cert_chain *c, struct err *why) MUST_USE;

/*
 * Is a certificate of the path revoked: by the lists of this trust, by those at
 * its distribution points, and by those at the domain's addresses, as far as they
 * are at hand.  A revocation after iat counts only for key compromise; a list with a
 * bad signature is no list.  What a list revokes stays revoked when its nextUpdate
 * has passed; only a current one says that a certificate is good.
 * *unknown: a certificate below the anchor is not covered by a current list; what
 * that means is the caller's question.
 * STIR_OK, STIR_CERT_REVOKED, STIR_NO_RESOURCE.
 */
enum stir_reason trust_revocation(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, bool *unknown) MUST_USE;

#endif
