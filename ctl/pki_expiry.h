/*
 * stirctl pki expiry: what ends, soonest first.
 */
#ifndef STIR_CTL_PKI_EXPIRY_H
#define STIR_CTL_PKI_EXPIRY_H

#include "core/err.h"

enum pki_expiry {
	PKI_EXPIRY_NONE = 0, /* nothing ends within the time */
	PKI_EXPIRY_HELP = 1, /* help was printed */
	PKI_EXPIRY_SOON = 2  /* something does */
};

/*
 * argv[0] is the command's word.  One of the above, or -1 and *e; what can't be read
 * was said, but for the last such thing, which is *e.
 */
int pki_expiry(int argc, char **argv, struct err *e) MUST_USE;

#endif
