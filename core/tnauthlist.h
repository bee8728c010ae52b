/*
 * TNAuthorizationList (RFC 8226, 9): which numbers, and which service provider
 * codes (SPC), a certificate speaks for.
 *
 *     TNAuthorizationList ::= SEQUENCE SIZE (1..MAX) OF TNEntry
 *     TNEntry ::= CHOICE { spc [0] IA5String, range [1] SEQUENCE { start, count },
 *                          one [2] TelephoneNumber }      -- explicit tags
 */
#ifndef STIR_CORE_TNAUTHLIST_H
#define STIR_CORE_TNAUTHLIST_H

#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/stir_reason.h"
#include "core/tn.h"

struct tnauthlist; /* opaque, immutable */

/* What a list says of one number. */
enum tn_authority {
	TN_AUTHORITY_NONE,    /* the certificate has no list */
	TN_AUTHORITY_OUTSIDE, /* numbers are listed, this one is not, and no SPC */
	TN_AUTHORITY_SPC,     /* a provider is named; nothing is said of the number */
	TN_AUTHORITY_TN       /* the number is listed, alone or in a range */
};
const char *tn_authority_name(enum tn_authority a); /* none outside spc tn */

/*
 * Decode DER: exact (no trailing octets), every rule of RFC 8226 held: entries
 * 1..LIMIT_TNAUTHLIST_ENTRIES, SPC 1..LIMIT_SPC_BYTES of printable ASCII, count
 * >= 2, start + count below 10^(digits of start).  Extra members of a range's
 * SEQUENCE are tolerated (it is extensible).
 * Gives *out (tnauthlist_free()); STIR_OK, STIR_CERT_INVALID (and *why, NULL
 * allowed) or STIR_NO_RESOURCE.
 */
enum stir_reason tnauthlist_parse(struct span der, struct tnauthlist **out, struct err *why) MUST_USE;
/* The same for a list by reference: LIMIT_TNLIST_REFERENCE_BYTES and _ENTRIES. */
enum stir_reason tnauthlist_parse_reference(struct span der, struct tnauthlist **out, struct err *why) MUST_USE;
void tnauthlist_free(struct tnauthlist *l); /* NULL is allowed */

/* NULL list: TN_AUTHORITY_NONE. */
enum tn_authority tnauthlist_authority(const struct tnauthlist *l, const struct tn *number);
/* The first SPC, empty if none; lives as long as the list. */
struct span tnauthlist_spc(const struct tnauthlist *l);
/* Is that SPC listed, octet by octet? */
bool tnauthlist_has_spc(const struct tnauthlist *l, struct span spc);

/* --- a delegate's list and its issuer's (RFC 9060, 4); a list is a union ---- */
/* Are all SPCs of the one among those of the other? */
bool tnauthlist_spcs_within(const struct tnauthlist *child, const struct tnauthlist *parent);
/*
 * Which numbers of child does parent not list?  one() gets them in stretches of
 * numbers of one length, and returns false to end it; a number with '#' or '*'
 * is a stretch of its own.  False if one() ended it.
 */
bool tnauthlist_beyond(const struct tnauthlist *child, const struct tnauthlist *parent,
		       bool (*one)(void *arg, const struct tn *start, uint64_t count), void *arg);
/*
 * Is child encompassed, as far as the lists themselves say?  Its SPCs are among
 * the parent's; its numbers are too, unless the parent has an SPC, whose numbers
 * nobody here knows.
 */
bool tnauthlist_within(const struct tnauthlist *child, const struct tnauthlist *parent);

/* --- making one (pki) and showing one ------------------------------------ */
struct tnauthlist_entry {
	enum { TNENTRY_SPC, TNENTRY_RANGE, TNENTRY_ONE } kind;
	struct span spc;  /* TNENTRY_SPC */
	struct tn start;  /* TNENTRY_RANGE, TNENTRY_ONE */
	uint64_t count;   /* TNENTRY_RANGE */
};
size_t tnauthlist_count(const struct tnauthlist *l);
struct tnauthlist_entry tnauthlist_at(const struct tnauthlist *l, size_t i);

/*
 * From text, as the command line writes it: entries separated by commas, each
 * "spc:1234", "tn:+15551230001" or "tn:+15551230000..+15551239999" or
 * "tn:+15551230000+100" (start and count).  0, or -1 and *e.
 */
int tnauthlist_from_text(struct span text, struct tnauthlist **out, struct err *e) MUST_USE;
/* The same text form, for people. */
void tnauthlist_write_text(struct buf *out, const struct tnauthlist *l);
/* DER of the list. 0 / -1. */
int tnauthlist_write_der(struct buf *out, const struct tnauthlist *l) MUST_USE;

#endif
