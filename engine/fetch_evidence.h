/*
 * Certificates from evidence instead of the network, for a verdict that is made
 * again.
 */
#ifndef STIR_ENGINE_FETCH_EVIDENCE_H
#define STIR_ENGINE_FETCH_EVIDENCE_H

#include "core/fetch.h"

/*
 * Knows nothing yet.  other answers what is not evidence, such as lists of numbers
 * that a certificate gives by reference; it is taken over, and may be NULL.
 * One thread.  NULL without memory (other is closed then).
 */
struct fetch *fetch_evidence_new(struct fetch *other) MUST_USE;
/*
 * What stood at url; empty octets: nothing, whatever other has.  Copies.  May be
 * called between messages: what was asked for before stays as it was.
 * 0; 1 when something else stands there already, or there is no room: it takes a
 * new fetcher, and a cache that has not seen the old one; -1 without memory.
 */
int fetch_evidence_put(struct fetch *f, struct span url, struct span octets) MUST_USE;

#endif
