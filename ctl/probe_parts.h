/*
 * A body cut into its MIME parts, each where it stands: for telling which part of a
 * probe was changed, never for a digest (those walk the body as the profile says).
 */
#ifndef STIR_CTL_PROBE_PARTS_H
#define STIR_CTL_PROBE_PARTS_H

#include "core/arena.h"
#include "core/transfer.h"

enum {
	/* A probe has 25; a path may add some. */
	PROBE_PARTS_MAX = 128,
	/* A probe has 3 levels; lists and scanners wrap it in one or two more. */
	PROBE_PARTS_DEPTH = 8
};

struct probe_part {
	struct span header, content; /* content of a multipart: all of it */
	struct span type;            /* "type/subtype" in lower case */
	struct span charset;         /* may be empty */
	struct span encoding;        /* Content-Transfer-Encoding, trimmed; may be empty */
	struct span id;              /* Content-ID, trimmed; may be empty */
	enum transfer_kind transfer;
	unsigned depth;              /* 0 is the message */
	int parent;                  /* or -1 */
	bool multipart;              /* its delimiters were found */
	bool message;
	/* of a multipart */
	struct span boundary, preamble, epilogue;
	bool closed;
	/* for whoever compares */
	int match;                   /* of the other message's, or -1 */
};

struct probe_parts {
	struct probe_part part[PROBE_PARTS_MAX]; /* [0] is the message, each before its parts */
	size_t n;
	bool more; /* parts or levels left out */
};

/*
 * header, body: of the message. boundary: of the probe, for a top multipart whose
 * Content-Type has lost its own; may be empty. Texts are in the arena or borrowed.
 */
void probe_parts(struct probe_parts *out, struct arena *a, struct span header, struct span body, struct span boundary);

#endif
