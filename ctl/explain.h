/*
 * One message's way through the engine, told to a person.
 */
#ifndef STIR_CTL_EXPLAIN_H
#define STIR_CTL_EXPLAIN_H

#include <stdio.h>

#include "ctl/run.h"

/* What was handed to the engine, whichever direction. */
void explain_message(FILE *f, const struct run *r, const struct mail *m);
/* Each Identity field through each check, and the result. */
void explain_verify(FILE *f, const struct run *r, const struct mail *m);
/* What the signer did, or why it didn't. */
void explain_sign(FILE *f, const struct run *r);
/* Facts, rules and verdict of the policy in force; nothing without one. all: absent facts, too. run.trace was set. */
void explain_policy(FILE *f, const struct run *r, bool all);
/* The edits of the verdict, and the action. */
void explain_verdict(FILE *f, const struct run *r);

#endif
