/*
 * stirctl pki init, issue and delegate.
 */
#ifndef STIR_CTL_PKI_MAKE_H
#define STIR_CTL_PKI_MAKE_H

#include "core/err.h"

/* Each: argv[0] is the command's word. 0, 1 help was printed, -1 and *e. */
int pki_make_init(int argc, char **argv, struct err *e) MUST_USE;
int pki_make_issue(int argc, char **argv, struct err *e) MUST_USE;
int pki_make_delegate(int argc, char **argv, struct err *e) MUST_USE;

#endif
