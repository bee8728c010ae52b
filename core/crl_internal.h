/*
 * What the files of core/crl*.c (not crlcache) share; nobody else includes this.
 */
#ifndef STIR_CORE_CRL_INTERNAL_H
#define STIR_CORE_CRL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/crl.h"
#include "core/siphash.h"

enum {
	CRL_DIGEST_BYTES = 64, /* SHA-512 */
	CRL_KEY_BYTES = 32,    /* SHA-256 of a public key */
	/* A list has one signer, and during a change of keys two. */
	CRL_PROOFS = 8
};

/*
 * One revoked certificate.  The keyed sum of issuer and serial number stands for
 * both: 128 bits nobody can steer.
 */
struct crl_entry {
	struct siphash_sum key;
	int64_t when; /* 2 * seconds since 1970, and 1 more if its key was stolen */
};

struct crl_issuer {
	X509_NAME *name;
	uint32_t id; /* what goes into the sum */
};

struct crl {
	atomic_uint refs;
	int64_t this_update, next_update;
	ASN1_INTEGER *number;   /* or NULL */
	AUTHORITY_KEYID *akid;  /* or NULL */
	X509_NAME *issuer;

	/* of the issuing distribution point */
	bool indirect, some_reasons, only_user, only_ca;
	GENERAL_NAMES *point; /* or NULL: not of one distribution point */

	/* what is left of the octets: enough to verify them with any key */
	int md_nid, key_nid;
	unsigned char digest[CRL_DIGEST_BYTES];
	size_t digest_n;
	ASN1_BIT_STRING *signature;

	unsigned char seed[SIPHASH_KEY_BYTES];
	struct crl_issuer *issuers; /* in the order of X509_NAME_cmp() */
	size_t n_issuers, cap_issuers;
	struct crl_entry *entries;  /* in the order of their keys */
	size_t n;

	pthread_mutex_t lock; /* holds all below */
	struct crl_proof {
		unsigned char key[CRL_KEY_BYTES];
		bool good;
	} proof[CRL_PROOFS];
	size_t n_proof; /* proofs so far; the oldest make room */
};

/* Fills the index from x. 0, or -1 and *e. */
int crl_index_fill(struct crl *l, X509_CRL *x, struct err *e) MUST_USE;
void crl_index_free(struct crl *l);
/* Takes from the octets what is signed, and how. 0, or -1 and *e. */
int crl_sign_fill(struct crl *l, X509_CRL *x, struct span der, struct err *e) MUST_USE;
int crl_no_memory(struct err *e);

#endif
