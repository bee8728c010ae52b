/* What sign.c and sign_divert.c share; for these two only. */
#ifndef STIR_CORE_SIGN_INTERNAL_H
#define STIR_CORE_SIGN_INTERNAL_H

#include "core/passport.h"
#include "core/sign.h"

/* Is the certificate valid at both times (seconds since 1970)? */
bool sign_cert_valid(const struct sign_params *p, int64_t a, int64_t b);
/* Has the token made and puts the Identity value into *out; ok, or what went wrong. */
enum sign_outcome sign_make_value(const struct sign_params *p, struct mms_message *m, const struct passport_new *n, enum sign_outcome ok, struct sign_result *out);

/* After message_end_headers(): may the message that is signed already get a div token?  SIGN_SIGNED: perhaps. */
enum sign_outcome sign_divert_begin(const struct sign_params *p, struct mms_message *m);
/* SIGN_DIVERTED and the value, or why not. */
enum sign_outcome sign_divert(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out);

#endif
