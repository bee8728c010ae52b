/*
 * The engine in force, and putting another in its place.
 *
 * A message takes a reference when it starts and keeps it to its end, so a
 * reload never changes the rules under a message; a session of hours still gets
 * the new ones with its next message.
 */
#ifndef STIR_MILTER_RELOAD_H
#define STIR_MILTER_RELOAD_H

#include "engine/engine.h"
#include "milter/options.h"

/* File, then flags, then what goes together. settings_free() after 0 only. */
int reload_read(const struct options *o, struct settings *s, struct err *e) MUST_USE;

/* Puts g (which it takes over; may be NULL) in force; remembers its start-only settings. */
int reload_start(struct engine *g, struct err *e) MUST_USE;

/* A reference to the engine in force (engine_unref()); NULL before start and after stop. */
struct engine *reload_engine(void);

/*
 * Reads everything again.  When any of it fails, one line says why and the
 * engine in force stays (false).  Main thread only.
 */
bool reload_again(const struct options *o);

/* The registry of the engines of this process; NULL before the start. Any thread. */
struct metrics *reload_metrics(void);

/* What is remembered between messages, to and from StateFile; failures are said in the log. Main thread only. */
void reload_save(void);
void reload_load(struct engine *g);

/* Renewals and housekeeping; true when the configuration wants to be read again. Main thread only. */
bool reload_tick(void);
/* What fetches, caches and stores have counted, to the log. */
void reload_log_counters(void);

#endif
