/*
 * A whole file of the operator's into memory, with a cap.
 */
#ifndef STIR_ENGINE_FILE_H
#define STIR_ENGINE_FILE_H

#include "core/buf.h"
#include "core/err.h"

/*
 * Regular files only (and "-" for standard input).  What was in out is
 * replaced; its own maximum holds as well.
 * 0, or -1 and *e, which names the file and what to do: ERR_NOINPUT (missing,
 * unreadable, no regular file), ERR_DATA (too large), ERR_OS, ERR_UNAVAILABLE.
 */
int file_read(const char *path, size_t max, struct buf *out, struct err *e) MUST_USE;

/* The same from an open descriptor of any kind, which stays open; name is for error texts. */
int file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *e) MUST_USE;

/* Can this process, as the user that it is, make a file there?  Looks only; name is the setting's. 0, or -1 and *e. */
int file_check_place(const char *name, const char *path, struct err *e) MUST_USE;

#endif
