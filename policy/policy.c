/*
 * A policy's life, and what others may ask of it.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include <stdlib.h>

#include "policy/parser.h"

int policy_open(const char *path, const struct source_loader *loader, struct policy **out, struct source_report *report)
{
	struct ast_policy *tree;

	*out = NULL;
	if (parser_read(path, loader, &tree, report))
		return -1;
	return policy_compile(tree, loader, out, report);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->list && i < p->ast->nlist; i++)
		list_free(p->list[i]);
	for (size_t i = 0; p->window && i < p->ast->nwindow; i++)
		window_free(p->window[i]);
	for (struct policy_owned *o = p->owned; o; o = o->next) {
		list_free(o->list);
		pcre2_code_free(o->regex);
	}
	pcre2_match_context_free(p->limits);
	arena_free(p->arena);
	ast_free(p->ast);
	free(p);
}

const char *policy_hash(const struct policy *p)
{
	return p->hash;
}

unsigned policy_needs(const struct policy *p)
{
	return p->needs;
}

bool policy_asks(const struct policy *p, enum fact_id id)
{
	return p->asks[id];
}

enum ast_mode policy_mode(const struct policy *p)
{
	return p->mode;
}

const struct ast_policy *policy_ast(const struct policy *p)
{
	return p->ast;
}

size_t policy_rule_count(const struct policy *p)
{
	return p->ast->nrule;
}

const struct ast_rule *policy_rule(const struct policy *p, size_t i)
{
	return &p->ast->rule[i];
}

size_t policy_lists(const struct policy *p, size_t i, const char **name)
{
	*name = i < p->ast->nlist ? p->lists.cstr[i] : NULL;
	return *name ? list_count(p->list[i]) : 0;
}
