/*
 * A P-256 private key from a PEM file (SEC 1 or PKCS #8, not encrypted).
 */
#ifndef STIR_CORE_KEYS_KEY_PEM_H
#define STIR_CORE_KEYS_KEY_PEM_H

#include <sys/types.h>

#include "core/key.h"

/*
 * require_safe: refuse a file that others may read or anybody but its owner may
 * write, or that belongs neither to root nor to the process's user nor to reader's.
 * A group may read it if it is one of the process's own, or reader's.  The open
 * descriptor is judged, by fstat.
 * Gives *out (key_close()), or -1 and *e (which says what to do).
 */
int key_pem_open(const char *path, bool require_safe, struct key_reader reader, struct key **out, struct err *e) MUST_USE;

struct stat;
/* The judgement alone, for other files that hold secrets. 0, or -1 and *e. */
int key_pem_check_safe(const char *path, const struct stat *st, struct key_reader reader, struct err *e) MUST_USE;

/* A key from text, for tests and fuzzers; name is for error texts. */
int key_pem_parse(const char *name, struct span pem, struct key **out, struct err *e) MUST_USE;

#endif
