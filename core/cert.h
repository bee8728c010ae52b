/*
 * A certificate chain as x5u serves it: PEM, the signer's certificate first
 * (RFC 8226, 9060), checked against the profile of a PASSporT signer.  Whether
 * it is trusted is core/trust.h's question.
 */
#ifndef STIR_CORE_CERT_H
#define STIR_CORE_CERT_H

#include <openssl/x509.h>
#include <stdint.h>

#include "core/claimrules.h"
#include "core/tnauthlist.h"

/* Opaque, counted; immutable once trust_check() has seen it. Any thread. */
struct cert_chain; /* read here, or opened from what is left of one that was (core/certrecord.h) */

/*
 * Read 1..LIMIT_CHAIN_CERTS certificates; text between the PEM blocks is
 * allowed, any other PEM block is not.  The first must be: version 3, a P-256
 * key (named curve), no CA, keyUsage (if there) with digitalSignature, at most
 * one TNAuthList, by value or by reference (one address), not both kinds of claim
 * constraints, all of them decodable.  Claim constraints of issuers are not looked
 * at: the extensions are for end entities only (RFC 8226, 8; RFC 9118, 3).
 * Gives *out (cert_chain_unref()); STIR_OK, STIR_CERT_INVALID (and *why says
 * which rule) or STIR_NO_RESOURCE.
 */
enum stir_reason cert_chain_parse(struct span pem, struct cert_chain **out, struct err *why) MUST_USE;
struct certshare;
/*
 * The same; a certificate of an issuer that s has, octet by octet, is taken from there
 * instead of being read once more (0.12 ms).
 */
enum stir_reason cert_chain_parse_with(struct certshare *s, struct span pem, struct cert_chain **out, struct err *why) MUST_USE;
struct cert_chain *cert_chain_ref(struct cert_chain *c);
void cert_chain_unref(struct cert_chain *c); /* NULL is allowed */

/*
 * The signer's TNAuthList, or NULL; if it is by reference, the one that
 * chainlists_fetch() had. Borrowed from the chain.
 */
const struct tnauthlist *cert_chain_tnauthlist(const struct cert_chain *c);
/* The signer's claim constraints, or NULL. Borrowed from the chain. */
const struct claimrules *cert_chain_claimrules(const struct cert_chain *c);
/* 1 good signature, 0 bad, -1 could not (jws_verify_es256()). */
int cert_chain_verify(const struct cert_chain *c, struct span signing_input, const unsigned char sig[64]) MUST_USE;
/* The signer's public key, uncompressed point. */
void cert_chain_point(const struct cert_chain *c, unsigned char point[65]);

enum { CERT_FINGERPRINT_BYTES = 64 + 1, CERT_SUBJECT_MAX = 1024 };
/* SHA-256 of the signer's certificate, lower case hexadecimal. Borrowed, as is the next. */
struct span cert_chain_fingerprint(const struct cert_chain *c);
/* The signer's subject, cert_name(); empty if it has none or one over CERT_SUBJECT_MAX octets. */
struct span cert_chain_subject(const struct cert_chain *c);

/* Certificates as served, 0 is the signer; none in a chain that was opened from a record. Borrowed. */
size_t cert_chain_count(const struct cert_chain *c);
X509 *cert_chain_at(const struct cert_chain *c, size_t i);
/* The octets cert_chain_parse() read, as served: at most LIMIT_CHAIN_BYTES; empty when they were let go. Borrowed. */
struct span cert_chain_pem(const struct cert_chain *c);
/* Are those the octets that were read (by their SHA-256)? */
bool cert_chain_is_served(const struct cert_chain *c, struct span pem);
/* Lets them go, before the chain is shared. */
void cert_chain_drop_pem(struct cert_chain *c);

/*
 * The path trust_check() found: the signer first, the anchor last; 0 before it, or
 * when it refused. Borrowed; NULL beyond the end, and for the signer of a chain that
 * was opened from a record.
 */
size_t cert_chain_path_count(const struct cert_chain *c);
X509 *cert_chain_path_at(const struct cert_chain *c, size_t i);

/* Which trust domain accepted the chain (an index of struct trustset), -1: none yet. */
int cert_chain_domain(const struct cert_chain *c);
/* Only for trustset_check(). */
void cert_chain_set_domain(struct cert_chain *c, int domain);

/*
 * From when to when every certificate of the path is valid, seconds since 1970,
 * both inclusive.  Before trust_check() it is the signer's own validity; after
 * it, that of the whole path, the anchor included.
 */
void cert_chain_validity(const struct cert_chain *c, int64_t *not_before, int64_t *not_after);
/*
 * After trust_scope(): some of the signer's numbers stand in no list of an issuer,
 * which however names a provider (SPC), and no table says whether they are that
 * provider's (RFC 9060, 4.1: it takes data of the industry).  Its authority is then
 * that of the provider.
 */
bool cert_chain_unchecked(const struct cert_chain *c);
/* Only for trust_check(). */
void cert_chain_set_validity(struct cert_chain *c, int64_t not_before, int64_t not_after);

/* Seconds since 1970 of an ASN.1 time; 0 / -1. */
int cert_time(const ASN1_TIME *t, int64_t *out) MUST_USE;
/* "/C=US/O=…/CN=…" of a name, for people. */
void cert_name(struct buf *out, const X509_NAME *name);

#endif
