/*
 * Rules and peer blocks: scores, finals, absorbs, overrides; actions and their texts.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include <stdlib.h>

/* --- actions --------------------------------------------------------------------------- */

static const char *const templates[] = {"%{rules}", "%{queue_id}", "%{help_url}"};

/* Octets of the template or of "%%" at the front; 0 for a lone '%'. */
static size_t template_length(struct span s)
{
	if (s.n > 1 && s.p[1] == '%')
		return 2;
	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
		if (span_starts(s, templates[i]))
			return strlen(templates[i]);
	return 0;
}

static void check_reply(struct policy_compiler *c, const struct ast_value *v)
{
	size_t n;

	for (size_t i = 0; i < v->text.n; i += n) {
		struct source_pos at = v->at;

		n = v->text.p[i] == '%' ? template_length(span_skip(v->text, i)) : 1;
		if (n)
			continue;
		at.col += 1 + (uint32_t)i;
		(void)source_say(c->report, SOURCE_ERROR, at, "\"%%\" is written \"%%%%\"; templates are %%{rules} %%{queue_id} %%{help_url}");
		return;
	}
}

static bool is_domain(struct span s)
{
	if (!s.n)
		return false;
	while (s.n) {
		size_t i = span_find(s, '.');
		struct span label = span_take(s, i);

		if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-' || i + 1 == s.n)
			return false;
		for (size_t k = 0; k < label.n; k++) {
			char l = span_lower(label.p[k]);

			if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && l != '-')
				return false;
		}
		s = span_skip(s, i + 1);
	}
	return true;
}

/* A dot-atom of RFC 5322; nobody redirects to a quoted string. */
static bool is_local(struct span s)
{
	if (!s.n || s.n > 64 || s.p[0] == '.' || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char l = span_lower(s.p[i]);

		if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && (l == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~.", l)))
			return false;
		if (l == '.' && s.p[i + 1] == '.')
			return false;
	}
	return true;
}

static void check_redirect(struct policy_compiler *c, const struct ast_value *v)
{
	struct span domain = v->text, local = span_cut(&domain, '@');

	if (!is_local(local) || !is_domain(domain))
		(void)source_say(c->report, SOURCE_ERROR, v->at, "redirect wants a plain address, as in abuse@example.net");
}

void policy_compile_action(struct policy_compiler *c, const struct ast_action *a)
{
	if (a->kind == AST_REDIRECT)
		check_redirect(c, &a->text);
	if (a->kind == AST_REJECT || a->kind == AST_TEMPFAIL)
		check_reply(c, &a->text);
}

/* --- rules -------------------------------------------------------------------------------- */

static void compile_score(struct policy_compiler *c, const struct ast_rule *r, struct policy_rule *out)
{
	out->scores = r->has_score;
	out->score = (int32_t)r->score.num;
	if (!r->per.text.n)
		return;
	out->per = policy_compile_fact(c, &r->per);
	if (out->per != FACT_N) {
		if (fact_row(out->per)->type != FACT_TYPE_COUNT)
			(void)source_say(c->report, SOURCE_ERROR, r->per.at, "\"per\" wants a count, and \"%s\" is a %s", fact_row(out->per)->name,
				fact_type_name(fact_row(out->per)->type));
		c->p->asks[out->per] = true;
	}
	out->max = (int32_t)(r->max.num > POLICY_SCORE_MILLI ? POLICY_SCORE_MILLI : r->max.num);
	if (out->max != r->max.num)
		(void)source_say(c->report, SOURCE_ERROR, r->max.at, "a score has at most 100 points");
	else if (out->max < out->score || out->max < -out->score)
		(void)source_say(c->report, SOURCE_ERROR, r->max.at, "the most of a score is less than the score of one");
}

static void compile_absorb(struct policy_compiler *c, size_t self, struct policy_rule *out)
{
	const struct ast_rule *r = out->ast;

	out->absorb = policy_compile_array(c, r->nabsorb, sizeof *out->absorb);
	for (size_t i = 0; out->absorb && i < r->nabsorb; i++) {
		ptrdiff_t k = policy_names_need(&c->p->rules, &r->absorb[i], c->report);
		bool named = false;

		if (k == POLICY_NO_NAME)
			continue;
		if ((size_t)k == self)
			(void)source_say(c->report, SOURCE_ERROR, r->absorb[i].at, "a rule can't absorb itself");
		else if (r->shadow && !c->p->ast->rule[k].shadow)
			(void)source_say(c->report, SOURCE_ERROR, r->absorb[i].at, "a shadow rule can't absorb \"%s\", which is live", c->p->rules.cstr[k]);
		for (size_t j = 0; j < out->nedge; j++)
			named |= out->edge[j].rule == (size_t)k;
		if (!named && (size_t)k != self)
			(void)source_say(c->report, SOURCE_WARNING, r->absorb[i].at, "\"%s\" is absorbed, but the condition does not name it", c->p->rules.cstr[k]);
		c->p->rule[k].named = true;
		out->absorb[out->nabsorb++] = (size_t)k;
	}
}

static void compile_rule(struct policy_compiler *c, size_t i)
{
	const struct ast_rule *r = &c->p->ast->rule[i];
	struct policy_rule *out = &c->p->rule[i];

	out->ast = r;
	out->name = c->p->rules.cstr[i];
	out->per = FACT_N;
	out->group = POLICY_NO_GROUP;
	c->rule = (ptrdiff_t)i;
	c->shadow = r->shadow;
	c->edge = NULL;
	c->nedge = c->edge_cap = 0;
	policy_compile_condition(c, r->when, &out->when);
	out->edge = c->edge;
	out->nedge = c->nedge;
	compile_score(c, r, out);
	if (r->has_final)
		policy_compile_action(c, &r->final);
	if (r->group.text.n) {
		ptrdiff_t g = policy_names_need(&c->p->groups, &r->group, c->report);

		out->group = g == POLICY_NO_NAME ? POLICY_NO_GROUP : g;
		if (g != POLICY_NO_NAME)
			c->p->group_used[g] = true;
	}
	compile_absorb(c, i, out);
}

void policy_compile_rules(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->nrule && !c->no_memory; i++)
		compile_rule(c, i);
}

