/*
 * What a message adds to the counters when its verdict is there.
 *
 * Looks at what was found and changes nothing.
 */
#include "config.h"

#include "engine/engine_internal.h"

struct metrics *engine_metrics(const struct engine *g)
{
	return g->metrics;
}

static void limit(struct metrics *m, enum metrics_limit l, bool struck)
{
	if (struck)
		metrics_count(m, METRICS_LIMITS, l, 0);
}

static void check(struct metrics *m, enum metrics_check c, bool skipped)
{
	if (skipped)
		metrics_count(m, METRICS_SKIPPED, c, 0);
}

static bool body_too_large(const struct mms_message *m)
{
	return m->kept.failed && m->body_bytes > LIMIT_KEPT_BODY;
}

static void count_limits(struct metrics *m, const struct transaction *t, size_t peer)
{
	bool in_scope = t->direction == DIRECTION_VERIFY && t->scope == ENGINE_IN_SCOPE;

	limit(m, METRICS_LIMIT_MESSAGE, t->message.over_limit);
	limit(m, METRICS_LIMIT_IDENTITY, in_scope && t->result.nfield > LIMIT_IDENTITY_FIELDS);
	limit(m, METRICS_LIMIT_OWN, t->direction == DIRECTION_VERIFY && message_watched(&t->message, ENGINE_RESULT_FIELD) + message_watched(&t->message, ENGINE_POLICY_FIELD) > LIMIT_DELETIONS);
	limit(m, METRICS_LIMIT_BODY, body_too_large(&t->message));
	limit(m, METRICS_LIMIT_MEMORY, (in_scope && t->result.reason == STIR_NO_RESOURCE && !t->message.over_limit) || t->edits_incomplete ||
					       (t->direction == DIRECTION_SIGN && t->sign.outcome == SIGN_NO_RESOURCE && !t->message.over_limit));
	limit(m, METRICS_LIMIT_OVERLOAD, t->overloaded);
	limit(m, METRICS_LIMIT_PEERS, peer == METRICS_PEER_OTHER);
}

/* The policy asks for the content, and did not get it. */
static bool without_content(const struct engine *g, const struct transaction *t)
{
	if (!engine_policy_judged(t) || !(g->needs & (FACT_NEED_CONTENT | FACT_NEED_TEXT)))
		return false;
	return t->overloaded || t->message.over_limit || t->message.kept.failed;
}

static void count_checks(struct metrics *m, const struct engine *g, const struct transaction *t)
{
	const struct stir_check *best = t->result.best;
	enum stir_reason r = t->result.reason;

	check(m, METRICS_CHECK_REVOCATION, r == STIR_REVOCATION_UNKNOWN || (best && best->revocation_unknown));
	check(m, METRICS_CHECK_REPLAY, best && best->replay == STIR_REPLAY_UNKNOWN);
	check(m, METRICS_CHECK_CERTIFICATE, r == STIR_CERT_UNREACHABLE);
	check(m, METRICS_CHECK_CONTENT, without_content(g, t));
	check(m, METRICS_CHECK_RULE, engine_policy_judged(t) && t->policy.error);
	if (best && best->stage >= STIR_STAGE_REPLAY && best->replay != STIR_REPLAY_OFF)
		metrics_count(m, METRICS_REPLAY, best->replay - STIR_REPLAY_NEW, 0);
}

static void count_verified(struct metrics *m, const struct engine *g, const struct transaction *t, size_t peer)
{
	bool in_scope = t->scope == ENGINE_IN_SCOPE, report = t->scope == ENGINE_REPORT;
	size_t reason = in_scope ? (size_t)t->result.reason : report ? METRICS_REPORT : METRICS_OUT_OF_SCOPE;
	size_t result = in_scope ? (size_t)stir_reason_word(t->result.reason) : report ? METRICS_RESULT_REPORT : METRICS_RESULT_OUT_OF_SCOPE;

	metrics_count(m, METRICS_VERIFIED, reason, 0);
	metrics_count(m, METRICS_ACTIONS, t->verdict.action, t->verdict.would);
	metrics_count(m, METRICS_PEER_MESSAGES, peer, result);
	metrics_count(m, METRICS_PEER_WOULD, peer, t->verdict.would);
	if (in_scope)
		count_checks(m, g, t);
}

void engine_count(const struct engine *g, const struct transaction *t)
{
	struct metrics *m = g->metrics;
	size_t peer = metrics_peer(m, engine_policy_judged(t) ? t->policy.peer : NULL);

	metrics_count(m, METRICS_MESSAGES, t->direction, 0);
	if (t->message.mm4 && t->direction != DIRECTION_PASS)
		metrics_count(m, METRICS_PDUS, t->pdu.class, 0);
	if (t->direction == DIRECTION_SIGN)
		metrics_count(m, METRICS_SIGNED, t->sign.outcome, 0);
	else if (t->direction == DIRECTION_VERIFY)
		count_verified(m, g, t, peer);
	if (t->direction != DIRECTION_PASS)
		metrics_time(m, METRICS_VERDICT_SECONDS, t->direction - DIRECTION_SIGN, t->took_us);
	if (t->edits_incomplete)
		metrics_count(m, METRICS_EDITS_INCOMPLETE, 0, 0);
	count_limits(m, t, peer);
}

void engine_count_wait(void *arg, int64_t us)
{
	metrics_time(arg, METRICS_CERT_WAIT_SECONDS, 0, us);
}
