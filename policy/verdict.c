/*
 * Verdicts as data: what to do with a message, and which fields to edit.
 */
#include "config.h"

#include "policy/verdict.h"

const char *verdict_action_name(enum verdict_action a)
{
	static const char *const name[] = {"accept", "tag", "quarantine", "redirect", "tempfail", "reject", "discard"};

	return name[a];
}

void verdict_init(struct verdict *v)
{
	memset(v, 0, sizeof *v);
}

int verdict_reserve(struct verdict *v, struct arena *a, size_t n)
{
	struct edit *e;

	if (n <= v->edit_cap - v->nedit)
		return 0;
	e = arena_array(a, v->nedit + n, sizeof *e);
	if (!e)
		return -1;
	if (v->nedit)
		memcpy(e, v->edit, v->nedit * sizeof *e);
	v->edit = e;
	v->edit_cap = v->nedit + n;
	return 0;
}

static struct edit *next_edit(struct verdict *v, struct arena *a)
{
	if (v->nedit == v->edit_cap && verdict_reserve(v, a, v->nedit ? v->nedit : 4))
		return NULL;
	return &v->edit[v->nedit];
}

static int add_edit(struct verdict *v, struct arena *a, enum edit_kind kind, struct span name, struct span value, unsigned nth)
{
	struct edit *e = next_edit(v, a);

	if (!e)
		return -1;
	e->kind = kind;
	e->name = kind == EDIT_DELETE ? name : arena_copy(a, name);
	e->value = arena_copy(a, value);
	e->nth = nth;
	if (arena_overflowed(a))
		return -1;
	v->nedit++;
	return 0;
}

int verdict_insert(struct verdict *v, struct arena *a, struct span name, struct span value)
{
	return add_edit(v, a, EDIT_INSERT, name, value, 0);
}

int verdict_delete(struct verdict *v, struct arena *a, struct span name, unsigned nth)
{
	return add_edit(v, a, EDIT_DELETE, name, span_make(NULL, 0), nth);
}
