/*
 * What is to be done with a message: data, carried out by the front ends.
 */
#ifndef STIR_POLICY_VERDICT_H
#define STIR_POLICY_VERDICT_H

#include <stdint.h>

#include "core/arena.h"

enum verdict_action {
	VERDICT_ACCEPT,     /* goes on, with the edits if there are any */
	VERDICT_TAG,        /* the same, and the edits say that it scored */
	VERDICT_QUARANTINE, /* the MTA holds it for a person to look at */
	VERDICT_REDIRECT,   /* to another recipient, in place of all there are */
	VERDICT_TEMPFAIL,   /* 4xx: the client keeps it */
	VERDICT_REJECT,     /* 5xx */
	VERDICT_DISCARD     /* 2xx, and nobody gets it; only when a policy says so */
};
const char *verdict_action_name(enum verdict_action a);

enum edit_kind {
	EDIT_INSERT, /* at the top of the header */
	EDIT_DELETE  /* the nth field of that name, from 1, as the message came */
};

struct edit {
	enum edit_kind kind;
	struct span name;
	struct span value; /* EDIT_INSERT: folded with LF + blank */
	unsigned nth;      /* EDIT_DELETE */
};

/*
 * Edits are in the order they must be carried out: deletions first, of each
 * name the highest number first (MTAs differ in how they renumber), then
 * insertions, the one that shall stand on top last.
 */
struct verdict {
	enum verdict_action action;
	enum verdict_action would; /* what an enforcing policy had done */
	int32_t score_milli;       /* thousandths of a point */
	struct edit *edit;         /* in the message's arena */
	size_t nedit, edit_cap;
	/* TEMPFAIL and REJECT: "5.7.1" and one line of printable ASCII */
	const char *reply_code;    /* "550" */
	const char *reply_xcode;
	struct span reply_text;
	struct span redirect;      /* REDIRECT: the address, without brackets */
	struct span hold_reason;   /* QUARANTINE: one line of printable ASCII */
};

void verdict_init(struct verdict *v);
/* Room for n more edits at once, for a message with a flood of fields to delete. 0 / -1. */
int verdict_reserve(struct verdict *v, struct arena *a, size_t n) MUST_USE;
/* 0 / -1 when the arena is full (the edit is then missing). Copies name and value. */
int verdict_insert(struct verdict *v, struct arena *a, struct span name, struct span value) MUST_USE;
/* The same; borrows name, which must outlive the verdict. */
int verdict_delete(struct verdict *v, struct arena *a, struct span name, unsigned nth) MUST_USE;

#endif
