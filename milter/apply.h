/*
 * A verdict, carried out: header edits and replies.  The only place that
 * changes a message.
 */
#ifndef STIR_MILTER_APPLY_H
#define STIR_MILTER_APPLY_H

#include <libmilter/mfapi.h>

#include "engine/engine.h"

/*
 * At end of message.  An edit that can't be made is said in the log, and the
 * message goes on, unless a forged result would go on with it (SMFIS_TEMPFAIL).
 * queue_id is for the log.  Returns the status for libmilter.
 */
sfsistat apply_verdict(SMFICTX *ctx, const struct transaction *t, const char *queue_id);

/* Messages of which an edit, a quarantine, a new recipient or a reply text was not taken, since the start. Any thread. */
unsigned long apply_untaken(void);

#endif
