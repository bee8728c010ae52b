/*
 * The compiled form of a policy, shared by the files policy/policy*.c only.
 *
 *   policy.c              open, free, what others may ask
 *   policy_names.c        tables of names, "did you mean"
 *   policy_compile*.c     tree to compiled form; says every mistake at its place
 *   policy_check*.c       what is allowed but odd: warnings; inline tests
 *   policy_eval*.c        one message
 *   policy_trace.c        why a rule hit, or did not
 *   policy_print.c        a condition as text
 *   policy_trial.c        inline tests
 *   policy_dump.c         JSON
 */
#ifndef STIR_POLICY_POLICY_INTERNAL_H
#define STIR_POLICY_POLICY_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "policy/list.h"
#include "policy/policy.h"
#include "policy/window.h"

enum {
	/* Compiled form of 64 files of 1 MiB. */
	POLICY_ARENA_MAX = 512 * 1024 * 1024,
	/* A longer regular expression is a list that wants to be one. */
	POLICY_REGEX_BYTES = 1024,
	/* PCRE2's own limits; they count anew at each place a match could start ... */
	POLICY_MATCH_LIMIT = 100000,
	POLICY_DEPTH_LIMIT = 10000,
	POLICY_HEAP_KIB = 1024,
	/* ... so this is what the expressions of one rule may cost together: steps, and
	 * octets gone over. Some 1 to 30 ms; beyond it the rule fails. */
	POLICY_REGEX_WORK = 4 * 1000 * 1000,
	/* One line of an SMTP reply has 512 octets, with code and line end. */
	POLICY_REPLY_BYTES = 200,
	/* Thousandths of the most a rule can add. */
	POLICY_SCORE_MILLI = 100 * 1000,
	/* Trace: one value, one sentence. */
	POLICY_VALUE_BYTES = 80,
	POLICY_WHY_BYTES = 400
};

/* --- names ------------------------------------------------------------------- */

struct policy_name {
	struct span text;
	size_t index;
};
struct policy_names {
	const char *what;           /* "rule" */
	struct policy_name *sorted; /* n of them */
	const char **cstr;          /* by index */
	size_t n;
};

enum { POLICY_NO_NAME = -1 };

/* Names of an array of n structs of stride octets, each of which begins with its struct ast_name. 0 / -1 without memory. */
int policy_names_init(struct policy_names *t, const char *what, const void *first, size_t stride, size_t n, struct arena *a) MUST_USE;
/* Index (of the first with that name), or POLICY_NO_NAME. */
ptrdiff_t policy_names_find(const struct policy_names *t, struct span name);
/* The same; says "unknown rule "X"; did you mean "Y"?". */
ptrdiff_t policy_names_need(const struct policy_names *t, const struct ast_name *name, struct source_report *report);
/* "; did you mean "X"?" into out, or nothing. */
void policy_names_suggestion(char *out, size_t n, const char *near);

/* --- conditions ---------------------------------------------------------------- */

/* Kleene's three values: unknown is a hidden value, or a regular expression that reached its limit. Off: a rule, by a peer's override. */
enum policy_truth { POLICY_FALSE, POLICY_TRUE, POLICY_UNKNOWN, POLICY_OFF };

enum policy_node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_MATCH, NODE_RULE, NODE_OVER, NODE_PRESENT };
enum policy_match_kind {
	MATCH_WORDS,   /* ENUM: words, one bit each */
	MATCH_NUMBER,  /* op num */
	MATCH_NUMBERS, /* nums, ascending */
	MATCH_EQUAL,   /* value: TN ADDR HOST SPC TEXT */
	MATCH_LIST,
	MATCH_REGEX,
	MATCH_WINDOW
};

struct policy_node {
	enum policy_node_kind kind;
	enum policy_match_kind match;
	enum ast_op op;
	enum ast_quantifier quantifier;
	bool negate; /* != "not in" !~, but for numbers */
	enum fact_id fact;
	size_t ref;  /* NODE_RULE: rule, NODE_OVER: rate */
	const struct ast_expr *expr;
	struct policy_node *child;
	size_t nchild;
	uint64_t words;
	int64_t num;
	const int64_t *nums;
	size_t nnum;
	struct facts_value value;
	const struct list *list;
	const pcre2_code *regex;
	const struct window *window;
};

/* --- statements ------------------------------------------------------------------ */

enum { POLICY_NO_GROUP = -1 };

struct policy_rule {
	const struct ast_rule *ast;
	const char *name;
	struct policy_node when;
	bool scores;
	int32_t score, max;      /* max: with per */
	enum fact_id per;        /* FACT_N: none */
	ptrdiff_t group;
	size_t *absorb;
	size_t nabsorb;
	struct policy_edge { size_t rule; const struct ast_expr *expr; } *edge; /* rules its condition names */
	size_t nedge;
	bool named;              /* by a condition or an absorb */
};

struct policy_override {
	size_t rule;
	const struct ast_override *ast;
	int32_t score;
};
struct policy_peer {
	const struct ast_peer *ast;
	const char *name;
	struct policy_node match;
	int expect; /* word of peer.expect, -1: none given */
	enum ast_mode mode;
	struct policy_override *override; /* by rule */
	size_t noverride;
};
struct policy_rate {
	const struct ast_rate *ast;
	struct counters_rate rate; /* name with "shadow/" when no live rule asks */
	enum fact_id *key;
	size_t nkey;
	bool live, shadow; /* asked by such a rule */
};
struct policy_threshold {
	int32_t at;
	const struct ast_action *action;
};
/* An inline test: facts to force, and what each "expect" names. */
struct policy_trial {
	const struct ast_test *ast;
	struct policy_given {
		enum fact_id fact;
		struct facts_value value;
	} *given;
	size_t ngiven;
	ptrdiff_t *expect; /* rule or peer */
};
/* Something to free with the policy. */
struct policy_owned {
	struct policy_owned *next;
	struct list *list;
	pcre2_code *regex;
};
/* Rules that can only hit when a fact is there (and an ENUM has that word). */
struct policy_bucket {
	size_t *rule;
	size_t n;
};

