/*
 * What trust.c, trust_crl.c and trustset.c share; nobody else includes this.
 */
#ifndef STIR_CORE_TRUST_INTERNAL_H
#define STIR_CORE_TRUST_INTERNAL_H

#include "core/crl.h"
#include "core/limits.h"
#include "core/trust.h"

struct trust {
	X509_STORE *store; /* the anchors, nothing else */
	STACK_OF(X509) *anchors;
	STACK_OF(X509) *crl_issuers;
	struct crl **crls; /* from files */
	size_t n_crls;
	char *url[LIMIT_CRL_URLS];
	size_t n_urls;
	struct crlcache *crlcache; /* or NULL */
};

/* trust_check(); *anchored: the chain does lead to an anchor, whatever else may be wrong with it. */
enum stir_reason trust_check_far(const struct trust *t, struct cert_chain *c, bool *anchored, struct err *why) MUST_USE;
/* What trust_crl.c has put into t. */
void trust_free_crls(struct trust *t);

#endif
