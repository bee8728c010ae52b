/*
 * The octets of a probe, from its recipe alone: who has the recipe can build the
 * message again and compare.
 *
 * What is made here for version 1 of the recipe must never change: a changed
 * message is another version.
 */
#ifndef STIR_CTL_PROBE_MAKE_H
#define STIR_CTL_PROBE_MAKE_H

#include "core/identity.h"
#include "ctl/probe_recipe.h"

enum {
	PROBE_MAKE_HEAD_MAX = 64 * 1024,
	PROBE_MAKE_BODY_MAX = 128 * 1024,
	PROBE_MAKE_MARKS = 48,
	/* An Identity value as signers write it: one recipient, both digests. */
	PROBE_MAKE_TYPICAL_TOKEN = 800
};

/* The names of the fields that carry a stand-in for an Identity field. */
#define PROBE_MAKE_TYPICAL "X-STIR-Probe-Typical"
#define PROBE_MAKE_LONGEST "X-STIR-Probe-Longest"

struct probe_make {
	struct buf head;     /* fields with LF line ends, without the empty line */
	struct buf body;     /* with CRLF line ends, as it goes over SMTP */
	char boundary[40];   /* of the top multipart; empty for a plain one */
	struct probe_make_mark {
		const char *name; /* what the octets from here on are there for */
		size_t at;        /* in body */
	} mark[PROBE_MAKE_MARKS];
	size_t nmark;
	/* private */
	uint64_t random;
};

/* 0 (probe_make_free()), or -1 without memory; spans of r must outlive the call only. */
int probe_make(struct probe_make *m, const struct probe_recipe *r) MUST_USE;
void probe_make_free(struct probe_make *m);
/* What the octet at that place of the body is there for. */
const char *probe_make_name_at(const struct probe_make *m, size_t at);

#endif
