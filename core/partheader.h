/*
 * The header of one MIME entity inside a body, read while it streams by: keeps
 * the first value of each field the digest of the content is made of, and
 * passes over all others.  Values stay folded.
 */
#ifndef STIR_CORE_PARTHEADER_H
#define STIR_CORE_PARTHEADER_H

#include "core/buf.h"

enum partheader_field {
	PARTHEADER_CONTENT_TYPE,
	PARTHEADER_TRANSFER_ENCODING,
	PARTHEADER_CONTENT_ID,
	PARTHEADER_CONTENT_LOCATION,
	PARTHEADER_CONTENT_DISPOSITION,
	PARTHEADER_FROM,
	PARTHEADER_TO,
	PARTHEADER_CC,
	PARTHEADER_SUBJECT,
	PARTHEADER_DATE,
	PARTHEADER_MESSAGE_ID,
	PARTHEADER_FIELD_COUNT
};

struct partheader {
	unsigned count[PARTHEADER_FIELD_COUNT]; /* how often it came */
	bool loose;      /* a line that is neither a field nor the rest of one, a bare CR or LF, or a field we keep twice:
	                  * readers differ in what they make of it */
	struct buf text; /* the values kept, at most LIMIT_PART_HEADER_BYTES; failed: more, or no memory */
	/* private from here */
	size_t at[PARTHEADER_FIELD_COUNT], len[PARTHEADER_FIELD_COUNT];
	int current;     /* the field being kept, or -1 */
	bool line_begun, in_name, blank_line, any;
	size_t nname;
	char name[32];
};

void partheader_init(struct partheader *h);
void partheader_free(struct partheader *h);
/* Forgets the fields, for the next entity. */
void partheader_reset(struct partheader *h);
/* Octets of a line, without its CRLF, in any number of pieces. */
void partheader_data(struct partheader *h, const char *p, size_t n);
void partheader_end_line(struct partheader *h);
/* The first value, as it came after the colon, folds as CRLF and a blank; borrowed until the reset. */
bool partheader_get(const struct partheader *h, enum partheader_field f, struct span *value);
/* In lower case. */
const char *partheader_name(enum partheader_field f);

#endif
