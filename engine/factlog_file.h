/*
 * The file that fact log lines are appended to.
 *
 * A line is whole or, after a full disk, ended by a line end of its own before
 * the next one begins.  A file that was renamed or removed (log rotation) is
 * begun anew within a second.  Trouble costs lines, never mail.
 *
 * Counted; any thread.
 */
#ifndef STIR_ENGINE_FACTLOG_FILE_H
#define STIR_ENGINE_FACTLOG_FILE_H

#include <stdint.h>

#include "core/err.h"

struct factlog_file; /* opaque */

enum { FACTLOG_FILE_SAY_S = 60 /* trouble is said once in that time */ };

/* Opens nothing yet. NULL without memory. */
struct factlog_file *factlog_file_new(const char *path) MUST_USE;
struct factlog_file *factlog_file_ref(struct factlog_file *f);
void factlog_file_unref(struct factlog_file *f); /* NULL is allowed */
const char *factlog_file_path(const struct factlog_file *f);

/*
 * One line with its '\n'.  now: seconds since 1970.  0, also when the line was
 * lost; -1 and *e when it is time to say how many were, and why.
 */
int factlog_file_append(struct factlog_file *f, struct span line, int64_t now, struct err *e) MUST_USE;
/* One that could not even be made. The same results. */
int factlog_file_lost(struct factlog_file *f, int64_t now, const char *why, struct err *e) MUST_USE;
/* Look for the file by its name again with the next line. */
void factlog_file_reopen(struct factlog_file *f);

struct factlog_file_stats {
	uint64_t lines, lost; /* since factlog_file_new() */
};
void factlog_file_stats(struct factlog_file *f, struct factlog_file_stats *out);

/* Could this process append to it? Looks only. 0, or -1 and *e. */
int factlog_file_check(const char *path, struct err *e) MUST_USE;

#endif
