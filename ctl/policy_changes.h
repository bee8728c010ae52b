/*
 * Messages whose verdict two policies disagree about, by pair of verdicts, and
 * the rules that make the difference.
 *
 * What is said of each message waits in a temporary file, so that memory
 * doesn't grow with the messages.
 */
#ifndef STIR_CTL_POLICY_CHANGES_H
#define STIR_CTL_POLICY_CHANGES_H

#include <stdio.h>

#include "policy/policy.h"

enum { POLICY_CHANGES_ACTIONS = VERDICT_DISCARD + 1 };

/* One policy's word about one message; borrowed. */
struct policy_outcome {
	enum verdict_action would;
	int32_t score_milli;
	struct policy_outcome_rule {
		struct span name;
		int32_t milli;
		bool final;
	} *rule; /* live rules that hit, any order */
	size_t nrule;
};

/* From a result, in its arena. 0 / -1 without memory. */
int policy_changes_outcome(const struct policy *p, const struct policy_result *r, struct arena *a, struct policy_outcome *out) MUST_USE;

struct policy_changes; /* opaque */

/* NULL and *e when there is no temporary file, or no memory. */
struct policy_changes *policy_changes_new(struct err *e) MUST_USE;
void policy_changes_free(struct policy_changes *c); /* NULL is allowed */
/* One more message judged by both; name is "file:index" or a queue id. 0, or -1 and *e. */
int policy_changes_add(struct policy_changes *c, struct span name, const struct policy_outcome *old, const struct policy_outcome *now, struct err *e) MUST_USE;
/* The message in hand can't be judged anew because of that rule; said as often as one likes. 0, or -1: too many rules. */
int policy_changes_doubt(struct policy_changes *c, struct span rule) MUST_USE;
/* The message in hand is counted as one that can't be judged anew. 0, or -1: too many rules. */
int policy_changes_doubtful(struct policy_changes *c) MUST_USE;
uint64_t policy_changes_count(const struct policy_changes *c);
uint64_t policy_changes_judged(const struct policy_changes *c);

/* For people, and as JSON; 0, or -1 and *e. */
int policy_changes_print(struct policy_changes *c, FILE *f, struct err *e) MUST_USE;
int policy_changes_json(struct policy_changes *c, FILE *f, struct err *e) MUST_USE;
/* The pairs without their messages, for the report; a new reference, NULL without memory. */
json_t *policy_changes_pairs(const struct policy_changes *c) MUST_USE;

#endif
