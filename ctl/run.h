/*
 * An engine opened from the command line, and stored messages taken through it
 * as if they had come in by SMTP.
 */
#ifndef STIR_CTL_RUN_H
#define STIR_CTL_RUN_H

#include "ctl/mailbox.h"
#include "ctl/options.h"
#include "ctl/policy_session.h"
#include "engine/engine.h"

enum { RUN_HOST_BYTES = 256 };

struct run {
	const struct options *options;
	struct engine *engine;
	enum direction direction;
	bool as_milter;            /* the settings decide about direction and scope, as for mail that arrives; else every message is judged */
	unsigned want;             /* what else is to be made of a body (message_want()) */
	bool trace;                /* the policy says why, of every rule */
	bool has_received;         /* judge as of received, whatever the options say */
	int64_t received;
	struct policy_session session;
	struct mms_client client;  /* of the last message */
	char host[RUN_HOST_BYTES]; /* our name where no AuthservID is set */

	/* of the last message */
	struct transaction t;
	int64_t now;           /* as of when it was judged */
	const char *now_from;  /* "the clock", "--now", "evidence", "Received", "Date" */
	const char *rcpt_from; /* "--rcpt", or the field they were taken from */
	size_t header_octets;
	struct span message_id; /* in the arena; empty if there is none */
};

/* 0 (run_close() ends it), or -1 and *e. */
int run_open(struct run *r, const struct options *o, enum direction d, struct err *e) MUST_USE;
/* Another on the same engine, for a thread of its own. 0 (run_close() ends it), or -1 and *e. */
int run_share(struct run *r, const struct run *with, struct err *e) MUST_USE;
void run_close(struct run *r);

/* One message from its header to the end of its body, in r->t: ready for engine_examine(). 0, or -1 and *e (as run_message()). */
int run_push(struct run *r, const struct mail *m, struct err *e) MUST_USE;
/* Was the policy asked about the last message?  Not out of scope, and not what the engine refuses by itself. */
bool run_judged(const struct run *r);
/* One message from its header to the verdict, in r->t. 0, or -1 and *e (no date where one was asked for, memory). */
int run_message(struct run *r, const struct mail *m, struct err *e) MUST_USE;

/* What a command does with messages. */
struct run_hooks {
	/* Before run_message(), which is left out when it is -1 and *e. May be NULL. */
	int (*before)(struct run *r, const struct mail *m, void *arg, struct err *e);
	/* After run_message(): 1 all is well, 0 not, -1 and *e. */
	int (*message)(struct run *r, struct mailbox *mb, const struct mail *m, void *arg, struct err *e);
	/* A message of that file was left out, as standard error said. May be NULL. */
	void (*lost)(void *arg, const char *file);
	void *arg;
};

/*
 * Every message of every file of the options.  What can't be read is said on
 * standard error and the rest goes on.
 * The exit status: that of the first error, else 1 if some message was not
 * well, else 0.
 */
int run_all(struct run *r, const struct run_hooks *h);

/* The date of a Received (after its last ';') or Date value, in seconds since 1970; scratch takes a copy. 0 / -1. */
int run_field_date(const struct mail_field *f, bool received, struct buf *scratch, int64_t *out) MUST_USE;

/* "stirctl verify: text" on standard error; the exit status of *e. */
int run_complain(const struct options *o, const struct err *e);

#endif
