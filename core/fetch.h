/*
 * How core asks for what stands at a URL (certificates; later CRLs and lists).
 */
#ifndef STIR_CORE_FETCH_H
#define STIR_CORE_FETCH_H

#include "core/buf.h"
#include "core/err.h"

struct fetch;

struct fetch_ops {
	/*
	 * Puts the octets at url into out (whose maximum is the size cap).
	 * deadline_ms: how long it may take; 0 means "only what is at hand".
	 * 1 found, 0 definitely not there, -1 could not be had (and *e).
	 * Any thread.
	 */
	int (*get)(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct err *e);
	void (*close)(struct fetch *f);
};

struct fetch {
	const struct fetch_ops *ops;
};

int fetch_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct err *e) MUST_USE;
void fetch_close(struct fetch *f); /* NULL is allowed */

#endif
