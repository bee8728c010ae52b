/*
 * Do the addresses we write into tokens (x5u) serve the certificates we sign with?
 * A token whose address serves another one fails at every peer, and nobody here
 * would hear of it.
 */
#ifndef STIR_ENGINE_PUBLISHED_H
#define STIR_ENGINE_PUBLISHED_H

#include "engine/remote.h"
#include "engine/signers.h"

struct published; /* counted; outlives the engine while it looks. Any thread. */

enum { PUBLISHED_EVERY_S = 6 * 3600, PUBLISHED_RETRY_S = 600 };

/* What signers has is copied.  remote is borrowed, has a pool, and outlives what is under way. NULL without memory. */
struct published *published_new(const struct signers *signers, struct remote *remote) MUST_USE;
void published_unref(struct published *p); /* NULL is allowed */
/* Starts a look when one is due; said gets what the last one had to say. */
void published_tick(struct published *p, int64_t now, struct buf *said);

/* Looks here and now, where certificates are at hand (CertificateDir): what isn't there is not spoken of. */
void published_look(const struct signers *signers, struct fetch *fetch, struct buf *said);

#endif
