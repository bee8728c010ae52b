/*
 * What a person can do about a reason: the last line of "stirctl explain".
 */
#ifndef STIR_CTL_ADVICE_H
#define STIR_CTL_ADVICE_H

#include "core/sign.h"
#include "core/stir_reason.h"

/* One or two sentences; never NULL. */
const char *advice_reason(enum stir_reason r);
const char *advice_outcome(enum sign_outcome o);

#endif
