/* A policy from a text and files in memory, for the tests of policy/. */
#ifndef STIR_TESTS_POLICY_FROM_TEXT_H
#define STIR_TESTS_POLICY_FROM_TEXT_H

#include "policy/parser.h"
#include "policy/policy.h"
#include "tests/lib/tap.h"

struct from_text {
	struct policy *p; /* NULL: it has a mistake */
	struct source_report report;
};

/* "lists/small.tn" and the like. */
static inline int from_text_read(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	static const struct {
		const char *path, *text;
	} file[] = {
		{"lists/small.tn", "+15550100001\n+1888*\n"},
		{"lists/bad.tn", "+15550100001\nnumber\n"},
		{"lists/short.host", "bit.ly\n.t.example\n"},
	};

	(void)ctx;
	(void)max;
	for (size_t i = 0; i < sizeof file / sizeof *file; i++)
		if (strcmp(path, file[i].path) == 0)
			return buf_puts(out, file[i].text);
	return err_set(e, ERR_NOINPUT, "%s: no such file", path);
}

static inline int from_text(const char *text, struct from_text *out)
{
	static const struct source_loader loader = {NULL, from_text_read, NULL};
	struct ast_policy *tree;

	out->p = NULL;
	source_report_init(&out->report);
	if (parser_parse("p", span_cstr(text), &loader, &tree, &out->report))
		return -1;
	return policy_compile(tree, &loader, &out->p, &out->report);
}

static inline void from_text_free(struct from_text *t)
{
	policy_free(t->p);
	source_report_free(&t->report);
}

/* The same, where it must be right. */
static inline struct policy *from_text_good(const char *text)
{
	struct from_text t;

	if (from_text(text, &t))
		tap_bail("the test's own policy: %.*s", (int)t.report.text.n, t.report.text.p);
	source_report_free(&t.report);
	return t.p;
}

#endif
