/*
 * Values of facts as they may be shown to others: without whole telephone
 * numbers and without names of people.
 */
#ifndef STIR_CTL_POLICY_REDACT_H
#define STIR_CTL_POLICY_REDACT_H

#include "core/buf.h"
#include "policy/facts.h"

/*
 * full: as facts_print_value() has it.  Else of numbers all but the last two
 * digits are stars, also of those inside texts; the part of a mail address
 * before the '@' is; and the subject, the text and its links are left out.
 */
void policy_redact_value(struct buf *out, enum fact_id id, const struct facts_value *v, bool full);

#endif
