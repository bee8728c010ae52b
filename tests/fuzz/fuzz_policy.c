/* A policy that is accepted says the same of the same facts, traced or not, and can be shown. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "policy/parser.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy_result judge(const struct policy *p, struct arena *a, bool trace)
{
	struct policy_env env = {.now = 1704110400, .trace = trace};
	struct policy_result r;
	struct facts f;

	facts_init(&f, a);
	facts_add_text(&f, FACT_URL_HOST, span_cstr("bit.ly"));
	facts_set_text(&f, FACT_SUBJECT, span_cstr("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
	facts_set_hidden(&f, FACT_ORIG_TN, span_cstr("~00"));
	return policy_eval(p, &f, &env, NULL, a, &r) ? abort(), r : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_result one = {.nhit = 0}, all = {.nhit = 0};
	struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct source_report report;
	struct ast_policy *tree;
	struct policy *p = NULL;
	size_t ran;

	source_report_init(&report);
	if (!parser_parse("fuzz", span_make(data, size), NULL, &tree, &report) && !policy_compile(tree, NULL, &p, &report))
		one = judge(p, a, false), all = judge(p, a, true);
	if (one.score_milli != all.score_milli || one.shadow_milli != all.shadow_milli || one.action != all.action || one.nhit > all.nhit)
		abort();
	if (!p != (report.errors != 0) || (p && policy_test(p, &report, &ran) > ran))
		abort();
	json_decref(p ? policy_dump(p) : NULL);
	policy_free(p);
	source_report_free(&report);
	arena_free(a);
	return 0;
}
