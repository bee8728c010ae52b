/*
 * What pki.c, pki_crl.c and pki_request.c share; nobody else includes this.
 */
#ifndef STIR_CTL_PKI_INTERNAL_H
#define STIR_CTL_PKI_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include "ctl/pki.h"

/* Fills *e from OpenSSL's queue and empties that; -1. */
int pki_failed(struct err *e, const char *what);
/* UTCTime until 2049, GeneralizedTime after, as RFC 5280 wants; NULL without memory. */
ASN1_TIME *pki_asn1_time(int64_t t) MUST_USE;
/* NULL without memory, or when the issuer has no SKI. */
AUTHORITY_KEYID *pki_aki_of(X509 *issuer) MUST_USE;
/* One directory name; NULL without memory. */
GENERAL_NAMES *pki_directory_names(const X509_NAME *of) MUST_USE;

/* An extension with these octets (X509_EXTENSION_free()); NULL without memory. */
X509_EXTENSION *pki_extension(const char *oid, bool critical, struct span der) MUST_USE;
/* Moves what was written to bio (NULL allowed) to out, and frees bio. 0, or -1: nothing was. */
int pki_drain(struct buf *out, BIO *bio, int written);

#endif
