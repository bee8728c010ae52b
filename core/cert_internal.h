/*
 * What cert.c, cert_pem.c, trust*.c and chainlists.c share about a chain; nobody
 * else includes this.
 */
#ifndef STIR_CORE_CERT_INTERNAL_H
#define STIR_CORE_CERT_INTERNAL_H

#include <stdatomic.h>

#include "core/cert.h"
#include "core/limits.h"

struct certrecord;

/* Leaf to anchor: the anchor need not be among the certificates served. */
enum { CERT_PATH_MAX = LIMIT_CHAIN_CERTS + 1 };

struct cert_chain {
	atomic_uint refs;
	/* What it was opened from (certrecord_open()): then pem, subject, path and a
	 * list that is not small are borrowed from there, and certs[] and path[0] are not there. */
	struct certrecord *record;
	struct span pem;                /* as served */
	unsigned char digest[32];       /* SHA-256 of it */
	X509 *certs[LIMIT_CHAIN_CERTS]; /* as served */
	size_t n;
	struct es256_key *key; /* the signer's */
	unsigned char point[65];
	struct tnauthlist *list;
	struct claimrules *rules;
	int64_t not_before, not_after;
	bool unchecked; /* cert_chain_unchecked() */
	bool by_reference; /* chainlists_any(), of a path that was found */
	int domain;     /* cert_chain_domain() */
	unsigned char fingerprint[32]; /* SHA-256 of the signer's certificate */
	char fingerprint_text[CERT_FINGERPRINT_BYTES];
	struct span subject;
	struct buf own_pem, own_subject;

	/* The path trust_check() found, the signer first, the anchor last; for each
	 * of its certificates its number list, if that is by reference and
	 * chainlists_fetch() had it. */
	X509 *path[CERT_PATH_MAX];
	struct tnauthlist *fetched[CERT_PATH_MAX];
	size_t n_path;
};

/* Empty; NULL without memory. */
struct cert_chain *cert_chain_new(void) MUST_USE;
/* In both its forms. */
void cert_put_fingerprint(struct cert_chain *c, const unsigned char digest[32]);
/* Forget the path and its lists. */
void cert_path_clear(struct cert_chain *c);

/*
 * The first extension of that (dotted) OID, as octets borrowed from x.
 * 1 there, 0 not, -1 more than once, -2 no memory.
 */
int cert_extension(const X509 *x, const char *oid, struct span *out) MUST_USE;
/* The TNAuthList of any certificate; *out is NULL if it has none. */
enum stir_reason cert_tnauthlist(const X509 *x, struct tnauthlist **out, struct err *why) MUST_USE;
/*
 * Where the TNAuthList of x is if it is by reference (RFC 8226, 10.1: AIA with
 * id-ad-stirTNList); puts nothing into url, whose maximum is LIMIT_X5U_BYTES or
 * more, if it is not.  What stands there is the complete list of the certificate,
 * so there is one place, and no list by value beside it (RFC 8226, 9: "by
 * reference rather than by value"): which one would count?
 * STIR_OK, STIR_CERT_INVALID (and *why) or STIR_NO_RESOURCE.
 */
enum stir_reason cert_list_reference(const X509 *x, struct buf *url, struct err *why) MUST_USE;
/* Is there a reference?  Yes, if it can't be read. */
bool cert_list_by_reference(const X509 *x);

/*
 * Give the DER of each PEM block to one(), which returns STIR_OK to go on.  The
 * blocks must all be called kind, without headers of their own, and there must
 * be 1 to max; text outside the blocks is ignored.
 */
enum stir_reason cert_pem_each(struct span pem, const char *kind, size_t max,
			       enum stir_reason (*one)(void *arg, const unsigned char *der, long n, struct err *why),
			       void *arg, struct err *why) MUST_USE;
/* One certificate out of all n octets; X509's caches are filled, so it may be shared. */
enum stir_reason cert_from_der(const unsigned char *der, long n, X509 **out, struct err *why) MUST_USE;

#endif
