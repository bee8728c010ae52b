/*
 * What stands on disk of a PKI: those who sign (a certificate, what it was issued
 * by, a key), read and held against each other; and the writing of new files.
 */
#ifndef STIR_CTL_PKI_FOLDER_H
#define STIR_CTL_PKI_FOLDER_H

#include <limits.h>
#include <openssl/x509.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/tnauthlist.h"
#include "ctl/pki_files.h"

/* a, sep and b as one name. 0, or -1 and *e. */
int pki_folder_join(char out[PATH_MAX], const char *a, const char *sep, const char *b, struct err *e) MUST_USE;

/* The certificates of a PEM file, in order; zero it before use. */
struct pki_folder_certs {
	X509 *at[LIMIT_CHAIN_CERTS];
	size_t n;
};
/* 1 to LIMIT_CHAIN_CERTS of them; blocks of other kinds are skipped. 0, or -1 and *e (then it is empty). */
int pki_folder_certs(const char *path, struct pki_folder_certs *out, struct err *e) MUST_USE;
void pki_folder_certs_free(struct pki_folder_certs *c);
/* The TNAuthList in a certificate (tnauthlist_free()). 1, 0 it has none, -1 and *e. */
int pki_folder_list(X509 *x, struct tnauthlist **out, struct err *e) MUST_USE;

/* Who signs certificates or lists. */
struct pki_folder_issuer {
	struct pki_folder_certs chain; /* its own first */
	EVP_PKEY *key;
};
/* The key is that of the first certificate. 0, or -1 and *e. */
int pki_folder_issuer(const char *cert_path, const char *key_path, struct pki_folder_issuer *out, struct err *e) MUST_USE;
/* DIR/NAME.pem with DIR/NAME.key.pem: "ca", "root", "crl-signer". 0, or -1 and *e. */
int pki_folder_issuer_in(const char *dir, const char *name, struct pki_folder_issuer *out, struct err *e) MUST_USE;
/* A delegating certificate: PREFIX.pem with PREFIX.key; PREFIX.pem may be given as well. 0, or -1 and *e. */
int pki_folder_parent(const char *prefix, struct pki_folder_issuer *out, struct err *e) MUST_USE;
void pki_folder_issuer_free(struct pki_folder_issuer *i);
/* PREFIX without ".pem". 0, or -1 and *e. */
int pki_folder_prefix(const char *name, char out[PATH_MAX], struct err *e) MUST_USE;

/* Alone in the folder until *fd is closed. 0, or -1 and *e. */
int pki_folder_lock(const char *dir, int *fd, struct err *e) MUST_USE;

/* pki_files_write(), and a line for each file on standard output. 0, or -1 and *e. */
int pki_folder_write(const struct pki_file *files, size_t n, bool replace, struct err *e) MUST_USE;
/* Forget secret octets. */
void pki_folder_wipe(struct buf *b);

#endif
