/*
 * Where signed or tagged messages go: standard output, one file, or a folder that mirrors
 * what came in.
 *
 * A file is complete or it isn't there: what could not be finished is removed.
 */
#ifndef STIR_CTL_OUTPUT_H
#define STIR_CTL_OUTPUT_H

#include "ctl/mailbox.h"
#include "ctl/options.h"

struct output {
	const char *path; /* NULL: standard output */
	bool folder;
	FILE *f;          /* the file in hand, or NULL */
	char *from;       /* the input it is made from; owned */
	char *part;       /* what is being written; owned */
	char *final;      /* its name when it is finished; owned */
	bool incomplete;  /* a message of from is missing in it */
	char *lost;       /* the last input that lost a message; owned */
};

/* Before any message: is the place fit for these inputs?  Makes the folder. 0, or -1 and *e. */
int output_open(struct output *o, const struct options *opt, struct err *e) MUST_USE;
/* Write one message with the edits. 0, or -1 and *e. */
int output_message(struct output *o, const struct mailbox *mb, const struct mail *m, const struct verdict *v, struct err *e) MUST_USE;
/* A message of that input could not be had: what is made of it won't be written. */
void output_lost(struct output *o, const char *file);
/* The last file is finished, or removed when it is not complete. 0, or -1 and *e. */
int output_close(struct output *o, struct err *e) MUST_USE;

#endif
