/*
 * What passport.c and passport_write.c agree on: what may not be read isn't
 * written.  For these two only.
 */
#ifndef STIR_CORE_PASSPORT_INTERNAL_H
#define STIR_CORE_PASSPORT_INTERNAL_H

#include "core/span.h"

/* An octet below SP, or DEL. */
bool passport_has_control(struct span s);

/*
 * The length of the scheme of a "uri" claim value, or 0 if it is none: at most
 * LIMIT_URI_BYTES visible ASCII characters that begin with scheme ":" (RFC
 * 3986, 3.1).
 */
size_t passport_uri_scheme(struct span uri);

#endif
