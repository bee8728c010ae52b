/*
 * What trust.c and trust_crl.c share; nobody else includes this.
 */
#ifndef STIR_CORE_TRUST_INTERNAL_H
#define STIR_CORE_TRUST_INTERNAL_H

#include "core/trust.h"

struct trust {
	X509_STORE *store; /* the anchors, nothing else */
	STACK_OF(X509) *anchors;
	STACK_OF(X509_CRL) *crls;
};

/*
 * Put beside each certificate of c's path the lists of t that its issuer has
 * signed: signatures are verified once per chain, not once per message.
 * 0, or -1 without memory.
 */
int trust_find_crls(const struct trust *t, struct cert_chain *c) MUST_USE;

#endif
