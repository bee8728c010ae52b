/*
 * What the files of the parser share.  Every function gives 0, or -1 after
 * saying why in the report; the token in tok is the next, not yet used one.
 */
#ifndef STIR_POLICY_PARSER_INTERNAL_H
#define STIR_POLICY_PARSER_INTERNAL_H

#include "policy/ast.h"
#include "policy/lexer.h"
#include "policy/parser.h"

/* Files being read, the innermost first. */
struct parser_file {
	const struct source *src;
	const struct parser_file *outer;
};

struct parser {
	struct arena *arena;
	struct ast_policy *ast;
	const struct source_loader *loader;
	struct source_report *report;
	struct lexer lex;
	struct lexer_token tok;
	const struct parser_file *file;
	struct source_pos statement; /* of the keyword in front of tok */
	unsigned depth; /* of includes */
};

/* A fixed set of words, NULL at the end. */
struct parser_words {
	const char *what; /* "a mode (observe, tag, enforce)" */
	const char *const *word;
};

/* --- parser_token.c: tokens, names, room */

int parser_next(struct parser *p) MUST_USE;
/* The kind of the token behind tok; LEXER_END when it can't be read. Says nothing. */
struct lexer_token parser_peek(const struct parser *p);
bool parser_at(const struct parser *p, enum lexer_kind k);
bool parser_at_word(const struct parser *p, const char *word);
/* "expected WHAT, found ..." at tok; always -1. */
int parser_expected(struct parser *p, const char *what);
/* The same with the nearest of the words. */
int parser_unexpected(struct parser *p, const struct parser_words *w);
/* The end of the file within a block that began there; always -1. */
int parser_unclosed(struct parser *p, struct source_pos open);
/* Use up tok if it is that; what: for people. */
int parser_eat(struct parser *p, enum lexer_kind k, const char *what) MUST_USE;
int parser_eat_word(struct parser *p, const char *word) MUST_USE;
/* Index of tok among the words, which is used up. */
int parser_choice(struct parser *p, const struct parser_words *w, size_t *index) MUST_USE;
/* Index of tok among the words, or -1; neither uses nor says anything. */
int parser_which(const struct parser *p, const char *const *words);

enum parser_name_kind { PARSER_LOWER /* lists, rates, peers, ... */, PARSER_UPPER /* rules */, PARSER_FACT };
bool parser_is_name(struct span s, enum parser_name_kind k);
/* A name, used up. what: "a rate's name". */
int parser_name(struct parser *p, enum parser_name_kind k, const char *what, struct ast_name *out) MUST_USE;
/* Names with commas between. */
int parser_names(struct parser *p, enum parser_name_kind k, const char *what, struct ast_name **out, size_t *n) MUST_USE;

/* One more element behind the *n of an array, whose pointer is at array; 0, or -1 after saying that there is no room. */
int parser_append(struct parser *p, void *array, size_t *n, const void *item, size_t size) MUST_USE;
/* The memory that can't be had; always -1. */
int parser_no_room(struct parser *p);
/* Refuse a name that an element of the array has, each of which begins with a struct ast_name, and one element too many. */
int parser_fresh(struct parser *p, const char *what, const struct ast_name *name, const void *array, size_t n, size_t size) MUST_USE;
/* "WHAT is given already, at FILE:LINE" at the place; always -1. */
int parser_twice(struct parser *p, const char *what, struct source_pos at, struct source_pos before);

/* --- parser_value.c: literals */

/* One literal that is no set, no list, no regular expression. */
int parser_literal(struct parser *p, struct ast_value *out) MUST_USE;
/* A literal, a set or @list. */
int parser_value(struct parser *p, struct ast_value *out) MUST_USE;
int parser_regex(struct parser *p, struct ast_value *out) MUST_USE;
/* "text": not empty, at most max octets. */
int parser_text(struct parser *p, const char *what, size_t max, struct ast_value *out) MUST_USE;
/* A number of at least and at most so many thousandths; whole: without a point. */
struct parser_bounds {
	int64_t low, high;
	bool whole;
	const char *what;
};
int parser_number(struct parser *p, const struct parser_bounds *b, struct ast_value *out) MUST_USE;
int parser_duration(struct parser *p, const char *what, struct ast_value *out) MUST_USE;
/* 08:00 in seconds; 24:00 only when midnight may be an end. */
int parser_clock(struct parser *p, bool end, uint32_t *out) MUST_USE;
/* "{" was used up: literals and commas to "}", which is used up too. */
int parser_items(struct parser *p, struct source_pos open, struct ast_value **item, size_t *n) MUST_USE;

/* --- parser_expr.c */

int parser_expr(struct parser *p, struct ast_expr **out) MUST_USE;

/* --- statements; the keyword was used up */

int parser_list(struct parser *p) MUST_USE;    /* parser_define.c */
int parser_window(struct parser *p) MUST_USE;
int parser_rate(struct parser *p) MUST_USE;
int parser_group(struct parser *p) MUST_USE;
int parser_verdict(struct parser *p, struct ast_action *out) MUST_USE; /* parser_action.c */
int parser_on(struct parser *p) MUST_USE;
int parser_actions(struct parser *p) MUST_USE;
int parser_rule(struct parser *p, bool replace) MUST_USE; /* parser_rule.c */
int parser_peer(struct parser *p) MUST_USE;
int parser_test(struct parser *p) MUST_USE;    /* parser_test.c */

extern const struct parser_words parser_modes;    /* enum ast_mode less one */
extern const struct parser_words parser_verdicts; /* enum ast_action_kind */
extern const struct parser_words parser_failures;

#endif
