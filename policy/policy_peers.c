/*
 * Which peer block a message belongs to, and what it changes about rules.
 */
#include "config.h"

#include "policy/policy_internal.h"

const struct policy_peer *policy_peer_find(struct policy_eval *e)
{
	for (size_t i = 0; i < e->p->ast->npeer; i++) {
		enum policy_truth t = policy_eval_condition(e, &e->p->peer[i].match, false);

		if (t == POLICY_TRUE)
			return &e->p->peer[i];
		e->peer_in_doubt |= t == POLICY_UNKNOWN;
	}
	return NULL;
}

const char *policy_peer(const struct policy *p, struct facts *f, struct arena *a)
{
	const struct policy_peer *peer;
	struct policy_eval e;

	if (policy_eval_begin(&e, p, f, a))
		return NULL;
	peer = policy_peer_find(&e);
	policy_eval_end(&e);
	return peer ? peer->name : NULL;
}

const struct policy_override *policy_peer_override(const struct policy_peer *peer, size_t rule)
{
	size_t low = 0, high = peer ? peer->noverride : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (peer->override[mid].rule < rule)
			low = mid + 1;
		else
			high = mid;
	}
	return peer && low < peer->noverride && peer->override[low].rule == rule ? &peer->override[low] : NULL;
}
