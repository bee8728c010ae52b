/*
 * Recorded tokens verified again, each as of its receipt, without the message:
 * chain, dates, revocation, authority, signature.
 */
#ifndef STIR_CTL_EVIDENCE_CHECK_H
#define STIR_CTL_EVIDENCE_CHECK_H

#include "ctl/evidence_verify.h"

enum evidence_check_outcome {
	EVIDENCE_CHECK_SAME,
	EVIDENCE_CHECK_DIFFERS,
	/* It stopped at what only the message can show (its sender and recipients), or
	 * its sender can't be written as an address. */
	EVIDENCE_CHECK_CANNOT
};

/*
 * The engine in r is given the recorded chain, and a message without content whose
 * sender and recipients are the token's; what it finds up to the content is
 * compared.  why gets what differs.  0 and *out, or -1 and *e.
 */
int evidence_check_entry(struct evidence_verify_source *s, struct run *r, const struct evidence_line *l, enum evidence_check_outcome *out, struct buf *why, struct err *e) MUST_USE;

#endif
