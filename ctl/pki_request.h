/*
 * stirctl pki request: a certificate request (PKCS #10) for a real CA.
 */
#ifndef STIR_CTL_PKI_REQUEST_H
#define STIR_CTL_PKI_REQUEST_H

#include <openssl/x509.h>

#include "core/buf.h"
#include "core/key.h"

struct pki_request_spec {
	struct key *key;            /* P-256; wherever it lives */
	struct span tn_auth;        /* DER of a TNAuthList */
	const char *country, *organisation; /* NULL: none */
	const char *common_name;
};

/* Signed, and its signature verified. Gives *out (X509_REQ_free()); 0, or -1 and *e. */
int pki_request_new(const struct pki_request_spec *s, X509_REQ **out, struct err *e) MUST_USE;

/* argv[0] is the command's word. 0, 1 help was printed, -1 and *e. */
int pki_request(int argc, char **argv, struct err *e) MUST_USE;

#endif
