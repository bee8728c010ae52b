/*
 * What the process gives up for good before its first message: new rights,
 * capabilities, system calls that it has no use for, files that the configuration
 * does not name.
 *
 * Each part holds for the thread that calls and all that it starts, so all of it
 * comes before the threads.
 */
#ifndef STIR_MILTER_SANDBOX_H
#define STIR_MILTER_SANDBOX_H

#include "engine/engine.h"

/* As CoreDumps says.  Again after a change of user, which the kernel takes for a reason to change it.  0, or -1 and *e. */
int sandbox_core_dumps(bool allowed, struct err *e) MUST_USE;

/*
 * As Sandbox says, for the files that g uses; once per process.  Logs in one line
 * what is in force.  0; or -1 and *e, with "Sandbox require" also when a part can't
 * be had.
 */
int sandbox_enter(const struct engine *g, struct err *e) MUST_USE;

/* For a check that ends after it: with "Sandbox require", all of it, and no word in the log. 0, or -1 and *e. */
int sandbox_try(const struct engine *g, struct err *e) MUST_USE;

/* Before a reload: may the process still reach what the settings name?  0, or -1 and *e, which says to restart. */
int sandbox_check(const struct settings *s, struct err *e) MUST_USE;

/* What to put behind the text of a failed reload: "", or that the sandbox may be why. */
const char *sandbox_hint(const struct err *e);

/* What this build has, one line for -V. */
void sandbox_version(struct buf *out);

#endif
