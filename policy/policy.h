/*
 * A policy, compiled: facts of one message in, verdict out.
 *
 * Semantics: all rules are evaluated, order never changes a score; absent never
 * matches; scores are thousandths, groups are capped first, then the sum is
 * compared with the thresholds; the first final rule in file order wins over
 * the sum (stir-milter-policy(5)).
 */
#ifndef STIR_POLICY_POLICY_H
#define STIR_POLICY_POLICY_H

#include <jansson.h>

#include "policy/ast.h"
#include "policy/counters.h"
#include "policy/facts.h"
#include "policy/verdict.h"

struct policy; /* opaque, immutable; any number of threads evaluate it */

enum { POLICY_HASH_BYTES = 16 + 1 /* hexadecimal of the first 8 octets of SHA-256, NUL */ };

/*
 * Parse, check, load lists, compile.  The report gets every error and warning.
 * 0 and *out (policy_free()), or -1.
 */
int policy_open(const char *path, const struct source_loader *loader, struct policy **out, struct source_report *report) MUST_USE;
/* The same from a tree (parser_parse()); p is kept by the policy on success, freed on failure. */
int policy_compile(struct ast_policy *p, const struct source_loader *loader, struct policy **out, struct source_report *report) MUST_USE;
void policy_free(struct policy *p); /* NULL is allowed */

/* Hash over every file and list that was read: changes when anything of it does. */
const char *policy_hash(const struct policy *p);
/* What the facts must be filled for; enum fact_need bits. */
unsigned policy_needs(const struct policy *p);
/* Does any rule (shadow ones too), peer or rate look at that fact? */
bool policy_asks(const struct policy *p, enum fact_id id);
enum ast_mode policy_mode(const struct policy *p);
const struct ast_policy *policy_ast(const struct policy *p);
size_t policy_rule_count(const struct policy *p); /* ids 0..n-1 in file order */
const struct ast_rule *policy_rule(const struct policy *p, size_t i);
/* Entries of the i-th list and its name; *name is NULL when there are not so many. */
size_t policy_lists(const struct policy *p, size_t i, const char **name);

/* --- one message */

struct policy_env {
	int64_t now;               /* seconds since 1970; also set as the fact now */
	int64_t now_ms;            /* the same in milliseconds, for rates */
	struct counters *counters; /* NULL: nothing is ever over a rate */
	bool take;                 /* rates are used up (not in explain) */
	bool trace;                /* fill hit.why for every rule */
};

struct policy_hit {
	size_t rule;         /* id */
	bool hit;            /* false only with trace */
	bool shadow;
	bool error;          /* could not be evaluated (a regular expression reached its limit) */
	int32_t score_milli; /* after "per" and override, before absorb and cap */
	int32_t lost_milli;  /* taken away by absorb */
	bool final;
	struct span why;     /* trace: a sentence with the value that decided; in the arena */
};

struct policy_result {
	const char *peer;          /* name of the peer block, or NULL */
	bool peer_in_doubt;        /* a block that could not be evaluated (a pseudonym, a limit) stands before it */
	enum ast_mode mode;        /* in force: the file's or the peer's */
	int32_t score_milli, shadow_milli;
	int32_t ceiling_milli;     /* taken away, so that the score is not below signer.score_ceiling; 0 or more */
	struct policy_hit *hit;    /* every rule that hit or failed, in file order; with trace every rule */
	size_t nhit;
	const struct ast_action *would; /* what enforce would do; NULL: accept */
	const char *because;       /* "score", "final", "failure", "none": what decided */
	size_t final_rule;         /* when because is "final" */
	enum verdict_action would_action, action; /* action: after the mode */
	bool error;                /* some live rule failed: class timeout */
	struct span text;          /* reply text with templates filled, printable ASCII; REDIRECT: the address */
	const char *code;          /* "5.7.1"; NULL: the default */
};

/* Template values of reply texts. */
struct policy_reply {
	struct span queue_id, help_url;
};

/*
 * f gets peer, peer.expect, now and, when something fails, failure.  Results are
 * in the arena.  0; -1 without memory (out is then accept, because "failure").
 */
int policy_eval(const struct policy *p, struct facts *f, const struct policy_env *env, const struct policy_reply *reply,
	struct arena *a, struct policy_result *out) MUST_USE;

/* The peer block that matches, or NULL: for history look-ups before policy_eval(). */
const char *policy_peer(const struct policy *p, struct facts *f, struct arena *a);

/* --- inline tests */

/* Runs them all; says each failure at its place. Returns how many failed; *ran how many there were. */
size_t policy_test(const struct policy *p, struct source_report *report, size_t *ran);
/* The i-th of policy_ast()->test alone; false when it failed, which is said. */
bool policy_test_one(const struct policy *p, size_t i, struct source_report *report);

/* --- for tools */

/* The compiled policy with source positions; a new reference, NULL without memory. */
json_t *policy_dump(const struct policy *p);

#endif
