/*
 * The tables that metrics are told apart by: how many values each has, and how
 * they read.  For engine/metrics*.c, and for those who count.
 */
#ifndef STIR_ENGINE_METRICS_LABELS_H
#define STIR_ENGINE_METRICS_LABELS_H

#include "core/fetch.h"
#include "core/sign.h"
#include "core/stir_reason.h"
#include "policy/verdict.h"

enum metrics_label {
	METRICS_LABEL_NONE,
	METRICS_LABEL_OWN,
	METRICS_LABEL_DIRECTION,  /* enum direction */
	METRICS_LABEL_WORKED,     /* the same, but for pass, where there is nothing to do */
	METRICS_LABEL_REASON,     /* enum stir_reason, METRICS_OUT_OF_SCOPE and METRICS_REPORT; written as result and reason */
	METRICS_LABEL_RESULT,     /* enum stir_word, METRICS_RESULT_OUT_OF_SCOPE and METRICS_RESULT_REPORT */
	METRICS_LABEL_OUTCOME,    /* enum sign_outcome */
	METRICS_LABEL_PDU,        /* enum mmspdu_class */
	METRICS_LABEL_ACTION,     /* enum verdict_action */
	METRICS_LABEL_WOULD,      /* the same */
	METRICS_LABEL_PEER,       /* metrics_peer() */
	METRICS_LABEL_REPLAY,     /* enum stir_replay, but for off, which is not counted */
	METRICS_LABEL_CHECK,
	METRICS_LABEL_LIMIT,
	METRICS_LABEL_RELOAD,
	METRICS_LABEL_CERT_EVENT,
	METRICS_LABEL_CRL_EVENT,
	METRICS_LABEL_FETCH_OF,
	METRICS_LABEL_CAUSE       /* enum fetch_cause */
};

enum {
	METRICS_OUT_OF_SCOPE = STIR_REASON_COUNT,
	METRICS_REPORT,
	METRICS_REASONS,
	METRICS_RESULT_OUT_OF_SCOPE = STIR_WORD_PERMERROR + 1,
	METRICS_RESULT_REPORT,
	METRICS_RESULTS
};

/* Indices of PEER that are no peer's. */
enum { METRICS_PEER_NONE, METRICS_PEER_OTHER, METRICS_PEER_FIRST };

/* A check that a message went on without. */
enum metrics_check {
	METRICS_CHECK_REVOCATION,  /* no usable revocation list, and none was asked for */
	METRICS_CHECK_REPLAY,      /* the store did not answer */
	METRICS_CHECK_CERTIFICATE, /* it could not be had: temperror */
	METRICS_CHECK_CONTENT,     /* the policy wanted content that was not kept */
	METRICS_CHECK_RULE,        /* a rule of the policy could not be evaluated */
	METRICS_CHECK_COUNT
};

/* What of a message was too much; the caps are those of core/limits.h and the settings. */
enum metrics_limit {
	METRICS_LIMIT_MESSAGE,  /* header, recipients or their memory (MaximumHeaders, LIMIT_RECIPIENTS, ...) */
	METRICS_LIMIT_IDENTITY, /* LIMIT_IDENTITY_FIELDS */
	METRICS_LIMIT_OWN,      /* LIMIT_DELETIONS: a flood of forged results */
	METRICS_LIMIT_BODY,     /* LIMIT_KEPT_BODY */
	METRICS_LIMIT_MEMORY,   /* LIMIT_MESSAGE_ARENA, or no memory: no-resource */
	METRICS_LIMIT_OVERLOAD, /* Overload */
	METRICS_LIMIT_PEERS,    /* LIMIT_METRICS_PEERS: counted as "other" */
	METRICS_LIMIT_COUNT
};

enum metrics_reload { METRICS_RELOAD_GOOD, METRICS_RELOAD_FAILED, METRICS_RELOAD_COUNT };

enum metrics_cert_event {
	METRICS_CERT_HIT,
	METRICS_CERT_MISS,
	METRICS_CERT_FAILURE,
	METRICS_CERT_EVICTION,
	METRICS_CERT_FETCH,
	METRICS_CERT_RENEWAL,
	METRICS_CERT_NEGATIVE_HIT,
	METRICS_CERT_KEPT_HIT,
	METRICS_CERT_JOINED,
	METRICS_CERT_GAVE_UP,
	METRICS_CERT_NO_WAITER,
	METRICS_CERT_STALE_USED,
	METRICS_CERT_KEPT_REFUSED,
	METRICS_CERT_KEEP_FAILURE,
	METRICS_CERT_COUNT
};

enum metrics_crl_event {
	METRICS_CRL_FETCH,
	METRICS_CRL_FAILURE,
	METRICS_CRL_REFUSED,
	METRICS_CRL_KEPT_HIT,
	METRICS_CRL_UNKEPT,
	METRICS_CRL_KEEP_FAILURE,
	METRICS_CRL_COUNT
};

enum metrics_fetch_of { METRICS_FETCH_CERTIFICATE, METRICS_FETCH_CRL, METRICS_FETCH_NETWORK, METRICS_FETCH_COUNT };

/* How many values a table has; 1 for NONE, 0 for OWN. PEER: those that are no peer's. */
size_t metrics_labels_count(enum metrics_label l);
/* How the i-th reads; not for PEER. */
const char *metrics_labels_value(enum metrics_label l, size_t i);
/* The name of the label. */
const char *metrics_labels_name(enum metrics_label l);

#endif
