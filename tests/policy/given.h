/* Facts of a message written as in a policy's test: "verify none, orig.tn +15550100001". */
#ifndef STIR_TESTS_POLICY_GIVEN_H
#define STIR_TESTS_POLICY_GIVEN_H

#include <stdio.h>

#include "policy/parser.h"
#include "policy/policy.h"
#include "tests/lib/tap.h"

static inline void given_value(struct facts *f, struct arena *a, enum fact_id id, const struct ast_value *v)
{
	bool list = fact_row(id)->list;

	switch (fact_row(id)->type) {
	case FACT_TYPE_ENUM:
		facts_set_num(f, id, fact_word(id, v->text));
		break;
	case FACT_TYPE_TN:
		if (v->kind == AST_TEXT)
			facts_set_hidden(f, id, arena_copy(a, v->text));
		else if (list)
			facts_add_tn(f, id, &v->tn);
		else
			facts_set_tn(f, id, &v->tn);
		break;
	case FACT_TYPE_ADDR:
		facts_set_addr(f, id, &v->addr);
		break;
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
	case FACT_TYPE_TEXT:
		if (list)
			facts_add_text(f, id, arena_copy(a, v->text));
		else
			facts_set_text(f, id, arena_copy(a, v->text));
		break;
	default:
		facts_set_num(f, id, v->kind == AST_NUMBER && fact_row(id)->type != FACT_TYPE_NUMBER ? v->num / 1000 : v->num);
	}
}

/* A text for a number makes it a pseudonym. */
static inline void given(struct facts *f, struct arena *a, const char *facts)
{
	struct source_report report;
	struct ast_policy *tree;
	char text[4096];

	facts_init(f, a);
	if (!facts[0])
		return;
	source_report_init(&report);
	(void)snprintf(text, sizeof text, "policy 1 test \"t\" { given %s expect accept }", facts);
	if (parser_parse("facts", span_cstr(text), NULL, &tree, &report))
		tap_bail("the test's own facts: %.*s", (int)report.text.n, report.text.p);
	for (size_t i = 0; i < tree->test[0].ngiven; i++) {
		const struct ast_given *g = &tree->test[0].given[i];
		enum fact_id id = fact_find(g->fact.text);

		if (id == FACT_N)
			tap_bail("the test's own facts: %s", facts);
		for (size_t k = 0; k < (g->value.kind == AST_SET ? g->value.nitem : 1); k++)
			given_value(f, a, id, g->value.kind == AST_SET ? &g->value.item[k] : &g->value);
	}
	ast_free(tree);
	source_report_free(&report);
}

#endif
