/*
 * Policies and lists from the operator's disk.
 */
#ifndef STIR_ENGINE_POLICY_OPEN_H
#define STIR_ENGINE_POLICY_OPEN_H

#include "policy/policy.h"

/* Regular files only, and folders of *.policy files; standard input is never read. */
struct source_loader policy_open_loader(void);

/*
 * policy_open() with that loader.  0 and *out (policy_free()), or -1 and *e
 * (ERR_CONFIG, the first error's line); the report has all of it.
 */
int policy_open_file(const char *path, struct policy **out, struct source_report *report, struct err *e) MUST_USE;

/* The same; seen gets the path of each file and folder that was read, with '\n', as far as there is room in it. */
int policy_open_noting(const char *path, struct policy **out, struct buf *seen, struct source_report *report, struct err *e) MUST_USE;

#endif
