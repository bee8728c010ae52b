/*
 * Which numbers a service provider code (SPC) holds: optional data of the
 * industry (RFC 8226, 3: "an external data set"), as CSV lines
 *
 *     spc,start,count          # comment
 *     1234,15551230000,10000
 *
 * start is 1 to 15 digits (a leading '+' is allowed), count 1 or more and within
 * the length of start; ranges of one SPC may touch and overlap, those of two must
 * not.  The first line may be the heading "spc,start,count"; a field may stand in
 * double quotes; blanks around fields, CRLF and a byte order mark are allowed.
 * LIMIT_SPC_RANGES ranges in LIMIT_TABLE_BYTES octets; 21 octets of memory each,
 * and some for each provider; a look-up costs no more than a few cache misses.
 */
#ifndef STIR_CORE_SPCTABLE_H
#define STIR_CORE_SPCTABLE_H

#include "core/err.h"
#include "core/span.h"
#include "core/tnauthlist.h"

struct spctable; /* opaque, counted; immutable. Any thread. */

/* name is for error texts, "name:line:column: ...". Gives *out (spctable_unref()), or -1 and *e. */
int spctable_parse(const char *name, struct span csv, struct spctable **out, struct err *e) MUST_USE;
struct spctable *spctable_ref(struct spctable *t);  /* NULL is allowed */
void spctable_unref(struct spctable *t);             /* NULL is allowed */
/* Ranges as they stand in it, and providers. */
size_t spctable_count(const struct spctable *t);
size_t spctable_providers(const struct spctable *t);

enum spctable_answer {
	SPCTABLE_UNKNOWN, /* the table has no range of this SPC */
	SPCTABLE_OUTSIDE, /* it has, and the number is in none of them */
	SPCTABLE_COVERS
};
/* NULL t: SPCTABLE_UNKNOWN. SPCs are compared octet by octet. */
enum spctable_answer spctable_look(const struct spctable *t, struct span spc, const struct tn *number);
/* Does the SPC hold all of start .. start + count - 1? */
enum spctable_answer spctable_look_range(const struct spctable *t, struct span spc, const struct tn *start, uint64_t count);
/*
 * Do the SPCs of list together hold them?  UNKNOWN if one of them is not in the
 * table; OUTSIDE also if list (NULL allowed) has none.
 */
enum spctable_answer spctable_look_list(const struct spctable *t, const struct tnauthlist *list, const struct tn *start, uint64_t count);

#endif
