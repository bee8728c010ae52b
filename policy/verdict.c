/*
 * Verdicts as data: what to do with a message, and which fields to edit.
 */
#include "config.h"

#include "policy/verdict.h"

const char *verdict_action_name(enum verdict_action a)
{
	static const char *const name[] = {"accept", "tag", "tempfail", "reject"};

	return name[a];
}

void verdict_init(struct verdict *v)
{
	memset(v, 0, sizeof *v);
}

static struct edit *next_edit(struct verdict *v, struct arena *a)
{
	struct edit *e;
	size_t cap;

	if (v->nedit == v->edit_cap) {
		cap = v->edit_cap ? v->edit_cap * 2 : 4;
		e = arena_array(a, cap, sizeof *e);
		if (!e)
			return NULL;
		if (v->nedit)
			memcpy(e, v->edit, v->nedit * sizeof *e);
		v->edit = e;
		v->edit_cap = cap;
	}
	return &v->edit[v->nedit];
}

static int add_edit(struct verdict *v, struct arena *a, enum edit_kind kind, struct span name, struct span value, unsigned nth)
{
	struct edit *e = next_edit(v, a);

	if (!e)
		return -1;
	e->kind = kind;
	e->name = arena_copy(a, name);
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
