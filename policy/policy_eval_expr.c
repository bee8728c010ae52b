/*
 * Conditions over the facts of one message.
 *
 * Three values: unknown is what a regular expression at its limit says, and
 * any comparison with a hidden value.  It never makes a rule hit, but the rule
 * can say so; "not" of it is unknown too.
 */
#include "config.h"

#include "policy/policy_internal.h"

static enum policy_truth truth(bool b)
{
	return b ? POLICY_TRUE : POLICY_FALSE;
}

static bool compare(enum ast_op op, int64_t a, int64_t b)
{
	switch (op) {
	case AST_EQ:
		return a == b;
	case AST_NE:
		return a != b;
	case AST_LT:
		return a < b;
	case AST_LE:
		return a <= b;
	case AST_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static bool among(const int64_t *nums, size_t n, int64_t v)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (nums[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && nums[low] == v;
}

static bool equal(const struct policy_node *n, const struct facts_value *v)
{
	switch (fact_row(n->fact)->type) {
	case FACT_TYPE_TN:
		return tn_eq(&v->tn, &n->value.tn);
	case FACT_TYPE_ADDR:
		return memcmp(v->addr.b, n->value.addr.b, sizeof v->addr.b) == 0;
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
		return span_caseeq(v->text, n->value.text);
	default:
		return span_eq(v->text, n->value.text);
	}
}

/* --- regular expressions ------------------------------------------------------------ */

/* Called before each part of an expression is tried: adds up what PCRE2 does. */
static int count_work(pcre2_callout_block *b, void *ctx)
{
	struct policy_eval *e = ctx;
	size_t at = b->current_position;

	e->work += 1 + (at > e->last ? at - e->last : e->last - at);
	e->last = at;
	return e->work > POLICY_REGEX_WORK ? PCRE2_ERROR_CALLOUT : 0;
}

static bool ready(struct policy_eval *e)
{
	if (e->match)
		return true;
	e->context = pcre2_match_context_copy(e->p->limits);
	e->match = e->context ? pcre2_match_data_create(1, NULL) : NULL;
	if (e->context)
		(void)pcre2_set_callout(e->context, count_work, e);
	return e->match;
}

static enum policy_truth search(struct policy_eval *e, const struct policy_node *n, struct span s)
{
	PCRE2_SPTR text = (PCRE2_SPTR)(s.n ? s.p : "");
	int rc = PCRE2_ERROR_NOMEMORY;

	e->last = 0;
	if (ready(e) && e->work <= POLICY_REGEX_WORK) {
		rc = pcre2_match(n->regex, text, s.n, 0, 0, e->match, e->context);
		if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* its stack is small and fixed */
			rc = pcre2_match(n->regex, text, s.n, 0, PCRE2_NO_JIT, e->match, e->context);
	}
	if (rc >= 0)
		return POLICY_TRUE;
	if (rc == PCRE2_ERROR_NOMATCH)
		return POLICY_FALSE;
	e->limit = true;
	return POLICY_UNKNOWN;
}

/* --- one comparison ------------------------------------------------------------------- */

static enum policy_truth matches(struct policy_eval *e, const struct policy_node *n, const struct facts_value *v)
{
	switch (n->match) {
	case MATCH_WORDS:
		return truth(n->words >> v->num & 1);
	case MATCH_NUMBER:
		return truth(compare(n->op, v->num, n->num));
	case MATCH_NUMBERS:
		return truth(among(n->nums, n->nnum, v->num));
	case MATCH_WINDOW:
		return truth(window_contains(n->window, v->num));
	default:
		break;
	}
	if (v->hidden)
		return POLICY_UNKNOWN;
	if (n->match == MATCH_EQUAL)
		return truth(equal(n, v));
	if (n->match == MATCH_LIST)
		return truth(list_contains(n->list, fact_row(n->fact)->type, v));
	return search(e, n, v->text);
}

static enum policy_truth opposite(enum policy_truth t)
{
	return t == POLICY_UNKNOWN ? t : truth(t == POLICY_FALSE);
}

enum policy_truth policy_eval_value(struct policy_eval *e, const struct policy_node *n, const struct facts_value *v)
{
	enum policy_truth t = matches(e, n, v);

	return n->negate ? opposite(t) : t;
}

/* any: one is true; all: none is false.  Of no values neither holds. */
static enum policy_truth match(struct policy_eval *e, const struct policy_node *n)
{
	size_t count;
	const struct facts_value *v = facts_values(e->f, n->fact, &count);
	enum policy_truth decisive = n->quantifier == AST_ALL ? POLICY_FALSE : POLICY_TRUE, result;

	if (!count)
		return POLICY_FALSE;
	result = opposite(decisive);
	for (size_t i = 0; i < count; i++) {
		enum policy_truth t = policy_eval_value(e, n, &v[i]);

		if (t == decisive)
			return t;
		if (t == POLICY_UNKNOWN)
			result = t;
	}
	return result;
}

static enum policy_truth several(struct policy_eval *e, const struct policy_node *n)
{
	enum policy_truth decisive = n->kind == NODE_OR ? POLICY_TRUE : POLICY_FALSE, result = opposite(decisive);

	for (size_t i = 0; i < n->nchild; i++) {
		enum policy_truth t = policy_eval_node(e, &n->child[i]);

		if (t == decisive)
			return t;
		if (t == POLICY_UNKNOWN)
			result = t;
	}
	return result;
}

/* A live rule that asks for a shadow rule shares its limit. */
static enum policy_truth rule_truth(struct policy_eval *e, size_t rule)
{
	enum policy_truth t = (enum policy_truth)e->truth[rule];

	if (t == POLICY_UNKNOWN && e->p->rule[rule].ast->shadow)
		e->limit |= e->watched_failed;
	return t == POLICY_OFF ? POLICY_FALSE : t;
}

enum policy_truth policy_eval_node(struct policy_eval *e, const struct policy_node *n)
{
	switch (n->kind) {
	case NODE_OR:
	case NODE_AND:
		return several(e, n);
	case NODE_NOT:
		return opposite(policy_eval_node(e, &n->child[0]));
	case NODE_MATCH:
		return match(e, n);
	case NODE_RULE:
		return rule_truth(e, n->ref);
	case NODE_OVER:
		return truth(e->over[n->ref]);
	case NODE_PRESENT:
		break;
	}
	return truth(facts_present(e->f, n->fact));
}

enum policy_truth policy_eval_condition(struct policy_eval *e, const struct policy_node *n, bool shadow)
{
	enum policy_truth t;

	e->work = 0;
	e->limit = false;
	t = policy_eval_node(e, n);
	*(shadow ? &e->watched_failed : &e->failed) |= t == POLICY_UNKNOWN && e->limit;
	return t;
}
