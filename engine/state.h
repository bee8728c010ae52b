/*
 * What is remembered between messages, shared by the engines of one process and
 * kept in a file over a restart.
 *
 * Counted: each engine that judges holds a reference, so a reload forgets
 * nothing.  Any thread, but for loading and saving: those are the main one's.
 */
#ifndef STIR_ENGINE_STATE_H
#define STIR_ENGINE_STATE_H

#include "policy/counters.h"

struct state; /* opaque */

/* Empty, for so many entries. NULL without memory or randomness. */
struct state *state_new(size_t max) MUST_USE;
struct state *state_ref(struct state *s);
void state_unref(struct state *s); /* NULL is allowed */

struct counters *state_counters(struct state *s);
/* Something in it was changed: worth saving. */
void state_touch(struct state *s);

/*
 * What a file remembers, into one that is still empty.  No such file: 0.  One
 * that can't be read or is broken: -1 and *e, nothing is remembered, and a
 * broken file is kept as "PATH.broken".
 */
int state_load(struct state *s, const char *path, struct err *e) MUST_USE;
/* The same question without an answer in memory, and nothing is renamed. */
int state_check(const char *path, struct err *e) MUST_USE;

/*
 * To the file, whole or not at all (another file, fsync, rename); nothing to do
 * when nothing was touched since the last time.  0, or -1 and *e.
 */
int state_save(struct state *s, const char *path, struct err *e) MUST_USE;

#endif
