/*
 * Judges with two engines that differ in nothing but the policy.
 */
#include "config.h"

#include "ctl/policy_pair.h"
#include "engine/policy_facts.h"

int policy_pair_open(struct policy_pair *p, struct run *r, const char *old_policy, struct err *e)
{
	struct options o = *r->options;
	struct settings s;

	*p = (struct policy_pair){.now = r->engine};
	o.policy = old_policy;
	if (options_settings(&o, false, &s, e) || engine_open(&s, &p->old, e))
		return -1;
	p->needs = policy_needs(engine_policy(p->now)) | policy_needs(engine_policy(p->old));
	if (p->needs & (FACT_NEED_CONTENT | FACT_NEED_TEXT))
		r->want |= MESSAGE_WANT_KEEP;
	return 0;
}

void policy_pair_close(struct policy_pair *p)
{
	engine_unref(p->old);
	p->old = NULL;
}

int policy_pair_examined(struct policy_message *m, void *arg, struct err *e)
{
	const struct policy_pair *p = arg;
	struct transaction *t = &m->run.t;

	m->more = NULL;
	if (!t->facts)
		return 0;
	/* The new policy's needs are worked out; what else the old one asks for takes another look. */
	if (p->needs & ~policy_needs(engine_policy(p->now))) {
		facts_init(t->facts, t->arena);
		policy_facts_fill(t->facts, engine_settings(p->now), t, p->needs, m->run.now);
	}
	m->more = arena_alloc(t->arena, sizeof(*m->more));
	if (!m->more)
		return err_set(e, ERR_UNAVAILABLE, "%s: message %lu: out of memory for its facts", m->mail.file, m->mail.index);
	/* Judging adds to the facts: each policy has its own. */
	*m->more = *t->facts;
	return 0;
}

int policy_pair_judge(struct policy_pair *p, struct policy_message *m, struct policy_outcome *old, struct policy_outcome *now, struct err *e)
{
	struct transaction *t = &m->run.t, other = *t;

	other.facts = m->more;
	engine_judge(p->now, t, m->run.now);
	if (!run_judged(&m->run))
		return 0;
	/* Its edits are nobody's; its verdict is all that is wanted. */
	engine_judge(p->old, &other, m->run.now);
	if (policy_changes_outcome(engine_policy(p->now), &t->policy, t->arena, now) ||
	    policy_changes_outcome(engine_policy(p->old), &other.policy, t->arena, old))
		return err_set(e, ERR_UNAVAILABLE, "%s: message %lu: out of memory", m->mail.file, m->mail.index);
	return 1;
}
