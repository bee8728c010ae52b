/*
 * Conditions: names are looked up, operators and literals must fit the fact's type.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include "core/suggest.h"

enum fact_id policy_compile_fact(struct policy_compiler *c, const struct ast_name *name)
{
	enum fact_id id = fact_find(name->text);
	char near[SUGGEST_MAX_BYTES + 32];

	if (id != FACT_N)
		return id;
	policy_names_suggestion(near, sizeof near, fact_suggest(name->text));
	(void)source_say(c->report, SOURCE_ERROR, name->at, "unknown fact \"%.*s\"%s", SPAN_ARG(name->text), near);
	return FACT_N;
}

/* A fact a condition asks for; FACT_N when it may not. */
static enum fact_id asked(struct policy_compiler *c, const struct ast_expr *e)
{
	enum fact_id id = policy_compile_fact(c, &e->name);

	if (id == FACT_N)
		return id;
	if (c->rule < 0 && (id == FACT_PEER || id == FACT_PEER_EXPECT || fact_row(id)->need == FACT_NEED_HISTORY)) {
		(void)source_say(c->report, SOURCE_ERROR, e->name.at, "\"%s\" is known only once the peer is, so a peer's match can't ask for it", fact_row(id)->name);
		return FACT_N;
	}
	c->p->asks[id] = true;
	return id;
}

/* --- comparisons -------------------------------------------------------------------- */

#define BIT(op) (1u << (op))
#define MEMBER (BIT(AST_IN) | BIT(AST_NOT_IN))
#define EQUAL (BIT(AST_EQ) | BIT(AST_NE))

static unsigned ops_of(enum fact_type t)
{
	switch (t) {
	case FACT_TYPE_COUNT:
	case FACT_TYPE_NUMBER:
	case FACT_TYPE_DURATION:
	case FACT_TYPE_SIZE:
		return EQUAL | MEMBER | BIT(AST_LT) | BIT(AST_LE) | BIT(AST_GT) | BIT(AST_GE);
	case FACT_TYPE_HOST:
	case FACT_TYPE_TEXT:
		return EQUAL | MEMBER | BIT(AST_MATCH) | BIT(AST_NO_MATCH);
	case FACT_TYPE_CLOCK:
		return MEMBER;
	default:
		return EQUAL | MEMBER;
	}
}

static int check_op(struct policy_compiler *c, const struct ast_expr *e, const struct fact_row *row)
{
	unsigned ops = ops_of(row->type);
	struct buf may;

	if (ops & BIT(e->op))
		return 0;
	buf_init(&may, 64);
	for (int op = AST_EQ; op <= AST_NO_MATCH; op++)
		if (ops & BIT(op))
			buf_printf(&may, "%s%s", may.n ? ", " : "", ast_op_name((enum ast_op)op));
	(void)source_say(c->report, SOURCE_ERROR, e->op_at, "\"%s\" has no meaning for \"%s\" (%s); it can be asked with %.*s", ast_op_name(e->op), row->name,
		fact_type_name(row->type), (int)may.n, may.p ? may.p : "");
	buf_free(&may);
	return -1;
}

static int check_quantifier(struct policy_compiler *c, const struct ast_expr *e, const struct fact_row *row)
{
	if (row->list && e->quantifier == AST_BARE)
		return source_say(c->report, SOURCE_ERROR, e->name.at, "\"%s\" is a list: say any(%s) or all(%s)", row->name, row->name, row->name);
	if (!row->list && e->quantifier != AST_BARE)
		return source_say(c->report, SOURCE_ERROR, e->name.at, "\"%s\" is one value: say it without %s()", row->name, e->quantifier == AST_ANY ? "any" : "all");
	return 0;
}

/* == != < <= > >= */
static int compile_relation(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	enum fact_type t = fact_row(n->fact)->type;

	if (policy_compile_value(c, n->fact, v, &n->value))
		return -1;
	if (t == FACT_TYPE_ENUM) {
		n->match = MATCH_WORDS;
		n->words = (uint64_t)1 << n->value.num;
	} else if (t <= FACT_TYPE_SIZE) {
		n->match = MATCH_NUMBER;
		n->num = n->value.num;
		n->negate = false;
	} else {
		n->match = MATCH_EQUAL;
	}
	return t == FACT_TYPE_HOST || t == FACT_TYPE_SPC ? policy_compile_name(c, n->fact, v) : 0;
}

