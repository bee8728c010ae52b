/*
 * How the local part of a mail address becomes a telephone number.
 *
 * "+15551230001/TYPE=PLMN", "MMS=+1-555-123-0001" and any other local part that
 * starts with '+' need no plan.  "5551230001@gateway.example" is a number only
 * if the table says which plan its domain follows: a number is never guessed
 * (design: profile.md section 6).
 *
 * The table, one domain a line, '#' comments:
 *
 *     vzwpix.example        nanp
 *     mms.carrier.example   international
 *     mms.operator.example  national 33 trunk 0 idd 00
 *     .carrier.example      international       # the domain's subdomains
 *     *                     international       # any other domain
 *
 * nanp           ten digits NXXNXXXXXX get a 1 in front; eleven starting with
 *                1 and then NXXNXXXXXX stay
 * international  7 to 15 digits, the first not 0, stay as they are
 * national CC    digits after an optional trunk prefix get CC in front; digits
 *                after an optional idd prefix, or that already begin with CC
 *                and are longer than 10, are international; fewer than seven
 *                national digits (a short code) are no number
 */
#ifndef STIR_CORE_NUMBERPLAN_H
#define STIR_CORE_NUMBERPLAN_H

#include "core/err.h"
#include "core/tn.h"

struct numberplan; /* opaque, immutable, may be shared by threads */

/*
 * Reads a table.  name is for error texts ("name:line:column: ...").
 * Gives *out (numberplan_free()) and returns 0, or -1 and *e.
 */
int numberplan_parse(const char *name, struct span text, struct numberplan **out, struct err *e) MUST_USE;
void numberplan_free(struct numberplan *p); /* NULL is allowed */

/*
 * The number that an address stands for.
 *
 * plan    may be NULL: only '+' and TYPE=PLMN forms are then numbers
 * local   the local part as parsed, quotes still on or already off
 * domain  may be empty ("+15551230001/TYPE=PLMN" without a domain is what MM4
 *         writes)
 *
 * Returns 1 and *out; 0 when it is no number (*out is then no number).
 */
int numberplan_number(const struct numberplan *plan, struct span local, struct span domain, struct tn *out);

#endif
