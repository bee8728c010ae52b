/*
 * One certificate revocation list (RFC 5280, 5): read, whose it is, what it
 * revokes, what it speaks for.  Direct lists, of the certificates' own issuer, and
 * indirect ones, in which an administrator speaks for many issuers
 * (ATIS-1000080: the STI-PA).
 *
 * Refused when it is read, because half of a list misleads: delta lists, lists of
 * attribute certificates, and whatever is critical and not known here, in the
 * list or in an entry.  Lists for some reasons, for CAs only, for signers only, or
 * of one distribution point are taken for what they are.
 */
#ifndef STIR_CORE_CRL_H
#define STIR_CORE_CRL_H

#include <openssl/x509v3.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

struct crl; /* opaque, counted; immutable but for what it remembers of signatures. Any thread. */

enum {
	/* How far its thisUpdate may lie ahead of our clock. */
	CRL_SKEW_S = 300
};

/*
 * DER, or PEM text with this list only: at most LIMIT_CRL_BYTES octets,
 * LIMIT_CRL_ENTRIES entries.  Its signature is not looked at yet, but must be ECDSA
 * or RSA with SHA-2.  Gives *out (crl_unref()), or -1 and *e: ERR_DATA, or
 * ERR_UNAVAILABLE without memory.
 */
int crl_read(struct span octets, struct crl **out, struct err *e) MUST_USE;
/* DER only, all n octets. */
int crl_read_der(const unsigned char *der, size_t n, struct crl **out, struct err *e) MUST_USE;
struct crl *crl_ref(struct crl *l);
void crl_unref(struct crl *l); /* NULL is allowed */

const X509_NAME *crl_issuer(const struct crl *l); /* who made it. Borrowed. */
bool crl_is_indirect(const struct crl *l);
int64_t crl_this_update(const struct crl *l); /* seconds since 1970 */
int64_t crl_next_update(const struct crl *l);
size_t crl_count(const struct crl *l);        /* entries */
size_t crl_memory(const struct crl *l);       /* octets it takes, about */
/* thisUpdate (within CRL_SKEW_S) <= now <= nextUpdate */
bool crl_is_current(const struct crl *l, int64_t now);
/* The same list, octet by octet of what is signed? */
bool crl_is_same(const struct crl *a, const struct crl *b);
/* Is l not older than old: thisUpdate, and cRLNumber if both have one? They must have one issuer. */
bool crl_may_replace(const struct crl *l, const struct crl *old);

/*
 * Did the key of signer sign it: its name, keyUsage cRLSign (if there is a
 * keyUsage), key identifiers (if both have one), the signature itself, with a key
 * of 112 bits of strength at least.  The signature is verified once for each key,
 * then remembered.  Without memory: false, and asked again the next time.
 * signer's validity is the caller's question.
 */
bool crl_signed_by(struct crl *l, X509 *signer) MUST_USE;

/* A certificate, as lists know it; all of it borrowed. */
struct crl_subject {
	const X509_NAME *issuer;
	struct span serial; /* its number's octets, */
	bool negative;      /* without the sign */
	bool ca;
	const CRL_DIST_POINTS *points; /* or NULL */
};
struct crl_subject crl_subject_of(X509 *x, const CRL_DIST_POINTS *points);

/*
 * Does it revoke the certificate, for something that was signed at iat?  Revoked
 * later counts only for a stolen key, which may have signed with any iat it likes.
 * Of revocationDate and invalidityDate the earlier one counts.
 * Looks for its issuer and serial number; whether the signer of the list may
 * speak for that issuer is the caller's question.
 */
bool crl_revokes(const struct crl *l, const struct crl_subject *s, int64_t iat);

/*
 * If it is not in it: does that mean that it is good?  Not for a list of some reasons
 * only, of other certificates, or of another distribution point.
 * by_domain: it is the list of who speaks for a whole trust domain.  Then a
 * certificate must name its issuer (cRLIssuer), or name none: 368 of the 863
 * production certificates with distribution points forgot to.
 * Otherwise it is the list of its own issuer.
 */
bool crl_covers(const struct crl *l, const struct crl_subject *s, bool by_domain);

/*
 * The distribution points of a certificate (CRL_DIST_POINTS_free()).
 * 1 there, 0 none, or none that can be read (then its lists are unknown), -1 no memory.
 */
int crl_points(const X509 *x, CRL_DIST_POINTS **out) MUST_USE;
/* The addresses in them that are https and obey the rules of x5u, at most max; borrowed from points (NULL allowed). */
size_t crl_points_urls(const CRL_DIST_POINTS *points, struct span *url, size_t max);

#endif
