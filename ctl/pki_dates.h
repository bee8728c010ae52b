/*
 * When certificates and lists end: those in files, in folders, and in what a
 * configuration names.  Each is kept once, however many files have it.
 */
#ifndef STIR_CTL_PKI_DATES_H
#define STIR_CTL_PKI_DATES_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum pki_dates_kind { PKI_DATES_CERTIFICATE, PKI_DATES_CRL, PKI_DATES_TRUST_LIST };
const char *pki_dates_kind_name(enum pki_dates_kind k); /* certificate crl trust-list */

struct pki_dates_item {
	enum pki_dates_kind kind;
	int64_t ends;       /* seconds since 1970: notAfter, nextUpdate, exp */
	char *subject;      /* of a list, who made it; printable ASCII; "" when there is none */
	char *serial;       /* hexadecimal; of a CRL its number; "" when there is none */
	char **file;        /* where it stands, in the order they were found */
	size_t n_files;
	unsigned char digest[32];
};

struct pki_dates {
	struct pki_dates_item *at;
	size_t n;
	/* What can't be read is said here, and passed over; NULL is not allowed. */
	void (*say)(void *arg, const struct err *e);
	void *arg;
};

void pki_dates_free(struct pki_dates *d);

/* A file (PEM or DER; without any certificate or list it is an error), or a folder with all below it. */
void pki_dates_path(struct pki_dates *d, const char *path);
/* What the settings of a configuration name; now in seconds since 1970, for trust lists. */
void pki_dates_conf(struct pki_dates *d, const char *conf, int64_t now);
/* Octets that were had already; name is their file. */
void pki_dates_octets(struct pki_dates *d, const char *name, struct span octets);
/* One more; subject and serial are copied. 0, or -1 and *e. */
int pki_dates_add(struct pki_dates *d, const char *name, struct span octets, const struct pki_dates_item *item, struct err *e) MUST_USE;
/* Soonest first. */
void pki_dates_sort(struct pki_dates *d);

#endif
