/*
 * What tnauthlist.c (authority, DER in) and tnauthlist_text.c (text and DER
 * out) share; nobody else includes this.
 */
#ifndef STIR_CORE_TNAUTHLIST_INTERNAL_H
#define STIR_CORE_TNAUTHLIST_INTERNAL_H

#include <openssl/asn1.h>
#include <openssl/asn1t.h>

#include "core/tnauthlist.h"

/* The ASN.1 forms; a range is read as SEQUENCE OF ANY because it may grow members. */
typedef struct tnauthlist_der_entry {
	int type; /* index into the CHOICE: enum tnauthlist_der_kind */
	union {
		ASN1_IA5STRING *spc;
		STACK_OF(ASN1_TYPE) *range;
		ASN1_IA5STRING *one;
	} d;
} TNAUTHLIST_DER_ENTRY; /* the template macros of OpenSSL want a type name */
DEFINE_STACK_OF(TNAUTHLIST_DER_ENTRY)
typedef STACK_OF(TNAUTHLIST_DER_ENTRY) TNAUTHLIST_DER;

enum tnauthlist_der_kind { TNAUTHLIST_DER_SPC, TNAUTHLIST_DER_RANGE, TNAUTHLIST_DER_ONE };

const ASN1_ITEM *tnauthlist_der_entry_item(void);
const ASN1_ITEM *tnauthlist_der_item(void);

/*
 * An entry as a list keeps it: 16 octets, for a list may have a hundred thousand,
 * and many a certificate has one.
 */
struct tnauthlist_packed {
	uint64_t what; /* kind, length, and the digits of a number */
	uint64_t more; /* count of a range; address of an SPC */
};
struct tnauthlist_packed tnauthlist_pack(const struct tnauthlist_entry *e);
struct tnauthlist_entry tnauthlist_unpack(struct tnauthlist_packed p);

/* An empty list to add at most max entries to; NULL without memory. */
struct tnauthlist *tnauthlist_new(size_t max) MUST_USE;
/*
 * Append one entry (its SPC is copied) after checking every rule of RFC 8226
 * and our limits.  STIR_OK, STIR_CERT_INVALID and *why, or STIR_NO_RESOURCE.
 */
enum stir_reason tnauthlist_add(struct tnauthlist *l, const struct tnauthlist_entry *entry, struct err *why) MUST_USE;
/* After the last tnauthlist_add(): the index behind tnauthlist_authority(). */
enum stir_reason tnauthlist_seal(struct tnauthlist *l, struct err *why) MUST_USE;

#endif
