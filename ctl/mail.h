/*
 * The octets of one stored message: its header fields as a milter would get
 * them, its body as it was on the wire, and writing it again with edits.
 *
 * What is hashed comes from here and never passes through a MIME library.
 */
#ifndef STIR_CTL_MAIL_H
#define STIR_CTL_MAIL_H

#include <stdio.h>

#include "core/buf.h"
#include "core/err.h"
#include "policy/verdict.h"

/* A message where it stands. All spans are borrowed from its mailbox. */
struct mail {
	const char *file;    /* "-" for standard input */
	unsigned long index; /* in that file, from 1 */
	struct span raw;     /* every octet it takes there */
	struct span text;    /* raw without the From_ line, and in an mbox without the empty line that ends it */
	bool mbox;           /* body lines like ">From " are quoted (mboxrd) */
};

struct mail_field {
	struct span raw;   /* all lines, with their ends */
	struct span name;  /* blanks before the colon are off, as Postfix has it */
	struct span value; /* after the colon, without the last line end; folds as they came */
};

/*
 * Take the next field off *rest (at first mail.text).  False at the empty line,
 * at a line that is no field (it belongs to the body then), and at the end;
 * *rest is what is left.
 */
bool mail_field_next(struct span *rest, struct mail_field *out);
/* The nth (from 0) field of that name; false if there is none. */
bool mail_field_find(struct span text, const char *name, size_t nth, struct mail_field *out);
/* A field's value as a milter gets it: one leading space off, folds as LF + blank. 0 / -1 without memory. */
int mail_value(struct buf *out, const struct mail_field *f) MUST_USE;

/* What mail_field_next() left, without the empty line: the body. */
struct span mail_body(struct span rest);

/*
 * The body as Postfix hands it to a milter: LF becomes CRLF, CRLF stays, a lone
 * CR stays, the last line gets its end; mbox quoting is undone.
 */
void mail_body_push(const struct mail *m, struct span body, void (*put)(void *arg, const void *p, size_t n), void *arg);

/* Is that the From_ line of an mbox ("From sender date")?  "From : x" is a field. */
bool mail_is_from_line(struct span line);
/* Fills text from raw and mbox. */
void mail_set_text(struct mail *m);

/*
 * Write it with the edits carried out and everything else as it came; what is
 * inserted gets the line ends of the message.  0, or -1 and *e.
 */
int mail_write(const struct mail *m, const struct verdict *v, FILE *out, struct err *e) MUST_USE;

#endif
