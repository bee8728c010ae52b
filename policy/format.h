/*
 * Canonical layout of a policy file: "stirctl policy fmt".
 *
 * Works on tokens and comments, so nothing is lost and a file with a type error
 * can be laid out too; formatting twice changes nothing, and the tokens stay the same.
 */
#ifndef STIR_POLICY_FORMAT_H
#define STIR_POLICY_FORMAT_H

#include "policy/source.h"

/* 0 and the text in out, or -1 after saying why in the report (what can't be tokens, unbalanced braces). */
int format_policy(const char *name, struct span text, struct buf *out, struct source_report *report) MUST_USE;

#endif
