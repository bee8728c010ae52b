/*
 * What a person wants to know of a token or a certificate.
 */
#ifndef STIR_CTL_SHOW_H
#define STIR_CTL_SHOW_H

#include <stdio.h>

#include "core/arena.h"

/* A token, or an Identity field with or without its name. 0; -1 when it can't be used, after saying why. */
int show_token(FILE *f, struct span text, struct arena *a);

/* PEM: the certificates of a chain, the signer's first. 0; -1 when it may not sign, after saying why. */
int show_pem(FILE *f, struct span pem);
/* One certificate in DER. The same. */
int show_der(FILE *f, struct span der);

#endif
