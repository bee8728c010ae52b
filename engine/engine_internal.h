/*
 * What an engine is made of.  For engine/engine*.c only.
 */
#ifndef STIR_ENGINE_ENGINE_INTERNAL_H
#define STIR_ENGINE_ENGINE_INTERNAL_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/evidence.h"
#include "engine/factlog_file.h"
#include "engine/published.h"
#include "engine/remote.h"
#include "engine/renewal.h"
#include "engine/replay_place.h"
#include "engine/signers.h"
#include "engine/signingtable.h"
#include "engine/state.h"
#include "policy/factlog.h"

#define ENGINE_POLICY_FIELD "X-STIR-Policy"
#define ENGINE_RESULT_FIELD "Authentication-Results"

struct engine {
	atomic_uint refs;
	struct settings settings;
	struct numberplan *plan; /* or NULL */
	/* signing; NULL when this engine doesn't */
	struct signers *signers;
	struct signingtable *signing; /* or NULL: all with the one key, and who by network, listener and SMTP AUTH */
	/* verifying; trust is NULL when this engine doesn't */
	struct trustset *trust;
	struct spctable *spcs;        /* or NULL */
	struct remote *remote;
	struct crlcache *crls;        /* or NULL: no network */
	struct certcache *certs;
	struct trust_sources lists;   /* of the trust domains, when none stands at an address */
	struct published *published;  /* or NULL: nothing of ours is looked after at an address */
	struct renewal *renewal;      /* or NULL: no trust list stands at an address */
	struct replay_place *replay;  /* or NULL; after engine_begin() */
	struct evidence *evidence;    /* or NULL; after engine_begin() */
	struct verify_params verify;
	char *trust_said;             /* what there was to say of the trust domains, one a line; owned, NULL when nothing */
	/* judging; policy is NULL when this engine doesn't, and the rest then too */
	struct policy *policy;
	struct buf policy_files;     /* those that it was read from, each with '\n' */
	unsigned needs;              /* enum fact_need bits */
	char *warnings;              /* what the checker said of it, one a line; owned, NULL when nothing */
	struct state *state;         /* shared with the engines before and after */
	struct factlog_file *factlog; /* the same; NULL without FactLog */
	/* of numbers in FactLog and log; NULL and all 0 when nothing is written as a pseudonym */
	struct pseudonym *pseudonyms;
	unsigned char pseudonym_key[PSEUDONYM_KEY_BYTES];
	bool pseudonym_key_is_random;
	struct metrics *metrics; /* shared with the engines before and after */
};

/* What reads a table aside from mail (engine/background.h) gets. */
struct engine_opening {
	struct engine *g;
	struct source_report *report; /* of the policy */
	struct err *e;
};

/* UserID, when we are going to be it: its files with secrets are as good as our own. */
struct key_reader engine_future_reader(const struct settings *s);

/* Can this process, as the user that it is, still sign with a key in a token?  0, or -1 and *e. */
int engine_check_key(const struct engine *g, struct err *e) MUST_USE;

/* Trust, and where certificates come from; nothing is written. old: the engine in force, or NULL. 0, or -1 and *e. */
int engine_verify_open(struct engine *g, const struct engine *old, struct err *e) MUST_USE;
/* The same with CacheFile, ReplayStore and EvidenceDir, as the user that we are going to be; in_private: see engine_begin(). */
int engine_verify_begin(struct engine *g, const struct engine *old, bool in_private, struct err *e) MUST_USE;
/* engine_check_files() for these. */
int engine_verify_check_files(const struct engine *g, struct err *e) MUST_USE;
void engine_verify_close(struct engine *g);
/* More for engine_advice(). */
void engine_verify_advice(const struct engine *g, struct buf *out);

/* The policy and what belongs to it. old: the engine in force, or NULL. 0, or -1 and *e; engine_policy_close() in both cases. */
int engine_policy_open(struct engine *g, const struct engine *old, struct source_report *report, struct err *e) MUST_USE;
void engine_policy_close(struct engine *g);
/* More for engine_advice(). */
void engine_policy_advice(const struct engine *g, struct buf *out);

/* What of the body the facts will need; after message_end_headers(). */
void engine_policy_want(const struct engine *g, struct transaction *t);
/* t->facts, from what verification found. */
void engine_policy_examine(const struct engine *g, struct transaction *t, int64_t now);
/* t->policy and the action of t->verdict, not its edits. again: the same message once more; rates and history have counted it. */
void engine_policy_judge(struct engine *g, struct transaction *t, int64_t now, bool again);
/* Was the policy asked about this message? */
bool engine_policy_judged(const struct transaction *t);

/* PseudonymKey, or one of this start. old: the engine in force, or NULL. 0, or -1 and *e. */
int engine_pseudonym_open(struct engine *g, const struct engine *old, struct err *e) MUST_USE;
void engine_pseudonym_close(struct engine *g);

/* Counts a message whose verdict is there. */
void engine_count(const struct engine *g, const struct transaction *t);
/* For struct certcache_params.waited; arg: struct metrics. */
void engine_count_wait(void *arg, int64_t us);

/* For metrics_attach(), of the parts they are named after. */
void engine_gather_certs(void *part, struct metrics_values *v);
void engine_gather_crls(void *part, struct metrics_values *v);
void engine_gather_remote(void *part, struct metrics_values *v);
void engine_gather_replay(void *part, struct metrics_values *v);
void engine_gather_evidence(void *part, struct metrics_values *v);
void engine_gather_factlog(void *part, struct metrics_values *v);

#endif
