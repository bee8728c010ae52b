/*
 * stirctl pki revoke and crl.
 */
#ifndef STIR_CTL_PKI_REVOKE_H
#define STIR_CTL_PKI_REVOKE_H

#include "core/err.h"

/* Each: argv[0] is the command's word. 0, 1 help was printed, -1 and *e. */
int pki_revoke(int argc, char **argv, struct err *e) MUST_USE;
int pki_revoke_list(int argc, char **argv, struct err *e) MUST_USE;

#endif
