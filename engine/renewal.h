/*
 * Trust lists that stand at an address: asked for now and then, in a thread of
 * the pool.
 */
#ifndef STIR_ENGINE_RENEWAL_H
#define STIR_ENGINE_RENEWAL_H

#include "engine/remote.h"
#include "engine/trust_file.h"

struct renewal; /* counted; outlives the engine while it works. Any thread. */

enum { RENEWAL_EVERY_S = 3600, RENEWAL_RETRY_S = 300 };

/* Takes over *sources. remote is borrowed and outlives what is under way. NULL without memory. */
struct renewal *renewal_new(struct trust_sources *sources, struct remote *remote) MUST_USE;
void renewal_unref(struct renewal *r); /* NULL is allowed */

/* Starts a look when one is due; said gets what the last one had to say. */
void renewal_tick(struct renewal *r, int64_t now, struct buf *said);
/* Was a list renewed since? */
bool renewal_done(const struct renewal *r);

/* The i-th list, from 0; false beyond the end. */
struct renewal_list {
	const char *domain; /* borrowed */
	int64_t had;        /* see trust_file_had(); 0: never */
	unsigned max_age_s;
};
bool renewal_at(const struct renewal *r, size_t i, struct renewal_list *out);

#endif
