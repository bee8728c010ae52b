/*
 * What a policy did with a mailbox: counted for each rule, verdict, threshold
 * and score, apart for wanted, abuse and unlabelled messages.
 */
#ifndef STIR_CTL_POLICY_TALLY_H
#define STIR_CTL_POLICY_TALLY_H

#include <stdio.h>

#include "ctl/policy_feed.h"

enum { POLICY_ACTIONS = VERDICT_DISCARD + 1, POLICY_TALLY_NAMED = 20 /* messages named in the text, of each kind */ };

/* Why a verdict may not be the one the milter gave, or would have given. */
enum policy_doubt {
	POLICY_NO_DOUBT,
	POLICY_DOUBT_TIME, /* stale or from the future, and no Received date told the time of receipt */
	POLICY_DOUBT_CERT, /* the certificate is not at hand */
	POLICY_DOUBT_CRL,  /* no revocation list that was current then is at hand, and one is wanted */
	POLICY_DOUBT_RULE, /* a rule could not be evaluated */
	POLICY_DOUBTS
};
const char *policy_tally_doubt(enum policy_doubt d); /* a sentence */

struct policy_tally_rule {
	uint64_t hit[POLICY_LABELS], lost, error;
	int64_t score_milli; /* sum over the hits, before absorb and caps */
};

struct policy_tally_score {
	int32_t milli;
	uint64_t n[POLICY_LABELS];
};

struct policy_tally {
	const struct policy *policy;
	struct policy_tally_rule *rule; /* policy_rule_count() of them */
	uint64_t judged[POLICY_LABELS], out_of_scope[POLICY_LABELS], refused[POLICY_LABELS], unread[POLICY_LABELS];
	/* refused: by the engine itself, before any policy */
	uint64_t would[POLICY_LABELS][POLICY_ACTIONS], action[POLICY_LABELS][POLICY_ACTIONS];
	uint64_t doubt[POLICY_DOUBTS];
	struct buf named[POLICY_DOUBTS]; /* "file:index" lines, the first POLICY_TALLY_NAMED */
	struct policy_tally_score *score; /* ascending */
	size_t nscore, score_cap;
};

/* 0 (policy_tally_free() in every case), or -1 and *e. p outlives it. */
int policy_tally_init(struct policy_tally *t, const struct policy *p, struct err *e) MUST_USE;
void policy_tally_free(struct policy_tally *t);
/* A judged message. 0, or -1 and *e. */
int policy_tally_add(struct policy_tally *t, const struct policy_message *m, struct err *e) MUST_USE;
/* A message that could not be had. */
void policy_tally_unread(struct policy_tally *t, enum policy_label l);
/* Is there a doubt in its verdict? */
enum policy_doubt policy_tally_doubt_of(const struct policy_message *m);

/* At a threshold. */
struct policy_tally_split {
	uint64_t below[POLICY_LABELS], above[POLICY_LABELS]; /* above: at or above */
};
/* Scores in bins of equal width. */
enum { POLICY_TALLY_BINS = 12 };
struct policy_tally_bins {
	int64_t first, width; /* thousandths: bin i begins at first + i * width, and ends before the next */
	size_t n;
	uint64_t in[POLICY_TALLY_BINS][POLICY_LABELS];
};
void policy_tally_bins(const struct policy_tally *t, struct policy_tally_bins *out);
struct policy_tally_split policy_tally_split(const struct policy_tally *t, int32_t milli);
/* abuse rate / (abuse rate + wanted rate) of a rule's hits; -1 when there is nothing to compare. */
double policy_tally_rank(const struct policy_tally *t, size_t rule);
/* Ids of the rules, the best rank first, those without hits last; free() it. NULL without memory. */
size_t *policy_tally_order(const struct policy_tally *t) MUST_USE;

/* For people. 0, or -1 without memory. */
int policy_tally_print(FILE *f, const struct policy_tally *t) MUST_USE;
/* All of it; a new reference, NULL without memory. */
json_t *policy_tally_json(const struct policy_tally *t) MUST_USE;

#endif
