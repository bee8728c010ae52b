/*
 * From one message and what verification found to the facts of a policy.
 */
#ifndef STIR_ENGINE_POLICY_FACTS_H
#define STIR_ENGINE_POLICY_FACTS_H

#include "engine/engine.h"

/*
 * Fill f (facts_init() was called, in the transaction's arena) with everything
 * that needs (enum fact_need bits) ask for, but for HISTORY, peer and now.
 * What a token claims is passport.* and signer.* only if its signature held,
 * else claimed.*.  now: seconds since 1970.
 */
void policy_facts_fill(struct facts *f, const struct settings *s, const struct transaction *t, unsigned needs, int64_t now);

#endif
