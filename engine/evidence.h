/*
 * The evidence log (RFC 9475, 4): what a verdict was made from, so that it can be
 * made again when the certificate has expired.
 *
 * A folder with one file a day, evidence-YYYYMMDD.jsonl (UTC, of receipt), to
 * which lines of JSON are appended; their members are described in
 * engine/evidence_line.h.  Each line names the SHA-256 of the line before it, the
 * first one of a file that of the last line of the file before: what is taken
 * away or changed in the middle is found (stirctl evidence check).  There is no secret in
 * that: who can write the files can make them anew from any line on, and cut off
 * the end.  Who fears that copies the last line to elsewhere now and then.
 *
 * Privacy: tokens name telephone numbers, who sent to whom and when.  Files have
 * mode 0640 and the folder 0750; the recipients of the envelope are not recorded, only
 * how far dest covers them.
 *
 * Several processes may share a folder: a lock on the file (flock) is held for one
 * line, waited for at most EVIDENCE_LOCK_MS and then given up.  A line is one
 * write(2) at the end of the file; one that was not written whole (disk full) is taken
 * back.  What a crash tore is ended by a line end at the next start, and is
 * part of the chain of hashes as it is.  Lines survive kill -9, and evidence_tick()
 * sends them to the disk.  Trouble costs lines, never mail.
 */
#ifndef STIR_ENGINE_EVIDENCE_H
#define STIR_ENGINE_EVIDENCE_H

#include "core/err.h"
#include "core/msgi.h"
#include "core/stir_result.h"

struct evidence; /* counted. Any thread. */

enum {
	EVIDENCE_SAY_S = 60,   /* trouble is said once in that time */
	EVIDENCE_LOCK_MS = 200,
	/* A message that waited over midnight goes into the file in use. */
	EVIDENCE_LATE_S = 3600
};

/* One token of one message. All borrowed. */
struct evidence_entry {
	int64_t received;        /* seconds since 1970 */
	struct span queue_id, message_id, client;
	struct span from;        /* party_text() of the message's sender; may be empty */
	const struct stir_check *check; /* token, chain_pem, result of this field */
	enum stir_reason reason; /* of the message */
	const struct msgi_value *body; /* SHA-256 of the raw body, or NULL */
	struct span policy_hash; /* empty without a policy */
	const char *action;      /* or NULL */
};

/* dir is made if it is not there (0750). keep_days 0: for ever. Gives *out, or -1 and *e. */
int evidence_open(const char *dir, unsigned keep_days, struct evidence **out, struct err *e) MUST_USE;
struct evidence *evidence_ref(struct evidence *v);
void evidence_unref(struct evidence *v); /* NULL is allowed */
/*
 * Nothing to do for a check without a token or a chain.  0, also when the line was
 * lost; -1 and *e when it is time to say how many were and why, or that old
 * files could not be deleted: at most once a minute.
 */
int evidence_write(struct evidence *v, const struct evidence_entry *x, struct err *e) MUST_USE;
/*
 * Deletes files of days that ended more than keep_days ago, and sends what was
 * written to the disk; from a background thread.  What goes wrong is said by the
 * next evidence_write().  now: seconds since 1970.
 */
void evidence_tick(struct evidence *v, int64_t now);

struct evidence_stats {
	uint64_t lines, octets, lost, deleted; /* since evidence_open(); deleted: files */
};
void evidence_stats(struct evidence *v, struct evidence_stats *out);

#endif
