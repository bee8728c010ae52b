/*
 * A policy that is accepted says the same of the same facts, traced or not, and can be
 * shown.  What stands behind a NUL is the file that every include finds; folders can be
 * included unless a line feed stands before it.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "policy/parser.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_rest(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	(void)max;
	/* Some loaders name the file, some don't. */
	return strstr(path, "none") ? err_set(e, ERR_NOINPUT, "%s", strstr(path, "none1") ? path : "gone") : buf_put_span(out, *(struct span *)ctx);
}

static int list_two(void *ctx, const char *path, struct buf *out, struct err *e)
{
	(void)ctx;
	return strstr(path, "none") ? err_set(e, ERR_NOINPUT, "no folder") : strstr(path, "empty") ? 0 : buf_puts(out, "a.policy\nb.policy\n");
}

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
	struct span rest = span_make(data, size), first = span_cut(&rest, '\0');
	bool folders = !first.n || first.p[first.n - 1] != '\n';
	struct source_loader loader = {&rest, read_rest, folders ? list_two : NULL};
	struct source_report report;
	struct ast_policy *tree;
	struct policy *p = NULL;
	size_t ran;

	source_report_init(&report);
	if (!parser_parse("fuzz", first, first.n < size ? &loader : NULL, &tree, &report) && !policy_compile(tree, NULL, &p, &report))
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