struct policy {
	struct ast_policy *ast; /* owned */
	struct arena *arena;    /* owned: everything below */
	char hash[POLICY_HASH_BYTES];
	enum ast_mode mode;
	unsigned needs;
	bool asks[FACT_N];
	struct policy_names lists, windows, rates, peers, rules, groups;
	struct list **list;
	bool *list_used;
	struct window **window;
	bool *window_used;
	struct policy_rate *rate;
	struct policy_peer *peer;
	struct policy_rule *rule;
	int32_t *group_max;
	bool *group_used;
	struct policy_threshold *threshold;
	struct policy_trial *trial;
	const struct ast_action *on[8]; /* by word of the fact failure */
	struct policy_bucket *bucket[FACT_N]; /* ENUM: one a word, else one; NULL: none */
	enum fact_id bucketed[FACT_N];
	size_t nbucketed;
	struct policy_bucket free;      /* may hit whatever is there */
	size_t *order;                  /* rules that name rules, those that are named first */
	size_t norder;
	struct policy_owned *owned;
	pcre2_match_context *limits;
};

/* --- compiling ------------------------------------------------------------------- */

struct policy_compiler {
	struct policy *p;
	const struct source_loader *loader;
	struct source_report *report;
	/* where the condition stands */
	ptrdiff_t rule; /* -1: in a peer block */
	bool shadow;
	struct policy_edge *edge; /* of the rule at hand */
	size_t nedge, edge_cap;
	bool no_memory;
};

/* The fact of that name; FACT_N after saying that there is none. */
enum fact_id policy_compile_fact(struct policy_compiler *c, const struct ast_name *name);
/* A literal as a value of the fact; -1 after saying what is wrong. */
int policy_compile_value(struct policy_compiler *c, enum fact_id id, const struct ast_value *v, struct facts_value *out) MUST_USE;
/* May a host or code be equal to that text? -1 after saying that none is. */
int policy_compile_name(struct policy_compiler *c, enum fact_id id, const struct ast_value *v) MUST_USE;
/* What follows "in": fills the node. */
int policy_compile_membership(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v) MUST_USE;
int policy_compile_regex(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v) MUST_USE;
/* -1 after saying what is wrong; the report knows it too. */
int policy_compile_condition(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n);
void policy_compile_action(struct policy_compiler *c, const struct ast_action *a);
void policy_compile_peers(struct policy_compiler *c);
void policy_compile_rules(struct policy_compiler *c);
/* Cycles are said; the order, buckets. */
void policy_compile_order(struct policy_compiler *c);
/* arena_array() that says once that there is no memory. n may be 0. */
void *policy_compile_array(struct policy_compiler *c, size_t n, size_t size);

void policy_check_tests(struct policy_compiler *c);
void policy_check_warnings(struct policy_compiler *c);

/* --- one message ------------------------------------------------------------------- */

struct policy_eval {
	const struct policy *p;
	const struct facts *f;
	struct arena *arena;
	unsigned char *truth; /* by rule */
	bool *over;           /* by rate */
	pcre2_match_data *match; /* made when first wanted, and so is */
	pcre2_match_context *context;
	bool limit;           /* a regular expression reached its limit, or there was no memory */
	size_t work, last;    /* of POLICY_REGEX_WORK; where the last step was */
	bool failed;          /* some live rule or peer block is unknown for its limit */
	bool peer_in_doubt;   /* a peer block that may be the message's is unknown */
	bool watched_failed;  /* some shadow rule is, which changes nothing of what is done */
};

/* Sets up e over the facts; ends with policy_eval_end(). 0 / -1. */
int policy_eval_begin(struct policy_eval *e, const struct policy *p, const struct facts *f, struct arena *a) MUST_USE;
void policy_eval_end(struct policy_eval *e);
/* The condition of a rule or a peer block, with work and limit of its own. shadow: it is a shadow rule's. */
enum policy_truth policy_eval_condition(struct policy_eval *e, const struct policy_node *n, bool shadow);
enum policy_truth policy_eval_node(struct policy_eval *e, const struct policy_node *n);
/* One value of a NODE_MATCH's fact, quantifier and absence left out. */
enum policy_truth policy_eval_value(struct policy_eval *e, const struct policy_node *n, const struct facts_value *v);
/* Sum, groups, final, action: fills out from out->hit. 0 / -1. */
int policy_verdict(const struct policy *p, const struct policy_peer *peer, const struct facts *f, const struct policy_reply *reply, struct arena *a, struct policy_result *out) MUST_USE;
enum verdict_action policy_verdict_action(enum ast_action_kind k);
/* The override of that peer (NULL: none) for a rule, or NULL. */
const struct policy_override *policy_peer_override(const struct policy_peer *peer, size_t rule);
/* The block that matches, or NULL. */
const struct policy_peer *policy_peer_find(struct policy_eval *e);
/* A sentence: why the condition came out so; in the arena. */
struct span policy_trace(struct policy_eval *e, const struct policy_node *n, enum policy_truth truth);

/* --- as text ------------------------------------------------------------------------ */

void policy_print_condition(struct buf *out, const struct ast_expr *e);
void policy_print_value(struct buf *out, const struct ast_value *v);
void policy_print_milli(struct buf *out, int64_t v);

#endif
