/*
 * Policies and their lists from the disk.
 */
#ifndef STIR_CTL_POLICY_FILES_H
#define STIR_CTL_POLICY_FILES_H

#include "policy/policy.h"

/*
 * Opens one and says on standard error what is wrong with it (warnings only if
 * asked for).  0 and *out, or the exit status.
 */
int policy_files_open(const char *path, bool warnings, struct policy **out) MUST_USE;
/* What a report holds, to standard error. */
void policy_files_say(const struct source_report *r);
/* Replaces the file at path, or what a link there leads to, whole or not at all; its mode stays. 0, or -1 and *e. */
int policy_files_replace(const char *path, struct span text, struct err *e) MUST_USE;

#endif
