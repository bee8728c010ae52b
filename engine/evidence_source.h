/*
 * The lines of one evidence file, from the disk or from memory, and where its
 * chains are.  For engine/evidence_read.c and engine/evidence_book.c.
 */
#ifndef STIR_ENGINE_EVIDENCE_SOURCE_H
#define STIR_ENGINE_EVIDENCE_SOURCE_H

#include "engine/evidence_line.h"

struct evidence_source; /* opaque */

/* Gives *out (evidence_source_close()), or -1 and *e. */
int evidence_source_open(const char *path, struct evidence_source **out, struct err *e) MUST_USE;
/* Borrows text. NULL without memory. */
struct evidence_source *evidence_source_from_text(const char *name, struct span text) MUST_USE;
void evidence_source_close(struct evidence_source *s); /* NULL is allowed */
const char *evidence_source_name(const struct evidence_source *s);

struct evidence_source_line {
	struct span text;  /* without its end; borrowed until the next call */
	int64_t at;        /* its place in the file */
	bool whole;        /* it has an end */
	bool too_long;     /* text is empty: longer than LIMIT_EVIDENCE_LINE */
};
/* 1; 0 at the end; -1 and *e. */
int evidence_source_next(struct evidence_source *s, struct evidence_source_line *out, struct err *e) MUST_USE;
/* The line at a place that evidence_source_next() gave, read. 0 (evidence_line_free()), or -1 and *e. */
int evidence_source_read_at(struct evidence_source *s, int64_t at, struct evidence_line *out, struct err *e) MUST_USE;

/* Notes where a chain is, when the line has one. 0, or -1 without memory. */
int evidence_source_note(struct evidence_source *s, const struct evidence_line *l, int64_t at) MUST_USE;
/*
 * Fills l->chain_pem from the place where the chain was noted, if the line does not
 * have it itself; into keep, which must outlive it.  1; 0 it is nowhere; -1 and *e.
 */
int evidence_source_chain(struct evidence_source *s, struct evidence_line *l, struct buf *keep, struct err *e) MUST_USE;

#endif
