/*
 * Many messages through one engine on all processors: a reader, workers that
 * examine, and one judge who gets the messages in the order they stand in.
 *
 * Rates and history depend on the order, so judging is never parallel.  Memory
 * is bounded: so many messages, and so many octets of them, are in hand.
 */
#ifndef STIR_CTL_POLICY_FEED_H
#define STIR_CTL_POLICY_FEED_H

#include "ctl/run.h"

enum policy_label { POLICY_UNLABELLED, POLICY_WANTED, POLICY_ABUSE, POLICY_LABELS };
const char *policy_feed_label(enum policy_label l); /* unlabelled wanted abuse */

struct policy_path {
	const char *path;
	enum policy_label label;
};

enum {
	POLICY_FEED_JOBS_MAX = 64,
	POLICY_FEED_WINDOW = 64,                        /* messages in hand */
	POLICY_FEED_OCTETS = 64 * 1024 * 1024           /* what they may take, by a careful guess */
};

struct policy_message {
	struct run run;   /* examined, not judged */
	struct mail mail; /* its octets may be gone when it is judged, file and index are not */
	enum policy_label label;
	struct facts *more; /* NULL; examined() may set it, in run.t.arena */
};

struct policy_feed {
	const struct run *run; /* whose engine, options and session are used */
	const struct policy_path *path;
	size_t npath;
	unsigned jobs; /* workers; 0: as many as processors are online */
	/* In any thread, after engine_examine(); NULL allowed. 0, or -1 and *e. */
	int (*examined)(struct policy_message *m, void *examined_arg, struct err *e);
	/* In the caller's thread and in order. 0, or -1 and *e: the end of all. */
	int (*judge)(struct policy_message *m, void *arg, struct err *e);
	/* In the same order: a message that could not be had or examined. */
	void (*unread)(const char *file, enum policy_label l, const struct err *e, void *arg);
	void *arg, *examined_arg;
};

/* 0 when every message was judged or given to unread(), or -1 and *e. */
int policy_feed_run(const struct policy_feed *f, struct err *e) MUST_USE;

#endif
