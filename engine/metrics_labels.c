/*
 * Names in order of their enums.
 *
 * What has a table of its own elsewhere is asked there.
 */
#include "config.h"

#include "engine/metrics_labels.h"

#include "core/mmspdu.h"
#include "core/stir_result.h"
#include "engine/direction.h"

static const char *const checks[METRICS_CHECK_COUNT] = {"revocation", "replay", "certificate", "content", "rule"};
static const char *const limits[METRICS_LIMIT_COUNT] = {"message", "identity-fields", "own-fields", "body", "memory", "overload", "metrics-peers"};
static const char *const reloads[METRICS_RELOAD_COUNT] = {"good", "failed"};
static const char *const cert_events[METRICS_CERT_COUNT] = {"hit", "miss", "failure", "eviction", "fetch", "renewal", "negative-hit", "kept-hit", "joined",
							    "gave-up", "no-waiter", "stale-used", "kept-refused", "keep-failure"};
static const char *const crl_events[METRICS_CRL_COUNT] = {"fetch", "failure", "refused", "kept-hit", "unkept", "keep-failure"};
static const char *const fetch_of[METRICS_FETCH_COUNT] = {"certificate", "revocation-list", "network"};

static const char *direction_text(size_t i)
{
	return direction_name((enum direction)i);
}

static const char *worked_text(size_t i)
{
	return direction_name((enum direction)(i + DIRECTION_SIGN));
}

static const char *result_text(size_t i)
{
	if (i == METRICS_RESULT_REPORT)
		return "report";
	return i == METRICS_RESULT_OUT_OF_SCOPE ? "out-of-scope" : stir_word_name((enum stir_word)i);
}

static const char *outcome_text(size_t i)
{
	return sign_outcome_name((enum sign_outcome)i);
}

static const char *pdu_text(size_t i)
{
	return mmspdu_name((enum mmspdu_class)i);
}

static const char *action_text(size_t i)
{
	return verdict_action_name((enum verdict_action)i);
}

static const char *replay_text(size_t i)
{
	return stir_replay_name((enum stir_replay)(i + STIR_REPLAY_NEW));
}

static const char *cause_text(size_t i)
{
	return fetch_cause_name((enum fetch_cause)i);
}

static const char *reason_text(size_t i)
{
	if (i == METRICS_REPORT)
		return "report";
	return i == METRICS_OUT_OF_SCOPE ? "out-of-scope" : stir_reason_name((enum stir_reason)i);
}

static const struct table {
	const char *name;
	size_t n;
	const char *const *words;
	const char *(*text)(size_t i);
} tables[] = {
	[METRICS_LABEL_NONE] = {"", 1, NULL, NULL},
	[METRICS_LABEL_OWN] = {"", 0, NULL, NULL},
	[METRICS_LABEL_DIRECTION] = {"direction", DIRECTION_VERIFY + 1, NULL, direction_text},
	[METRICS_LABEL_WORKED] = {"direction", DIRECTION_VERIFY - DIRECTION_SIGN + 1, NULL, worked_text},
	[METRICS_LABEL_REASON] = {"reason", METRICS_REASONS, NULL, reason_text},
	[METRICS_LABEL_RESULT] = {"result", METRICS_RESULTS, NULL, result_text},
	[METRICS_LABEL_OUTCOME] = {"outcome", SIGN_OUTCOME_COUNT, NULL, outcome_text},
	[METRICS_LABEL_PDU] = {"pdu", MMSPDU_CLASS_COUNT, NULL, pdu_text},
	[METRICS_LABEL_ACTION] = {"action", VERDICT_DISCARD + 1, NULL, action_text},
	[METRICS_LABEL_WOULD] = {"would", VERDICT_DISCARD + 1, NULL, action_text},
	[METRICS_LABEL_PEER] = {"peer", METRICS_PEER_FIRST, NULL, NULL},
	[METRICS_LABEL_REPLAY] = {"answer", STIR_REPLAY_UNKNOWN - STIR_REPLAY_NEW + 1, NULL, replay_text},
	[METRICS_LABEL_CHECK] = {"check", METRICS_CHECK_COUNT, checks, NULL},
	[METRICS_LABEL_LIMIT] = {"limit", METRICS_LIMIT_COUNT, limits, NULL},
	[METRICS_LABEL_RELOAD] = {"outcome", METRICS_RELOAD_COUNT, reloads, NULL},
	[METRICS_LABEL_CERT_EVENT] = {"event", METRICS_CERT_COUNT, cert_events, NULL},
	[METRICS_LABEL_CRL_EVENT] = {"event", METRICS_CRL_COUNT, crl_events, NULL},
	[METRICS_LABEL_FETCH_OF] = {"for", METRICS_FETCH_COUNT, fetch_of, NULL},
	[METRICS_LABEL_CAUSE] = {"cause", FETCH_CAUSE_COUNT, NULL, cause_text},
};

size_t metrics_labels_count(enum metrics_label l)
{
	return tables[l].n;
}

const char *metrics_labels_value(enum metrics_label l, size_t i)
{
	return tables[l].words ? tables[l].words[i] : tables[l].text(i);
}

const char *metrics_labels_name(enum metrics_label l)
{
	return tables[l].name;
}
