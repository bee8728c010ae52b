/*
 * The milter's callbacks.
 */
#ifndef STIR_MILTER_CALLBACKS_H
#define STIR_MILTER_CALLBACKS_H

#include "core/err.h"

/* Registers them with libmilter; once, before the socket is opened. 0, or -1 and *e. */
int callbacks_register(struct err *e) MUST_USE;

#endif
