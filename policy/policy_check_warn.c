/*
 * What is allowed, and is hardly meant: warnings.
 */
#include "config.h"

#include "policy/policy_internal.h"

/* --- unused ---------------------------------------------------------------------------- */

static void warn_unused(struct policy_compiler *c)
{
	const struct policy *p = c->p;
	const struct ast_policy *t = p->ast;

	for (size_t i = 0; i < t->nlist; i++)
		if (!p->list_used[i])
			(void)source_say(c->report, SOURCE_WARNING, t->list[i].name.at, "list \"%s\" is not used", p->lists.cstr[i]);
	for (size_t i = 0; i < t->nwindow; i++)
		if (!p->window_used[i])
			(void)source_say(c->report, SOURCE_WARNING, t->window[i].name.at, "window \"%s\" is not used", p->windows.cstr[i]);
	for (size_t i = 0; i < t->nrate; i++)
		if (!p->rate[i].live && !p->rate[i].shadow)
			(void)source_say(c->report, SOURCE_WARNING, t->rate[i].name.at, "rate \"%s\" is not used", p->rates.cstr[i]);
	for (size_t i = 0; i < t->ngroup; i++)
		if (!p->group_used[i])
			(void)source_say(c->report, SOURCE_WARNING, t->group[i].name.at, "group \"%s\" is not used", p->groups.cstr[i]);
}

/* --- "not" and absence -------------------------------------------------------------------- */

/* The first comparison with a fact that may be absent, and of which nothing beside says that it is there. */
static const struct policy_node *maybe_absent(const struct policy_node *n, const bool *there)
{
	if (n->kind == NODE_MATCH)
		return fact_row(n->fact)->always || there[n->fact] ? NULL : n;
	for (size_t i = 0; i < n->nchild; i++) {
		const struct policy_node *found = maybe_absent(&n->child[i], there);

		if (found)
			return found;
	}
	return NULL;
}

static void check_not(struct policy_compiler *c, const struct policy_node *n, const bool *known)
{
	bool there[FACT_N];
	const struct policy_node *found;

	memcpy(there, known, sizeof there);
	for (size_t i = 0; n->kind == NODE_AND && i < n->nchild; i++)
		if (n->child[i].kind == NODE_MATCH || n->child[i].kind == NODE_PRESENT)
			there[n->child[i].fact] = true;
	if (n->kind == NODE_NOT) {
		found = maybe_absent(&n->child[0], there);
		if (found) {
			const char *name = fact_row(found->fact)->name;

			(void)source_say(c->report, SOURCE_WARNING, n->expr->at, "this \"not\" also holds when \"%s\" is absent; if that is not meant, say present(%s) and ...", name, name);
			return;
		}
	}
	for (size_t i = 0; i < n->nchild; i++)
		check_not(c, &n->child[i], there);
}

/* --- peers that are never reached ------------------------------------------------------------- */

/* Whatever comes: only what can be seen at once. */
static bool always_true(const struct policy_node *n)
{
	switch (n->kind) {
	case NODE_PRESENT:
		return fact_row(n->fact)->always;
	case NODE_MATCH:
		return fact_row(n->fact)->always && n->match == MATCH_NUMBER && fact_row(n->fact)->type != FACT_TYPE_DURATION && n->op == AST_GE && n->num == 0;
	case NODE_OR:
		for (size_t i = 0; i < n->nchild; i++)
			if (always_true(&n->child[i]))
				return true;
		return false;
	case NODE_AND:
		for (size_t i = 0; i < n->nchild; i++)
			if (!always_true(&n->child[i]))
				return false;
		return true;
	default:
		return false;
	}
}

static void warn_peers(struct policy_compiler *c)
{
	const struct ast_policy *t = c->p->ast;
	struct buf text;
	struct policy_names seen;
	struct ast_name *match = policy_compile_array(c, t->npeer, sizeof *match);

	for (size_t i = 0; match && i < t->npeer; i++) {
		buf_init(&text, (size_t)16 * 1024 * 1024);
		policy_print_condition(&text, t->peer[i].match);
		match[i].text = arena_copy(c->p->arena, buf_span(&text));
		buf_free(&text);
	}
	if (!match || policy_names_init(&seen, "match", match, sizeof *match, t->npeer, c->p->arena)) {
		c->no_memory = true;
		return;
	}
	for (size_t i = 0, open = 0; i < t->npeer; i++) {
		size_t first = (size_t)policy_names_find(&seen, match[i].text);

		if (open)
			(void)source_say(c->report, SOURCE_WARNING, t->peer[i].name.at, "this peer is never reached: \"%s\" matches every message", c->p->peers.cstr[open - 1]);
		else if (first < i)
			(void)source_say(c->report, SOURCE_WARNING, t->peer[i].name.at, "this peer is never reached: \"%s\" has the same match", c->p->peers.cstr[first]);
		if (!open && always_true(&c->p->peer[i].match))
			open = i + 1;
	}
}

/* --- rules that do nothing, or too much ---------------------------------------------------------- */

/* Does every comparison only ask what verification said? */
static bool only_verdict(const struct policy_node *n)
{
	if (n->kind == NODE_MATCH)
		return n->fact == FACT_VERIFY || n->fact == FACT_REASON;
	for (size_t i = 0; i < n->nchild; i++)
		if (!only_verdict(&n->child[i]))
			return false;
	return n->nchild != 0;
}

static void warn_rules(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->nrule; i++) {
		const struct policy_rule *r = &c->p->rule[i];

		if (r->score < 0 && only_verdict(&r->when))
			(void)source_say(c->report, SOURCE_WARNING, r->ast->score.at, "a bare pass earns nothing: \"%s\" is only about the result of verification", r->name);
		if (r->named || r->ast->has_final || r->ast->ntag)
			continue;
		if (!r->ast->has_score)
			(void)source_say(c->report, SOURCE_WARNING, r->ast->name.at, "rule \"%s\" does nothing: it has no score and no final, and no rule names it", r->name);
		else if (!r->score)
			(void)source_say(c->report, SOURCE_WARNING, r->ast->score.at, "score 0 does nothing, and no rule names \"%s\"", r->name);
	}
}

void policy_check_warnings(struct policy_compiler *c)
{
	static const bool nothing[FACT_N];

	warn_unused(c);
	for (size_t i = 0; i < c->p->ast->npeer; i++)
		check_not(c, &c->p->peer[i].match, nothing);
	for (size_t i = 0; i < c->p->ast->nrule; i++)
		check_not(c, &c->p->rule[i].when, nothing);
	warn_peers(c);
	warn_rules(c);
}
