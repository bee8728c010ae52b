/*
 * The operator's tables: comma-separated lines with '#' comments.
 *
 * A line that is empty, or whose first octet other than a blank is '#', is a
 * comment; so is a '#' after a blank.  Blanks around a field don't count; a field
 * may stand in double quotes, a quote within doubled.  CRLF and a byte order mark
 * are allowed.
 */
#ifndef STIR_ENGINE_CSV_H
#define STIR_ENGINE_CSV_H

#include "core/err.h"
#include "core/span.h"

enum { CSV_FIELDS = 8, CSV_FIELD_BYTES = 1024 };

/* One reading of one text; both are borrowed. */
struct csv {
	const char *name;          /* for error texts: "name:line:column: ..." */
	struct span rest;
	size_t line;               /* from 1, of the fields last read */
	struct span whole;         /* that line */
	struct span field[CSV_FIELDS]; /* without quotes; valid until the next csv_next() */
	size_t n;
	bool has_row;              /* csv_next_row() has given one */
	char unquoted[CSV_FIELDS][CSV_FIELD_BYTES];
	const char *at[CSV_FIELDS]; /* where each field begins in the line */
};

void csv_init(struct csv *c, const char *name, struct span text);
/* 1 and the fields of the next line that has some, 0 at the end, -1 and *e. */
int csv_next(struct csv *c, struct err *e) MUST_USE;
/* The same, past a heading with these n names (csv_is_heading()) in front of the first row. */
int csv_next_row(struct csv *c, const char *const *heading, size_t n, struct err *e) MUST_USE;
/* Is the line last read the heading with these n names, in any case?  Only the first may be one. */
bool csv_is_heading(const struct csv *c, const char *const *names, size_t n);
/* -1 and *e: ERR_CONFIG, with the place of field i. */
int csv_fault(const struct csv *c, size_t i, struct err *e, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
