/*
 * What a PKI's folder remembers of revocation: DIR/revoked, one certificate a line,
 * and DIR/crlnumber, the number of the last list.
 *
 *     SERIAL REASON DATE ISSUER # subject
 *
 * SERIAL is hexadecimal, DATE seconds since 1970, ISSUER the base64 of the name's
 * DER, since lists must name it octet by octet.  Whoever writes holds
 * pki_folder_lock().
 */
#ifndef STIR_CTL_PKI_RECORDS_H
#define STIR_CTL_PKI_RECORDS_H

#include "ctl/pki.h"
#include "ctl/pki_files.h"

struct pki_record {
	ASN1_INTEGER *serial;
	X509_NAME *issuer;
	int64_t date;
	int reason;    /* CRL_REASON_* */
	char *subject; /* for people, printable ASCII; "" when not known */
};

struct pki_records {
	struct pki_record *at;
	size_t n;
};

/* A folder in which nothing was revoked yet has no such file. 0, or -1 and *e (then it is empty). */
int pki_records_read(const char *dir, struct pki_records *out, struct err *e) MUST_USE;
void pki_records_free(struct pki_records *r);
/* Borrowed, or NULL. */
struct pki_record *pki_records_find(const struct pki_records *r, const ASN1_INTEGER *serial, const X509_NAME *issuer);
/* One more, copied. 0, or -1 and *e. */
int pki_records_add(struct pki_records *r, const struct pki_record *one, struct err *e) MUST_USE;
/* Replaces the file in one step. 0, or -1 and *e. */
int pki_records_write(const char *dir, const struct pki_records *r, struct err *e) MUST_USE;

/* Hexadecimal digits, colons between them allowed, 1 to 20 octets; NULL if it isn't. */
ASN1_INTEGER *pki_records_serial(struct span hex) MUST_USE;
/* And back, in capitals as openssl(1) prints them. 0 / -1. */
int pki_records_put_serial(struct buf *out, const ASN1_INTEGER *serial) MUST_USE;

/* The number of the last list, 0 before the first. 0, or -1 and *e. */
int pki_records_number(const char *dir, int64_t *out, struct err *e) MUST_USE;

#endif
