/*
 * What pki.c and pki_crl.c share; nobody else includes this.
 */
#ifndef STIR_CTL_PKI_INTERNAL_H
#define STIR_CTL_PKI_INTERNAL_H

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

#endif
