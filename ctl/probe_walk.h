/*
 * Two texts side by side: what kinds of change made the one out of the other.
 *
 * Knows what hops are seen to do to lines and octets; knows no MIME.
 */
#ifndef STIR_CTL_PROBE_WALK_H
#define STIR_CTL_PROBE_WALK_H

#include "ctl/probe.h"

struct probe_walk {
	struct {
		unsigned long count;
		size_t first;    /* octets before the first one, in the text as sent */
		size_t there;    /* the same in the text that arrived */
	} seen[PROBE_CHANGES];
	size_t column;           /* of the first cut */
	struct span foreign;     /* what was put before, behind or between, of the first */
	/* private */
	struct span o, a;
	size_t i, j, line;       /* line: where o's line begins */
	unsigned resyncs;
};

/* Texts with CRLF line ends. */
void probe_walk(struct probe_walk *w, struct span sent, struct span arrived);
/* Was nothing seen but long lines that were cut? */
bool probe_walk_only_cuts(const struct probe_walk *w);

#endif
