/*
 * Reading evidence back line by line, with its chain of hashes.  For stirctl; one
 * thread.
 *
 * A path is a file, or a folder of them.  Files are what a hostile or failing
 * disk made of them: memory is bounded, and what is no evidence is said and
 * passed over.
 */
#ifndef STIR_ENGINE_EVIDENCE_READ_H
#define STIR_ENGINE_EVIDENCE_READ_H

#include "engine/evidence_line.h"

struct evidence_read_summary {
	uint64_t files, lines, entries, octets;
	uint64_t torn;      /* lines cut off by a crash, which the writer noticed */
	uint64_t late;      /* lines written to a file after the next one was begun */
	uint64_t faults;    /* places where something is wrong */
	bool bound;         /* the first line names one before it, which is not here: older files were deleted */
	bool open_end;      /* the last line has no end: torn, or being written just now */
	int64_t first, last; /* receipt, seconds since 1970; with entries */
	/* The last line's hash, to be kept elsewhere; with lines. */
	struct evidence_line_hash end;
};

struct evidence_read_hooks {
	/* Each entry, in order; chain_pem is filled from the file. Below 0 ends the reading, with *e. */
	int (*entry)(void *arg, const struct evidence_line *l, const char *path, uint64_t line, struct err *e);
	/* Each fault. */
	void (*fault)(void *arg, const char *path, uint64_t line, const char *text);
	void *arg;
};

/* Either hook may be NULL. 0, also with faults; -1 and *e when something can't be read at all. */
int evidence_read_all(const char *path, const struct evidence_read_hooks *h, struct evidence_read_summary *out, struct err *e) MUST_USE;

/* The same over lines from memory, of one file; for fuzzing. */
int evidence_read_text(struct span text, const struct evidence_read_hooks *h, struct evidence_read_summary *out, struct err *e) MUST_USE;

#endif
