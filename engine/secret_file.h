/*
 * A file of secret octets that keys a hash (PseudonymKey, ReplayKey).
 */
#ifndef STIR_ENGINE_SECRET_FILE_H
#define STIR_ENGINE_SECRET_FILE_H

#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/key.h"

enum { SECRET_FILE_BYTES = 32, SECRET_FILE_MIN = 32 /* octets in the file */ };

/*
 * SHA-256 of what is in the file, of which there must be SECRET_FILE_MIN octets.
 * name is the setting's, for error texts; require_safe and reader as for
 * key_pem_open().  0, or -1 and *e.
 */
int secret_file_read(const char *name, const char *path, bool require_safe, struct key_reader reader, unsigned char out[SECRET_FILE_BYTES], struct err *e) MUST_USE;

/* The octets themselves, in the same way; out is empty before, and wiped after (secret_file_wipe()), also on failure. 0, or -1 and *e. */
int secret_file_text(const char *name, const char *path, bool require_safe, struct key_reader reader, struct buf *out, struct err *e) MUST_USE;
/* Overwrites what is in it, and frees it. */
void secret_file_wipe(struct buf *b);

/* Make it, of random octets and mode 0600, unless it is there. 0, or -1 and *e. */
int secret_file_make(const char *name, const char *path, struct err *e) MUST_USE;

#endif
