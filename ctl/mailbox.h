/*
 * Where stored messages come from: one message in a file, an mbox, a Maildir, a
 * folder of message files, or standard input.
 *
 * Messages are read one at a time; memory is bounded by MAILBOX_MESSAGE_MAX.
 */
#ifndef STIR_CTL_MAILBOX_H
#define STIR_CTL_MAILBOX_H

#include "core/err.h"
#include "ctl/mail.h"

enum {
	/* One message; an MMS has a megabyte, the largest MTAs take 50. */
	MAILBOX_MESSAGE_MAX = 64 * 1024 * 1024
};

enum mailbox_kind {
	MAILBOX_FILE,    /* a message, or an mbox: its first line decides */
	MAILBOX_FOLDER,  /* the .eml, .mail and .mbox files in it, by name */
	MAILBOX_MAILDIR  /* new/, then cur/, by name */
};

struct mailbox; /* opaque */

/*
 * path "-" is standard input.  A file whose first line is a From_ line is an
 * mbox, any other is one message.
 * Gives *out (mailbox_close()), or -1 and *e.
 */
int mailbox_open(const char *path, struct mailbox **out, struct err *e) MUST_USE;
/* From an open stream, which is not closed; name is for texts. NULL without memory. */
struct mailbox *mailbox_from_stream(const char *name, FILE *in) MUST_USE;
void mailbox_close(struct mailbox *mb); /* NULL is allowed */

/*
 * The next message, borrowed until the next call.
 * 1; 0 when there are no more; -1 and *e when a message can't be had (no mail,
 * too large, unreadable): out->file says of which file, and calling on goes on
 * with the next one.
 */
int mailbox_next(struct mailbox *mb, struct mail *out, struct err *e) MUST_USE;

enum mailbox_kind mailbox_kind(const struct mailbox *mb);
/* Is the file of the last message an mbox? */
bool mailbox_is_mbox(const struct mailbox *mb);

#endif
