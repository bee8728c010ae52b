/*
 * A policy as it was written: the tree the parser makes and the checker reads.
 * Everything in one arena; names are not yet looked up, values not yet typed by
 * a fact (a literal has the type it is written in).
 *
 * Grammar: stir-milter-policy(5); parser: policy/parser.h.
 */
#ifndef STIR_POLICY_AST_H
#define STIR_POLICY_AST_H

#include "core/tn.h"
#include "policy/facts.h"
#include "policy/source.h"

struct ast_name {
	struct span text; /* empty: not given */
	struct source_pos at;
};

/* --- literals ---------------------------------------------------------------- */

enum ast_value_kind {
	AST_WORD,     /* pass, A, body-mismatch: an enum word; text */
	AST_NUMBER,   /* 12, -1.5: num in thousandths; whole: no point was written */
	AST_DURATION, /* 60s 5m 2h 7d, may be negative: num in seconds */
	AST_SIZE,     /* 600k, 2M, 1G (1024): num in octets; m is minutes */
	AST_TN,       /* +15550100001 */
	AST_TN_PREFIX,/* +1888* */
	AST_TN_RANGE, /* +1..+2, both ends belong to it: tn, tn2 of equal length */
	AST_NET,      /* 192.0.2.0/24, 192.0.2.9, 2001:db8::/32: addr, bits (of 128) */
	AST_TEXT,     /* "text", \" and \\ undone: text */
	AST_REGEX,    /* /regex/i: text, icase; only after ~ and !~ */
	AST_SET,      /* { a, b }: item, nitem; no sets within */
	AST_LIST_REF  /* @name: text without @ ; a window's name after "now in" is an AST_WORD */
};

struct ast_value {
	enum ast_value_kind kind;
	struct source_pos at;
	struct span text;
	int64_t num;
	bool whole, icase;
	struct tn tn, tn2;
	struct facts_addr addr;
	unsigned bits;
	struct ast_value *item;
	size_t nitem;
};

/* --- conditions --------------------------------------------------------------- */

enum ast_expr_kind {
	AST_OR,      /* child, nchild >= 2 */
	AST_AND,     /* the same */
	AST_NOT,     /* child[0] */
	AST_COMPARE, /* [any|all] fact op value */
	AST_RULE,    /* NAME: that rule hit */
	AST_OVER,    /* over(rate) */
	AST_PRESENT  /* present(fact) */
};
enum ast_op { AST_EQ, AST_NE, AST_LT, AST_LE, AST_GT, AST_GE, AST_IN, AST_NOT_IN, AST_MATCH, AST_NO_MATCH };
enum ast_quantifier { AST_BARE, AST_ANY, AST_ALL };

struct ast_expr {
	enum ast_expr_kind kind;
	struct source_pos at;
	struct ast_expr *child; /* array */
	size_t nchild;
	struct ast_name name; /* fact, rule or rate */
	enum ast_quantifier quantifier;
	enum ast_op op;
	struct source_pos op_at;
	struct ast_value value;
};

/* --- statements ---------------------------------------------------------------- */

enum ast_mode { AST_MODE_NONE, AST_MODE_OBSERVE, AST_MODE_TAG, AST_MODE_ENFORCE };

enum ast_action_kind { AST_ACCEPT, AST_DISCARD, AST_TAG, AST_QUARANTINE, AST_REDIRECT, AST_TEMPFAIL, AST_REJECT };
struct ast_action {
	enum ast_action_kind kind;
	struct source_pos at;
	struct ast_name code;   /* "4.7.5"; empty: not given */
	struct ast_value text;  /* TEMPFAIL, REJECT (always), REDIRECT: the address; kind AST_TEXT */
};

