/*
 * Inline tests: the facts they give have the right type, the names they expect exist.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include "core/stir_reason.h"

static size_t value_count(const struct ast_test *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->ngiven; i++)
		n += t->given[i].value.kind == AST_SET ? t->given[i].value.nitem : 1;
	return n;
}

static bool is_given(const struct policy_trial *trial, enum fact_id id)
{
	for (size_t i = 0; i < trial->ngiven; i++)
		if (trial->given[i].fact == id)
			return true;
	return false;
}

static enum fact_id may_give(struct policy_compiler *c, const struct policy_trial *trial, const struct ast_name *name)
{
	enum fact_id id = policy_compile_fact(c, name);

	if (id == FACT_N)
		return id;
	if (id == FACT_PEER || id == FACT_PEER_EXPECT)
		(void)source_say(c->report, SOURCE_ERROR, name->at, "\"%s\" follows from a peer's match: give what that asks for", fact_row(id)->name);
	else if (!fact_row(id)->list && is_given(trial, id))
		(void)source_say(c->report, SOURCE_ERROR, name->at, "\"%s\" is given twice", fact_row(id)->name);
	else
		return id;
	return FACT_N;
}

static void check_given(struct policy_compiler *c, struct policy_trial *trial, const struct ast_given *g)
{
	enum fact_id id = may_give(c, trial, &g->fact);
	bool set = g->value.kind == AST_SET && id != FACT_N && fact_row(id)->list;
	size_t n = set ? g->value.nitem : 1;

	for (size_t i = 0; id != FACT_N && i < n; i++) {
		struct facts_value v;

		if (policy_compile_value(c, id, set ? &g->value.item[i] : &g->value, &v) == 0)
			trial->given[trial->ngiven++] = (struct policy_given){id, v};
	}
}

/* verify is the word of reason; a test that says otherwise tests nothing that can be. */
static void check_reason(struct policy_compiler *c, const struct policy_trial *trial)
{
	int64_t verify = -1, reason = -1;

	for (size_t i = 0; i < trial->ngiven; i++) {
		if (trial->given[i].fact == FACT_VERIFY)
			verify = trial->given[i].value.num;
		if (trial->given[i].fact == FACT_REASON)
			reason = trial->given[i].value.num;
	}
	if (verify < 0 || reason < 0 || stir_reason_word((enum stir_reason)reason) == (enum stir_word)verify)
		return;
	(void)source_say(c->report, SOURCE_ERROR, trial->ast->title.at, "reason %s goes with verify %s, not with %s", stir_reason_name((enum stir_reason)reason),
		stir_word_name(stir_reason_word((enum stir_reason)reason)), stir_word_name((enum stir_word)verify));
}

static void check_test(struct policy_compiler *c, const struct ast_test *t, struct policy_trial *trial)
{
	trial->ast = t;
	trial->given = policy_compile_array(c, value_count(t), sizeof *trial->given);
	trial->expect = policy_compile_array(c, t->nexpect, sizeof *trial->expect);
	if (!trial->given || !trial->expect)
		return;
	for (size_t i = 0; i < t->ngiven; i++)
		check_given(c, trial, &t->given[i]);
	check_reason(c, trial);
	for (size_t i = 0; i < t->nexpect; i++) {
		const struct ast_expect *x = &t->expect[i];

		if (x->kind == AST_EXPECT_HIT || x->kind == AST_EXPECT_MISS)
			trial->expect[i] = policy_names_need(&c->p->rules, &x->name, c->report);
		else if (x->kind == AST_EXPECT_PEER)
			trial->expect[i] = policy_names_need(&c->p->peers, &x->name, c->report);
	}
}

void policy_check_tests(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->ntest; i++)
		check_test(c, &c->p->ast->test[i], &c->p->trial[i]);
}
