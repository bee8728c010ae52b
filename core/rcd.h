/*
 * Rich call data (RFC 9795) that rides in a msg token: the name its signer
 * gives the sender, and the digests (rcdi) over what the rcd claim holds.
 *
 * What stands elsewhere (pictures, a jCard behind jcl) is never fetched.
 */
#ifndef STIR_CORE_RCD_H
#define STIR_CORE_RCD_H

#include <jansson.h>

#include "core/arena.h"
#include "core/stir_result.h"

/*
 * Read the claims rcd and rcdi of a payload.  nam is a string of 1 to
 * LIMIT_RCD_NAME_BYTES octets, apn a string, icn and jcl are URIs, jcd is an array;
 * jcd and jcl exclude each other.  A claim that breaks a rule is a mismatch: its
 * name is not to be shown either.
 *
 * *name is the name (in the arena; UTF-8, may hold anything that is no control
 * character: printers quote it), empty unless PRESENT, VERIFIED or UNCHECKED.
 */
enum stir_rcd rcd_read(struct span payload, struct arena *a, struct span *name);

/*
 * What a JSON pointer (RFC 6901) refers to, below root; NULL if nothing, or if
 * it is none or over LIMIT_RCD_POINTER_BYTES.  *parent (or NULL) is the array or
 * object that holds the value, *last its place there (0 in an object).
 * Borrowed from root.
 */
const json_t *rcd_pointer(const json_t *root, struct span pointer, const json_t **parent, size_t *last);

#endif
