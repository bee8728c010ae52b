/*
 * Why a condition came out as it did: a sentence with the values that decided.
 *
 *   passport.age is 700s, > 10m
 *   orig.tn is absent
 */
#include "config.h"

#include "policy/policy_internal.h"

enum { TRACE_ROOM = 64 * 1024 };

/* The comparison that holds when this one does not. */
static enum ast_op inverse(enum ast_op op)
{
	static const enum ast_op other[] = {
		[AST_EQ] = AST_NE,
		[AST_NE] = AST_EQ,
		[AST_LT] = AST_GE,
		[AST_LE] = AST_GT,
		[AST_GT] = AST_LE,
		[AST_GE] = AST_LT,
		[AST_IN] = AST_NOT_IN,
		[AST_NOT_IN] = AST_IN,
		[AST_MATCH] = AST_NO_MATCH,
		[AST_NO_MATCH] = AST_MATCH,
	};

	return other[op];
}

/* What was put after the first n octets, cut so that it can be seen. */
static void shorten(struct buf *out, size_t from, size_t max)
{
	if (out->failed || out->n - from <= max)
		return;
	out->n = from + max - 3;
	buf_puts(out, "...");
}

static void put_value(struct buf *out, enum fact_id id, const struct facts_value *v)
{
	size_t from = out->n;

	facts_print_value(out, id, v);
	shorten(out, from, POLICY_VALUE_BYTES);
}

static void put_relation(struct buf *out, const struct policy_node *n, bool holds)
{
	size_t from;

	buf_printf(out, "%s ", ast_op_name(holds ? n->op : inverse(n->op)));
	from = out->n;
	policy_print_value(out, &n->expr->value);
	shorten(out, from, POLICY_VALUE_BYTES);
}

/* The value that came out like that, or the first. */
static const struct facts_value *decisive(struct policy_eval *e, const struct policy_node *n, enum policy_truth t)
{
	size_t count;
	const struct facts_value *v = facts_values(e->f, n->fact, &count);

	for (size_t i = 0; i < count; i++)
		if (policy_eval_value(e, n, &v[i]) == t)
			return &v[i];
	return v;
}

static void explain_unknown(struct policy_eval *e, struct buf *out, const struct policy_node *n)
{
	const struct facts_value *v = decisive(e, n, POLICY_UNKNOWN);

	buf_printf(out, "%s is ", fact_row(n->fact)->name);
	put_value(out, n->fact, v);
	if (v->hidden) {
		buf_puts(out, ", a pseudonym: nothing is known of it");
	} else {
		buf_puts(out, ", and the limit of work was reached at ");
		put_relation(out, n, true);
	}
}

static void explain_match(struct policy_eval *e, struct buf *out, const struct policy_node *n, enum policy_truth t)
{
	const char *name = fact_row(n->fact)->name;
	bool holds = t == POLICY_TRUE;
	size_t count;

	(void)facts_values(e->f, n->fact, &count);
	if (!count) {
		buf_printf(out, "%s is absent", name);
	} else if (t == POLICY_UNKNOWN) {
		explain_unknown(e, out, n);
	} else if (n->quantifier == AST_BARE || holds == (n->quantifier == AST_ANY)) {
		buf_printf(out, "%s %s ", name, n->quantifier == AST_BARE ? "is" : "has");
		put_value(out, n->fact, decisive(e, n, t));
		buf_puts(out, ", ");
		put_relation(out, n, holds);
	} else {
		buf_printf(out, "%s %zu %s ", holds ? "each of" : "none of", count, name);
		put_relation(out, n, true);
	}
}

static void explain_over(struct policy_eval *e, struct buf *out, const struct policy_node *n)
{
	const struct policy_rate *r = &e->p->rate[n->ref];

	for (size_t i = 0; i < r->nkey; i++)
		if (!facts_present(e->f, r->key[i])) {
			buf_printf(out, "%s, the key of %.*s, is absent", fact_row(r->key[i])->name, SPAN_ARG(r->ast->name.text));
			return;
		}
	buf_printf(out, "%.*s is %s ", SPAN_ARG(r->ast->name.text), e->over[n->ref] ? "over" : "within");
	policy_print_value(out, &r->ast->limit);
	buf_puts(out, " per ");
	policy_print_value(out, &r->ast->per);
}

static void explain_rule(struct policy_eval *e, struct buf *out, const struct policy_node *n)
{
	static const char *const how[] = {
		[POLICY_FALSE] = "did not hit",
		[POLICY_TRUE] = "hit",
		[POLICY_UNKNOWN] = "could not be evaluated",
		[POLICY_OFF] = "is off for this peer",
	};

	buf_printf(out, "%s %s", e->p->rule[n->ref].name, how[e->truth[n->ref]]);
}

static void explain(struct policy_eval *e, struct buf *out, const struct policy_node *n, enum policy_truth t);

/* The part that decided; all of them when it took all. */
static void explain_several(struct policy_eval *e, struct buf *out, const struct policy_node *n, enum policy_truth t)
{
	bool all = t == (n->kind == NODE_AND ? POLICY_TRUE : POLICY_FALSE);
	const char *between = "";

	for (size_t i = 0; i < n->nchild; i++) {
		enum policy_truth child = policy_eval_condition(e, &n->child[i], false);

		if (!all && child != t)
			continue;
		buf_puts(out, between);
		explain(e, out, &n->child[i], child);
		between = n->kind == NODE_AND ? " and " : "; ";
		if (!all || out->n > POLICY_WHY_BYTES)
			return;
	}
}

/* Parts are evaluated again, each with all the work of a rule: so a trace is not for every message. */
static void explain(struct policy_eval *e, struct buf *out, const struct policy_node *n, enum policy_truth t)
{
	e->work = 0;
	switch (n->kind) {
	case NODE_OR:
	case NODE_AND:
		explain_several(e, out, n, t);
		break;
	case NODE_NOT:
		explain(e, out, &n->child[0], policy_eval_node(e, &n->child[0]));
		break;
	case NODE_MATCH:
		explain_match(e, out, n, t);
		break;
	case NODE_RULE:
		explain_rule(e, out, n);
		break;
	case NODE_OVER:
		explain_over(e, out, n);
		break;
	case NODE_PRESENT:
		buf_printf(out, "%s is %s", fact_row(n->fact)->name, t == POLICY_TRUE ? "there" : "absent");
		break;
	}
}

struct span policy_trace(struct policy_eval *e, const struct policy_node *n, enum policy_truth t)
{
	struct span why;
	struct buf out;

	if (t == POLICY_OFF)
		return span_cstr("off for this peer");
	buf_init(&out, TRACE_ROOM);
	explain(e, &out, n, t);
	if (!out.n)
		buf_puts(&out, "the limit of work was reached");
	shorten(&out, 0, POLICY_WHY_BYTES);
	why = arena_copy(e->arena, buf_span(&out));
	buf_free(&out);
	return why;
}
