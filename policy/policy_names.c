/*
 * Tables of names: what is defined, and what was perhaps meant.
 *
 * Knows nothing of what the names stand for.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/suggest.h"

static int by_name(const void *x, const void *y)
{
	const struct policy_name *a = x, *b = y;
	int d = span_order(a->text, b->text);

	return d ? d : (a->index > b->index) - (a->index < b->index);
}

int policy_names_init(struct policy_names *t, const char *what, const void *first, size_t stride, size_t n, struct arena *a)
{
	const char *at = first;

	t->what = what;
	t->n = 0;
	t->sorted = arena_array(a, n, sizeof *t->sorted);
	t->cstr = arena_array(a, n, sizeof *t->cstr);
	if (!t->sorted || !t->cstr)
		return -1;
	for (size_t i = 0; i < n; i++, at += stride) {
		const struct ast_name *name = (const struct ast_name *)(const void *)at;

		t->sorted[i] = (struct policy_name){name->text, i};
		t->cstr[i] = arena_cstr(a, name->text);
		if (!t->cstr[i])
			return -1;
	}
	t->n = n;
	if (n)
		qsort(t->sorted, n, sizeof *t->sorted, by_name);
	return 0;
}

ptrdiff_t policy_names_find(const struct policy_names *t, struct span name)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_order(t->sorted[mid].text, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n && span_eq(t->sorted[low].text, name) ? (ptrdiff_t)t->sorted[low].index : POLICY_NO_NAME;
}

void policy_names_suggestion(char *out, size_t n, const char *near)
{
	if (near)
		(void)snprintf(out, n, "; did you mean \"%s\"?", near);
	else
		out[0] = '\0';
}

ptrdiff_t policy_names_need(const struct policy_names *t, const struct ast_name *name, struct source_report *report)
{
	ptrdiff_t i = policy_names_find(t, name->text);
	char near[SUGGEST_MAX_BYTES + 32];

	if (i != POLICY_NO_NAME)
		return i;
	policy_names_suggestion(near, sizeof near, suggest_name(name->text, t->cstr, t->n));
	(void)source_say(report, SOURCE_ERROR, name->at, "unknown %s \"%.*s\"%s", t->what, SPAN_ARG(name->text), near);
	return POLICY_NO_NAME;
}
