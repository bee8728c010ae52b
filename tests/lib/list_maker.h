/*
 * Revocation lists and trust lists of any shape, right or wrong, and certificates
 * that point to them; beside ctl/pki.h, which makes only the plain ones.
 */
#ifndef STIR_TESTS_LIB_LIST_MAKER_H
#define STIR_TESTS_LIB_LIST_MAKER_H

#include "core/cert.h"
#include "ctl/pki.h"

enum list_maker_flaw {
	LIST_MAKER_SHA1 = 1 << 0,
	LIST_MAKER_DELTA = 1 << 1,
	LIST_MAKER_UNKNOWN_CRITICAL = 1 << 2, /* in the list */
	LIST_MAKER_NO_NEXT = 1 << 3,
	LIST_MAKER_NO_AKI = 1 << 4,
	LIST_MAKER_WRONG_AKI = 1 << 5,
	/* of the issuing distribution point */
	LIST_MAKER_INDIRECT = 1 << 8,
	LIST_MAKER_ONLY_USER = 1 << 9,
	LIST_MAKER_ONLY_CA = 1 << 10,
	LIST_MAKER_ONLY_ATTRIBUTES = 1 << 11,
	LIST_MAKER_SOME_REASONS = 1 << 12,
	LIST_MAKER_RELATIVE = 1 << 13
};

struct list_maker_entry {
	X509 *cert;
	int64_t date;
	int reason;         /* CRL_REASON_*, -1: none */
	X509 *issuer;       /* the certificateIssuer is its subject; NULL: none said */
	int64_t invalid;    /* invalidityDate; 0: none */
	bool unknown_critical;
	bool bad_issuer;    /* a certificateIssuer without a directory name */
};

struct list_maker_crl {
	X509 *issuer;
	EVP_PKEY *key;
	int64_t this_update, next_update;
	int64_t number;     /* 0: none */
	const struct list_maker_entry *entry;
	size_t n;
	const char *point;  /* its distribution point; NULL: none */
	unsigned flaws;
};

/* All of these bail out of the test when anything fails. */
X509_CRL *list_maker_crl(const struct list_maker_crl *s);
/* Appends PEM, or DER. */
void list_maker_put(struct buf *out, const struct list_maker_crl *s, bool der);

/* One more distribution point in x, which is signed again with its issuer's key; url and crl_issuer may be NULL. */
void list_maker_point(X509 *x, EVP_PKEY *issuer_key, const char *url, const X509 *crl_issuer, bool some_reasons);

/* A signer of the PKI with such a point, its chain checked against the root (cert_chain_unref()). */
struct cert_chain *list_maker_chain(const struct pki *p, EVP_PKEY *leaf_key, int64_t not_before, int64_t not_after, const char *url, const X509 *crl_issuer);

/* A certificate that may sign lists: keyUsage cRLSign, no CA. */
X509 *list_maker_signer(EVP_PKEY *key, const char *common_name, int64_t not_before, int64_t not_after);

/* A compact JWS of both texts, ES256. */
void list_maker_jws(struct buf *out, EVP_PKEY *key, const char *header, const char *payload);
/* {"version":"1.0", more "trustList":[PEM...]}, with more as it is, ",": at its end. NULL ends the certificates. */
void list_maker_payload(struct buf *out, const char *more, X509 *const *certs);

#endif
