/*
 * A P-256 private key in a PKCS #11 token (HSM), through p11-kit.
 */
#ifndef STIR_CORE_KEYS_KEY_PKCS11_H
#define STIR_CORE_KEYS_KEY_PKCS11_H

#include <sys/types.h>

#include "core/key.h"

/* Is that KeyFile a PKCS #11 URI ("pkcs11:", RFC 7512)? */
bool key_pkcs11_is_uri(struct span s);

/*
 * Opens the key that the URI names (token, serial, object, id, module-path,
 * module-name; pin-source=file:PATH or pin_file, a file with the PIN on its first
 * line that others must not read; pin-value is refused, since a configuration is
 * no place for it).  Exactly one token and in it one private key of P-256 must
 * match; its public half is taken from the token (public key, certificate, or
 * what the private key's object says of it), and one signature is tried.
 *
 * A session lost later, or a token that was away, is opened again.  A PIN that the
 * token refused is never tried again, and the last try that a token leaves is
 * not ours to use up: tokens lock up.
 *
 * Not over fork(): a child must open the key anew.
 * Gives *out (key_close()), or -1 and *e (which says what to do).
 */
int key_pkcs11_open(const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key **out, struct err *e) MUST_USE;

#endif