/* What is known only once all rules are. */
static int check_timeout(struct policy_compiler *c, const struct ast_expr *e, const struct policy_node *n)
{
	const struct ast_value *v = &e->value;

	if (n->fact != FACT_FAILURE || !(n->words >> fact_word(FACT_FAILURE, span_cstr("timeout")) & 1))
		return 0;
	for (size_t i = 0; i < e->value.nitem; i++)
		if (span_is(e->value.item[i].text, "timeout"))
			v = &e->value.item[i];
	return source_say(c->report, SOURCE_ERROR, v->at, "no rule can ask for timeout, which comes of the rules themselves; say \"on timeout\" and an action");
}

static int compile_compare(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n)
{
	const struct fact_row *row;

	n->kind = NODE_MATCH;
	n->fact = asked(c, e);
	if (n->fact == FACT_N)
		return -1;
	row = fact_row(n->fact);
	n->op = e->op;
	n->quantifier = e->quantifier;
	n->negate = e->op == AST_NE || e->op == AST_NOT_IN || e->op == AST_NO_MATCH;
	if (check_quantifier(c, e, row) || check_op(c, e, row))
		return -1;
	switch (e->op) {
	case AST_IN:
	case AST_NOT_IN:
		return policy_compile_membership(c, n, &e->value) || check_timeout(c, e, n) ? -1 : 0;
	case AST_MATCH:
	case AST_NO_MATCH:
		return policy_compile_regex(c, n, &e->value);
	default:
		return compile_relation(c, n, &e->value) || check_timeout(c, e, n) ? -1 : 0;
	}
}

/* --- names --------------------------------------------------------------------------- */

static int add_edge(struct policy_compiler *c, size_t rule, const struct ast_expr *e)
{
	if (c->nedge == c->edge_cap) {
		size_t cap = c->edge_cap ? 2 * c->edge_cap : 8;
		struct policy_edge *edge = policy_compile_array(c, cap, sizeof *edge);

		if (!edge)
			return -1;
		if (c->nedge)
			memcpy(edge, c->edge, c->nedge * sizeof *edge);
		c->edge = edge;
		c->edge_cap = cap;
	}
	c->edge[c->nedge++] = (struct policy_edge){rule, e};
	return 0;
}

static int compile_rule_name(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n)
{
	ptrdiff_t i;

	if (c->rule < 0)
		return source_say(c->report, SOURCE_ERROR, e->at, "a peer's match can't ask for a rule: rules are looked at once the peer is known");
	i = policy_names_need(&c->p->rules, &e->name, c->report);
	if (i == POLICY_NO_NAME)
		return -1;
	n->kind = NODE_RULE;
	n->ref = (size_t)i;
	c->p->rule[i].named = true;
	if (!c->shadow && c->p->ast->rule[i].shadow)
		(void)source_say(c->report, SOURCE_WARNING, e->at, "\"%s\" is a shadow rule, and decides here all the same", c->p->rules.cstr[i]);
	return add_edge(c, (size_t)i, e);
}

static int compile_over(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n)
{
	ptrdiff_t i;

	if (c->rule < 0)
		return source_say(c->report, SOURCE_ERROR, e->at, "a peer's match can't ask for a rate");
	i = policy_names_need(&c->p->rates, &e->name, c->report);
	if (i == POLICY_NO_NAME)
		return -1;
	n->kind = NODE_OVER;
	n->ref = (size_t)i;
	if (c->shadow)
		c->p->rate[i].shadow = true;
	else
		c->p->rate[i].live = true;
	return 0;
}

static int compile_children(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n)
{
	int bad = 0;

	n->kind = e->kind == AST_OR ? NODE_OR : e->kind == AST_AND ? NODE_AND : NODE_NOT;
	n->child = policy_compile_array(c, e->nchild, sizeof *n->child);
	if (!n->child)
		return -1;
	n->nchild = e->nchild;
	for (size_t i = 0; i < e->nchild; i++)
		if (policy_compile_condition(c, &e->child[i], &n->child[i]))
			bad = -1; /* the others may be wrong too */
	return bad;
}

int policy_compile_condition(struct policy_compiler *c, const struct ast_expr *e, struct policy_node *n)
{
	n->expr = e;
	n->fact = FACT_N;
	switch (e->kind) {
	case AST_OR:
	case AST_AND:
	case AST_NOT:
		return compile_children(c, e, n);
	case AST_COMPARE:
		return compile_compare(c, e, n);
	case AST_RULE:
		return compile_rule_name(c, e, n);
	case AST_OVER:
		return compile_over(c, e, n);
	case AST_PRESENT:
		n->kind = NODE_PRESENT;
		n->fact = asked(c, e);
		return n->fact == FACT_N ? -1 : 0;
	}
	return -1;
}
