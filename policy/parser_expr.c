/*
 * Conditions: or, and, not, parentheses, comparisons, rules by name.
 *
 * Every name and value is taken as it stands; whether there is such a fact, and
 * whether the value suits it, is the checker's.
 */
#include "config.h"

#include "policy/parser_internal.h"

static int parse_or(struct parser *p, struct ast_expr *out, unsigned depth) MUST_USE;

/* Words around a condition, or that hold it together: none of them is a fact. */
static const char *const structure[] = {
	"and", "or", "not", "in", "any", "all", "over", "present", "when", "score", "final", "describe", "group", "absorb", "match", "expect", "override", NULL,
};

static int deeper(struct parser *p, unsigned depth)
{
	if (depth < PARSER_NEST_MAX)
		return 0;
	return source_say(p->report, SOURCE_ERROR, p->tok.at, "conditions nest at most %d deep", PARSER_NEST_MAX);
}

/* "(" NAME ")" */
static int in_parentheses(struct parser *p, enum parser_name_kind k, const char *what, struct ast_name *out)
{
	if (parser_eat(p, LEXER_PAREN_OPEN, "\"(\"") || parser_name(p, k, what, out))
		return -1;
	return parser_eat(p, LEXER_PAREN_CLOSE, "\")\"");
}

static int operator_of(struct parser *p, enum ast_op *op)
{
	static const struct {
		enum lexer_kind kind;
		enum ast_op op;
	} mark[] = {
		{LEXER_EQ, AST_EQ}, {LEXER_NE, AST_NE}, {LEXER_LT, AST_LT}, {LEXER_LE, AST_LE}, {LEXER_GT, AST_GT}, {LEXER_GE, AST_GE},
		{LEXER_MATCH, AST_MATCH}, {LEXER_NO_MATCH, AST_NO_MATCH},
	};

	for (size_t i = 0; i < sizeof mark / sizeof mark[0]; i++)
		if (parser_at(p, mark[i].kind)) {
			*op = mark[i].op;
			return parser_next(p);
		}
	*op = AST_IN;
	if (parser_at_word(p, "not")) {
		*op = AST_NOT_IN;
		if (parser_next(p))
			return -1;
	}
	if (!parser_at_word(p, "in"))
		return parser_expected(p, *op == AST_NOT_IN ? "\"in\" behind \"not\""
		                                            : "an operator (== != < <= > >= in, not in, ~ !~); is the fact there is asked by present(FACT)");
	return parser_next(p);
}

static int operand(struct parser *p, struct ast_expr *e)
{
	bool many = e->op == AST_IN || e->op == AST_NOT_IN;

	if (e->op == AST_MATCH || e->op == AST_NO_MATCH)
		return parser_regex(p, &e->value);
	if (!many && (parser_at(p, LEXER_OPEN) || parser_at(p, LEXER_LIST)))
		return source_say(p->report, SOURCE_ERROR, e->op_at, "sets and lists are asked by \"in\" and \"not in\", not by \"%s\"", ast_op_name(e->op));
	return parser_value(p, &e->value);
}

/* The fact was read. */
static int compare(struct parser *p, struct ast_expr *e)
{
	e->kind = AST_COMPARE;
	e->op_at = p->tok.at;
	return operator_of(p, &e->op) || operand(p, e) ? -1 : 0;
}

static int quantified(struct parser *p, struct ast_expr *e, enum ast_quantifier q)
{
	e->quantifier = q;
	if (parser_next(p) || in_parentheses(p, PARSER_FACT, "a fact", &e->name))
		return -1;
	return compare(p, e);
}

static int asked_by_name(struct parser *p, struct ast_expr *e, enum ast_expr_kind kind)
{
	e->kind = kind;
	if (parser_next(p))
		return -1;
	if (kind == AST_OVER)
		return in_parentheses(p, PARSER_LOWER, "a rate's name", &e->name);
	return in_parentheses(p, PARSER_FACT, "a fact", &e->name);
}

static int rule_or_comparison(struct parser *p, struct ast_expr *e)
{
	if (p->tok.kind != LEXER_WORD || parser_which(p, structure) >= 0)
		return parser_expected(p, "a condition: a fact, a rule's name, not, (, any, all, over or present");
	if (parser_is_name(p->tok.text, PARSER_UPPER)) {
		e->kind = AST_RULE;
		return parser_name(p, PARSER_UPPER, "a rule's name", &e->name);
	}
	if (parser_name(p, PARSER_FACT, "a fact (lower_case) or a rule (UPPER_CASE)", &e->name))
		return -1;
	return compare(p, e);
}

static int group(struct parser *p, struct ast_expr *out, unsigned depth)
{
	if (deeper(p, depth) || parser_next(p) || parse_or(p, out, depth + 1))
		return -1;
	return parser_eat(p, LEXER_PAREN_CLOSE, "\")\", and, or");
}

static int parse_primary(struct parser *p, struct ast_expr *out)
{
	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (parser_at_word(p, "any"))
		return quantified(p, out, AST_ANY);
	if (parser_at_word(p, "all"))
		return quantified(p, out, AST_ALL);
	if (parser_at_word(p, "over"))
		return asked_by_name(p, out, AST_OVER);
	if (parser_at_word(p, "present"))
		return asked_by_name(p, out, AST_PRESENT);
	return rule_or_comparison(p, out);
}

static int parse_not(struct parser *p, struct ast_expr *out, unsigned depth)
{
	if (parser_at(p, LEXER_PAREN_OPEN))
		return group(p, out, depth);
	if (!parser_at_word(p, "not"))
		return parse_primary(p, out);
	memset(out, 0, sizeof *out);
	out->kind = AST_NOT;
	out->at = p->tok.at;
	out->nchild = 1;
	if (deeper(p, depth) || parser_next(p))
		return -1;
	out->child = arena_alloc(p->arena, sizeof *out->child);
	if (!out->child)
		return parser_no_room(p);
	return parse_not(p, out->child, depth + 1);
}

/* "A and B and C" is one node. A single one stands for itself. */
static int chain(struct parser *p, struct ast_expr *out, unsigned depth, enum ast_expr_kind kind)
{
	const char *word = kind == AST_OR ? "or" : "and";
	struct ast_expr one, many = {.kind = kind};

	for (;;) {

		if (kind == AST_OR ? chain(p, &one, depth, AST_AND) : parse_not(p, &one, depth))
			return -1;
		if (many.nchild == 0 && !parser_at_word(p, word)) {
			*out = one;
			return 0;
		}
		if (parser_append(p, &many.child, &many.nchild, &one, sizeof one))
			return -1;
		if (!parser_at_word(p, word))
			break;
		if (parser_next(p))
			return -1;
	}
	many.at = many.child[0].at;
	*out = many;
	return 0;
}

static int parse_or(struct parser *p, struct ast_expr *out, unsigned depth)
{
	return chain(p, out, depth, AST_OR);
}

int parser_expr(struct parser *p, struct ast_expr **out)
{
	*out = arena_alloc(p->arena, sizeof **out);
	if (!*out)
		return parser_no_room(p);
	return parse_or(p, *out, 0);
}
