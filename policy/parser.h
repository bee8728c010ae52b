/*
 * Text to syntax tree: grammar, literals, includes.  Stops at the first error
 * (the checker finds many).
 */
#ifndef STIR_POLICY_PARSER_H
#define STIR_POLICY_PARSER_H

#include "policy/ast.h"

enum {
	PARSER_NEST_MAX = 32,           /* parentheses and "not" within each other */
	PARSER_RULES_MAX = 4096,
	PARSER_STATEMENTS_MAX = 4096,   /* of each other kind: lists, rates, peers, ... */
	PARSER_ITEMS_MAX = 65536,       /* of one list or set; more belong into a file */
	PARSER_FILES_MAX = 64,          /* the policy and what it includes */
	PARSER_INCLUDE_DEPTH = 8,
	PARSER_NAME_MAX = 64,           /* octets of a name */
	PARSER_REPLY_MAX = 200,         /* octets of a reply's text: one line of SMTP, with room for its code */
	PARSER_RATE_MAX = 1000000,
	PARSER_RATE_PERIOD_MAX = 30 * 86400,
	PARSER_SCORE_MAX = 100          /* points of one rule, up or down */
};

/*
 * Read the policy at path and what it includes.  Gives *out (ast_free()) and 0,
 * or -1 after saying why in the report.
 */
int parser_read(const char *path, const struct source_loader *loader, struct ast_policy **out, struct source_report *report) MUST_USE;
/* The same from text; include goes through loader, and is refused when it is NULL. */
int parser_parse(const char *name, struct span text, const struct source_loader *loader, struct ast_policy **out, struct source_report *report) MUST_USE;

#endif
