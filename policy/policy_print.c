/*
 * Conditions and literals as text, in the one way a policy writes them: for the
 * dump, for traces, and to see whether two conditions are the same.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include "core/cidr.h"

void policy_print_milli(struct buf *out, int64_t v)
{
	facts_print_number(out, FACT_TYPE_NUMBER, v);
}

static void print_net(struct buf *out, const struct ast_value *v)
{
	bool v4 = v->bits >= 96 && cidr_is_mapped(v->addr.b);

	facts_print_addr(out, &v->addr);
	if (v->bits < 128)
		buf_printf(out, "/%u", v4 ? v->bits - 96 : v->bits);
}

static void print_set(struct buf *out, const struct ast_value *v)
{
	buf_puts(out, "{");
	for (size_t i = 0; i < v->nitem; i++) {
		buf_puts(out, i ? ", " : " ");
		policy_print_value(out, &v->item[i]);
	}
	buf_puts(out, " }");
}

void policy_print_value(struct buf *out, const struct ast_value *v)
{
	switch (v->kind) {
	case AST_WORD:
		buf_put_span(out, v->text);
		break;
	case AST_NUMBER:
		policy_print_milli(out, v->num);
		break;
	case AST_DURATION:
		facts_print_number(out, FACT_TYPE_DURATION, v->num);
		break;
	case AST_SIZE:
		facts_print_number(out, FACT_TYPE_SIZE, v->num);
		break;
	case AST_TN:
		buf_printf(out, "+%s", v->tn.digits);
		break;
	case AST_TN_PREFIX:
		buf_printf(out, "+%s*", v->tn.digits);
		break;
	case AST_TN_RANGE:
		buf_printf(out, "+%s..+%s", v->tn.digits, v->tn2.digits);
		break;
	case AST_NET:
		print_net(out, v);
		break;
	case AST_TEXT:
		facts_print_text(out, v->text);
		break;
	case AST_REGEX:
		buf_printf(out, "/%.*s/%s", SPAN_ARG(v->text), v->icase ? "i" : "");
		break;
	case AST_SET:
		print_set(out, v);
		break;
	case AST_LIST_REF:
		buf_printf(out, "@%.*s", SPAN_ARG(v->text));
		break;
	}
}

static void print_compare(struct buf *out, const struct ast_expr *e)
{
	if (e->quantifier == AST_BARE)
		buf_put_span(out, e->name.text);
	else
		buf_printf(out, "%s(%.*s)", e->quantifier == AST_ANY ? "any" : "all", SPAN_ARG(e->name.text));
	buf_printf(out, " %s ", ast_op_name(e->op));
	policy_print_value(out, &e->value);
}

/* "or" binds less than "and", and "and" less than "not". */
static void print_child(struct buf *out, const struct ast_expr *parent, const struct ast_expr *e)
{
	bool paren = e->kind < parent->kind || (e->kind == parent->kind && e->kind <= AST_AND);

	if (paren)
		buf_putc(out, '(');
	policy_print_condition(out, e);
	if (paren)
		buf_putc(out, ')');
}

void policy_print_condition(struct buf *out, const struct ast_expr *e)
{
	switch (e->kind) {
	case AST_OR:
	case AST_AND:
		for (size_t i = 0; i < e->nchild; i++) {
			if (i)
				buf_puts(out, e->kind == AST_OR ? " or " : " and ");
			print_child(out, e, &e->child[i]);
		}
		break;
	case AST_NOT:
		buf_puts(out, "not ");
		print_child(out, e, &e->child[0]);
		break;
	case AST_COMPARE:
		print_compare(out, e);
		break;
	case AST_RULE:
		buf_put_span(out, e->name.text);
		break;
	case AST_OVER:
		buf_printf(out, "over(%.*s)", SPAN_ARG(e->name.text));
		break;
	case AST_PRESENT:
		buf_printf(out, "present(%.*s)", SPAN_ARG(e->name.text));
		break;
	}
}
