/*
 * Where certificates and lists come from, and what is kept of them: the folder,
 * the network with its threads, the store of what was had.
 *
 * Counted: the engines before and after a reload share one, as long as the
 * settings it is made of stay; so a reload forgets no failure and no answer.
 */
#ifndef STIR_ENGINE_REMOTE_H
#define STIR_ENGINE_REMOTE_H

#include "core/fetch.h"
#include "core/pool.h"
#include "core/store.h"
#include "engine/fetch_https.h"
#include "engine/settings.h"

struct remote; /* opaque. Any thread. */

/*
 * old: that of the engine in force, or NULL.  to_disk: CacheFile is opened (the
 * process is the user that it is going to be); otherwise memory stands in for it, and
 * so it does for a file that is damaged (remote_tick() says so).
 * Gives *out (remote_unref()), or -1 and *e.
 */
int remote_open(const struct settings *s, struct remote *old, bool to_disk, struct remote **out, struct err *e) MUST_USE;
/* With a fetcher of the caller's own, which it takes over: no network, no threads. */
int remote_open_with(struct fetch *fetch, struct remote **out, struct err *e) MUST_USE;
/* The last one waits for what is under way, which is told to stop. NULL is allowed. */
void remote_unref(struct remote *r);

struct fetch *remote_fetch(struct remote *r);
struct pool *remote_pool(struct remote *r);   /* NULL: everything is at hand */
struct store *remote_keep(struct remote *r);  /* NULL: everything is at hand */
/* Counters of the network; all 0 without one. */
void remote_stats(struct remote *r, struct fetch_https_stats *out);
/* Now and then, from a background thread; said gets what people should know, one a line, once. */
void remote_tick(struct remote *r, struct buf *said);

#endif
