/*
 * The tree's end and the names of its enumerations.  Everything of a tree,
 * itself too, lives in its arena.
 */
#include "config.h"

#include "policy/ast.h"

void ast_free(struct ast_policy *p)
{
	if (p)
		arena_free(p->arena);
}

const char *ast_action_name(enum ast_action_kind k)
{
	static const char *const name[] = {"accept", "discard", "tag", "quarantine", "redirect", "tempfail", "reject"};

	return name[k];
}

const char *ast_mode_name(enum ast_mode m)
{
	static const char *const name[] = {"tag", "observe", "tag", "enforce"};

	return name[m];
}

const char *ast_op_name(enum ast_op op)
{
	static const char *const name[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in", "~", "!~"};

	return name[op];
}
