/*
 * Two policies over the same messages: facts are worked out once, for what both
 * ask, and each policy judges them with rates and history of its own.
 */
#ifndef STIR_CTL_POLICY_PAIR_H
#define STIR_CTL_POLICY_PAIR_H

#include "ctl/policy_changes.h"
#include "ctl/policy_feed.h"

struct policy_pair {
	struct engine *now, *old; /* old: owned */
	unsigned needs;           /* of both */
};

/* r: opened with the new policy; what else it does with bodies is set. Gives 0 (policy_pair_close()), or -1 and *e. */
int policy_pair_open(struct policy_pair *p, struct run *r, const char *old_policy, struct err *e) MUST_USE;
void policy_pair_close(struct policy_pair *p);
/* struct policy_feed's examined; arg is a struct policy_pair. */
int policy_pair_examined(struct policy_message *m, void *arg, struct err *e);
/*
 * Judges by both; m->run.t has the new policy's verdict afterwards, and *old and
 * *now what each says, in its arena.  1; 0 when neither is asked; -1 and *e.
 */
int policy_pair_judge(struct policy_pair *p, struct policy_message *m, struct policy_outcome *old, struct policy_outcome *now, struct err *e) MUST_USE;

#endif
