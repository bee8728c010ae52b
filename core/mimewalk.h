/*
 * A body as nested MIME entities, while it streams by: lines, delimiters, part
 * headers.  What a header means, and what is made of the content, is the
 * handler's.
 *
 * A line ends with CRLF; a lone CR or LF is an octet like any other.  The CRLF
 * before a delimiter belongs to the delimiter.  A delimiter of an outer
 * multipart ends all that is inside it; of several that fit, the outermost
 * counts.  Memory is bounded: one line's beginning, one part's header, the
 * boundaries of the multiparts that are open.
 */
#ifndef STIR_CORE_MIMEWALK_H
#define STIR_CORE_MIMEWALK_H

#include "core/limits.h"
#include "core/partheader.h"

enum mimewalk_kind {
	MIMEWALK_LEAF,
	MIMEWALK_MULTIPART,
	MIMEWALK_MESSAGE /* one entity inside, from the first octet on */
};

struct mimewalk_entity {
	enum mimewalk_kind kind;
	struct span boundary; /* of a multipart; one that fits into no delimiter line is never found */
	bool dense;           /* a leaf whose lines may be of any length (base64) */
};

struct mimewalk;

struct mimewalk_handler {
	/* The header of entity w->depth is read: what is it?  Only a leaf may be
	 * answered at LIMIT_MIME_DEPTH.  Not called for the top entity. */
	void (*enter)(void *ctx, const struct partheader *h, struct mimewalk_entity *out);
	/* Content of the leaf w->depth: octets, which may be of several lines;
	 * and a line end, which only now turned out to be content. */
	void (*data)(void *ctx, const char *p, size_t n);
	void (*eol)(void *ctx);
	/* Entity w->depth ends; closed: by its own closing delimiter. */
	void (*leave)(void *ctx, bool closed);
};

enum { MIMEWALK_LONG_LINE = 990, MIMEWALK_LONG_HEADER_LINE = 900 };

struct mimewalk {
	unsigned depth;             /* of the innermost entity, 0 is the top one */
	unsigned long longest_line; /* octets, without CRLF */
	bool long_line;             /* over MIMEWALK_LONG_LINE, outside a dense leaf */
	bool long_header_line;      /* over MIMEWALK_LONG_HEADER_LINE in a part's header */
	bool ambiguous;             /* a boundary that is an enclosing one's, or its beginning */
	bool failed;                /* no memory: the walk is worth nothing */
	/* private from here */
	const struct mimewalk_handler *handler;
	void *ctx;
	enum mimewalk_place { MIMEWALK_HEADER, MIMEWALK_CONTENT, MIMEWALK_SKIP } place;
	struct mimewalk_level {
		enum mimewalk_kind kind;
		size_t boundary_at, boundary_n; /* in boundaries; 0 octets: never found */
		bool closed;
	} level[LIMIT_MIME_DEPTH + 1];
	struct buf boundaries;
	unsigned nopen;      /* multiparts that wait for a delimiter */
	bool dense;
	struct partheader header;
	/* the line */
	unsigned long len;
	bool cr;             /* a CR whose next octet is not known */
	bool dash;           /* begins with a hyphen, in a preamble or epilogue */
	bool undecided;      /* may still be a delimiter; its octets are held */
	bool begun;          /* is none, and the line end before it was given */
	bool eol_pending;    /* content's line end, unless a delimiter follows */
	size_t nheld;
	char held[LIMIT_DELIMITER_LINE];
};

void mimewalk_begin(struct mimewalk *w, const struct mimewalk_handler *handler, void *ctx, const struct mimewalk_entity *top);
void mimewalk_feed(struct mimewalk *w, const char *p, size_t n);
/* After the last octet; leaves all entities. */
void mimewalk_end(struct mimewalk *w);
void mimewalk_free(struct mimewalk *w);

#endif