struct ast_list {
	struct ast_name name;
	struct ast_name type; /* tn cidr host spc text */
	struct ast_value file; /* kind AST_TEXT, text empty: items inline */
	struct ast_value *item;
	size_t nitem;
};
struct ast_window {
	struct ast_name name;
	uint32_t from_s, to_s;  /* seconds of the day, from included, to not; from > to goes over midnight, from == to is an error of the parser */
	unsigned days;          /* bit 0 Monday .. 6 Sunday: the day the window begins; 0x7f when not given */
	struct ast_value zone;  /* AST_TEXT, empty: UTC */
};
struct ast_rate {
	struct ast_name name;
	struct ast_name *key; /* one or several facts, "key orig.tn, client" */
	size_t nkey;
	struct ast_value limit, per, burst; /* burst.at.src NULL: not given */
};
struct ast_override {
	struct ast_name rule;
	bool off;                /* "off" */
	bool has_score;
	struct ast_value score;
	bool has_final;
	struct ast_action final;
};
struct ast_peer {
	struct ast_name name;
	struct ast_expr *match; /* never NULL */
	struct ast_name expect; /* signed unsigned any; empty: not given */
	enum ast_mode mode;
	struct source_pos mode_at;
	struct ast_override *override;
	size_t noverride;
};
struct ast_on {
	struct ast_name failure; /* temperror internal timeout toolarge malformed overload */
	struct ast_action action;
};
struct ast_rule {
	struct ast_name name;
	bool shadow;
	bool replace; /* "replace rule" */
	struct ast_expr *when; /* never NULL */
	bool has_score, has_final;
	struct ast_value score; /* AST_NUMBER */
	struct ast_name per;    /* score NUM per FACT max NUM */
	struct ast_value max;
	struct ast_action final;
	struct ast_value describe; /* AST_TEXT */
	struct ast_name group;
	struct ast_name *absorb;
	size_t nabsorb;
	struct ast_name *tag; /* labels, lower_case words */
	size_t ntag;
};
struct ast_group {
	struct ast_name name;
	struct ast_value max; /* AST_NUMBER */
};
struct ast_threshold {
	struct ast_action action;
	struct ast_value at; /* AST_NUMBER */
};
struct ast_given {
	struct ast_name fact;
	struct ast_value value; /* several givens of one list fact add up; AST_SET is allowed for list facts */
};
struct ast_expect {
	struct source_pos at;
	enum { AST_EXPECT_ACTION, AST_EXPECT_HIT, AST_EXPECT_MISS, AST_EXPECT_SCORE, AST_EXPECT_PEER } kind;
	enum ast_action_kind action;
	struct ast_name name;   /* HIT, MISS: the rule; PEER: the peer */
	struct ast_value score;
};
struct ast_test {
	struct ast_value title; /* AST_TEXT */
	struct ast_given *given;
	size_t ngiven;
	struct ast_value at; /* "at 21:30": time of day UTC of 2024-01-01 (a Monday), num seconds since 1970; at.at.src NULL: noon */
	struct ast_expect *expect;
	size_t nexpect;
};

struct ast_policy {
	struct arena *arena; /* owned: source_text, names, everything */
	int version;
	enum ast_mode mode;  /* AST_MODE_NONE: not given, which means tag */
	struct ast_list *list;     size_t nlist;
	struct ast_window *window; size_t nwindow;
	struct ast_rate *rate;     size_t nrate;
	struct ast_peer *peer;     size_t npeer;
	struct ast_on *on;         size_t non;
	struct ast_rule *rule;     size_t nrule; /* in file order, includes in place */
	struct ast_group *group;   size_t ngroup;
	struct ast_threshold *threshold; size_t nthreshold;
	struct source_pos actions_at; /* src NULL: no actions block */
	struct ast_test *test;     size_t ntest;
	struct source **file;      size_t nfile; /* every file read, the first is the policy itself */
};

void ast_free(struct ast_policy *p); /* NULL is allowed */
const char *ast_action_name(enum ast_action_kind k);
const char *ast_mode_name(enum ast_mode m); /* "tag" for AST_MODE_NONE */
const char *ast_op_name(enum ast_op op);    /* "==", "not in" */

#endif
