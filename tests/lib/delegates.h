/*
 * Paths of delegate certificates (RFC 9060), each with its list of numbers.
 */
#ifndef STIR_TESTS_LIB_DELEGATES_H
#define STIR_TESTS_LIB_DELEGATES_H

#include "core/trust.h"

enum { DELEGATES_MAX = 6, DELEGATES_T0 = 1700000000 };

struct delegates_level {
	const char *list; /* as tnauthlist_from_text() reads it; NULL: none */
	const char *url;  /* the same by reference; NULL: none */
	unsigned flaws;   /* enum pki_flaw */
};

/* Certificate 0 is the signer's, the last one the anchor. */
struct delegates {
	X509 *cert[DELEGATES_MAX];
	EVP_PKEY *key[DELEGATES_MAX];
	size_t n;
	struct trust *trust;
};

void delegates_init(struct delegates *d, const struct delegates_level *level, size_t n);
void delegates_free(struct delegates *d);
/* A chain as served: "01" is the signer and its issuer. cert_chain_unref(). */
struct cert_chain *delegates_serve(const struct delegates *d, const char *order);
/* DER of a list given as text; buf_free(). */
struct buf delegates_der(const char *text);

#endif
