/*
 * What a policy found, as an action to be done and as text: the field
 * X-STIR-Policy, and the same words in the log.
 */
#ifndef STIR_ENGINE_POLICY_WRITE_H
#define STIR_ENGINE_POLICY_WRITE_H

#include "policy/policy.h"

/* Of one message that was judged. */
struct policy_write {
	const struct policy *policy;
	const struct policy_result *result;
	const struct facts *facts;   /* NULL allowed */
	enum verdict_action action;  /* that is done; not result->action when the front end can't */
};

/*
 * The action, one that can be done: what is in cannot (1u << enum
 * verdict_action) gives way to the next milder one.
 */
enum verdict_action policy_write_possible(enum verdict_action a, unsigned cannot);

/* Action, would-be action, score, reply, address and reason of *v; not its edits. Texts are in the arena. */
void policy_write_verdict(struct verdict *v, const struct policy *p, const struct policy_result *r, unsigned cannot, struct arena *a);

/*
 * The value of X-STIR-Policy, folded, at most LIMIT_RESULT_FIELD octets: rules
 * that don't fit are counted ("+12").
 */
void policy_write_field(struct buf *out, const struct policy_write *w);

/* " score=9.00 would=..." for the log line, at most max octets. */
void policy_write_log(struct buf *out, const struct policy_write *w, size_t max);

/* Thousandths with two decimals, three where it takes them: 9.00, -0.125. */
void policy_write_score(struct buf *out, int32_t milli);

#endif