/* --- peers ---------------------------------------------------------------------------------- */

static bool same_action(const struct ast_action *a, const struct ast_action *b)
{
	return a->kind == b->kind && span_eq(a->code.text, b->code.text) && span_eq(a->text.text, b->text.text);
}

static void compile_override(struct policy_compiler *c, const struct ast_override *o, struct policy_override *out)
{
	ptrdiff_t i = policy_names_need(&c->p->rules, &o->rule, c->report);
	const struct policy_rule *rule;
	bool changes = o->off;

	out->ast = o;
	out->score = (int32_t)o->score.num;
	if (o->has_final)
		policy_compile_action(c, &o->final);
	if (i == POLICY_NO_NAME)
		return;
	rule = &c->p->rule[i];
	out->rule = (size_t)i;
	if (o->has_score && !rule->ast->has_score)
		(void)source_say(c->report, SOURCE_ERROR, o->score.at, "\"%s\" has no score that could be overridden", rule->name);
	else if (o->has_score && rule->per != FACT_N && (out->score > rule->max || out->score < -rule->max))
		(void)source_say(c->report, SOURCE_ERROR, o->score.at, "the score of one is more than the most of \"%s\"", rule->name);
	if (o->has_final && !rule->ast->has_final)
		(void)source_say(c->report, SOURCE_ERROR, o->final.at, "\"%s\" has no final that could be overridden", rule->name);
	changes |= o->has_score && out->score != rule->score;
	changes |= o->has_final && !same_action(&o->final, &rule->ast->final);
	if (!changes)
		(void)source_say(c->report, SOURCE_ERROR, o->rule.at, "this override of \"%s\" changes nothing", rule->name);
}

static int by_rule(const void *x, const void *y)
{
	const struct policy_override *a = x, *b = y;

	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void compile_overrides(struct policy_compiler *c, const struct ast_peer *peer, struct policy_peer *out)
{
	out->override = policy_compile_array(c, peer->noverride, sizeof *out->override);
	if (!out->override)
		return;
	out->noverride = peer->noverride;
	for (size_t i = 0; i < peer->noverride; i++)
		compile_override(c, &peer->override[i], &out->override[i]);
	if (out->noverride)
		qsort(out->override, out->noverride, sizeof *out->override, by_rule);
}

static void compile_peer(struct policy_compiler *c, size_t i)
{
	const struct ast_peer *peer = &c->p->ast->peer[i];
	struct policy_peer *out = &c->p->peer[i];

	out->ast = peer;
	out->name = c->p->peers.cstr[i];
	out->mode = peer->mode == AST_MODE_NONE ? c->p->mode : peer->mode;
	c->rule = -1;
	c->shadow = false;
	policy_compile_condition(c, peer->match, &out->match);
	out->expect = peer->expect.text.n ? fact_word(FACT_PEER_EXPECT, peer->expect.text) : -1;
	if (out->mode > c->p->mode)
		(void)source_say(c->report, SOURCE_ERROR, peer->mode_at, "a peer's mode can only be less than the file's: %s is more than %s", ast_mode_name(out->mode),
			ast_mode_name(c->p->mode));
	compile_overrides(c, peer, out);
}

void policy_compile_peers(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->npeer && !c->no_memory; i++)
		compile_peer(c, i);
}
