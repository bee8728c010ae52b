/*
 * "stirctl policy fmt": the canonical layout of policy files.  argv[0] is the
 * command's name; returns the exit status.
 */
#ifndef STIR_CTL_POLICY_LAYOUT_H
#define STIR_CTL_POLICY_LAYOUT_H

#include <stdio.h>

#include "core/span.h"

int policy_layout_fmt(int argc, char **argv);

/*
 * The difference of two texts in unified format, three lines of context.
 * 1 and it is written; 0 there is none; -1 without memory.
 */
int policy_layout_diff(FILE *f, const char *name, struct span old, struct span new_text) MUST_USE;

#endif
