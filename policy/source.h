/*
 * Files of a policy, places in them, and what is said about a place.
 *
 *   inbound.policy:24:88: error: reject needs a 5.x.x code
 *       rule BLOCKED_TN   { when orig.tn in @blocked ... final reject 4.7.1 "..." }
 *                                                                     ^
 */
#ifndef STIR_POLICY_SOURCE_H
#define STIR_POLICY_SOURCE_H

#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

/* How files are had; so that policy/ opens none itself, and tests and fuzzers need no disk. */
struct source_loader {
	void *ctx;
	/* Whole file, at most max octets, appended to out. 0, or -1 and *e. */
	int (*read)(void *ctx, const char *path, size_t max, struct buf *out, struct err *e);
	/* Names (no path) of the *.policy files of a folder in byte order, each with '\n', appended to out. NULL: "include directory" is refused. 0, or -1 and *e. */
	int (*list)(void *ctx, const char *path, struct buf *out, struct err *e);
};

/* One file, in memory as long as the syntax tree. */
struct source {
	const char *name; /* as it is to be shown */
	struct span text;
};

struct source_pos {
	const struct source *src; /* NULL: nowhere in a file */
	uint32_t line, col;       /* from 1; col counts octets */
};

enum source_severity { SOURCE_ERROR, SOURCE_WARNING, SOURCE_NOTE };

enum { SOURCE_REPORT_BYTES = 64 * 1024, SOURCE_ERRORS_MAX = 50 /* then it stops saying more */ };

/* What was found wrong, in the order it was found. */
struct source_report {
	struct buf text; /* ready to print, each entry ends in '\n' */
	unsigned errors, warnings;
	char first[ERR_TEXT_BYTES]; /* the first error's line, without quote and caret; for logs */
};

void source_report_init(struct source_report *r);
void source_report_free(struct source_report *r);
/* Adds "name:line:col: error: text", the line of the file and the caret. Returns -1 for an error, so that "return source_say(...)" reads well; 0 else. */
int source_say(struct source_report *r, enum source_severity s, struct source_pos at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "dir of base" + "/" + name, unless name is absolute; in the arena, NULL without memory. */
const char *source_relative(struct arena *a, const char *base, struct span name);

#endif
