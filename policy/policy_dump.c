/*
 * The compiled policy as JSON, for tools and for people who review one.
 */
#include "config.h"

#include "policy/policy_internal.h"

/* Texts of a policy are UTF-8 (the lexer sees to it); a piece that is not is left out. */
static json_t *text(struct span s)
{
	json_t *j = json_stringn(s.n ? s.p : "", s.n);

	return j ? j : json_null();
}

static json_t *name(const struct ast_name *n)
{
	return n->text.n ? text(n->text) : json_null();
}

static json_t *place(struct source_pos at)
{
	json_t *j = at.src ? json_sprintf("%s:%u:%u", at.src->name, at.line, at.col) : NULL;

	return j ? j : json_null(); /* a file's name need not be UTF-8 */
}

static json_t *milli(int64_t v)
{
	return json_real((double)v / 1000);
}

static json_t *printed(void (*print)(struct buf *, const void *), const void *what)
{
	struct buf b;
	json_t *j;

	buf_init(&b, (size_t)16 * 1024 * 1024);
	print(&b, what);
	j = text(buf_span(&b));
	buf_free(&b);
	return j;
}

static void print_value(struct buf *out, const void *v)
{
	policy_print_value(out, v);
}

static void print_condition(struct buf *out, const void *e)
{
	policy_print_condition(out, e);
}

/* A list of n things; a missing member of an object or list makes the whole NULL at the end. */
static json_t *list_of(size_t n, const void *ctx, json_t *(*one)(const void *, size_t))
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, one(ctx, i))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* --- conditions ---------------------------------------------------------------------------- */

static json_t *condition(const struct policy_node *n);

static json_t *child(const void *ctx, size_t i)
{
	const struct policy_node *n = ctx;

	return condition(&n->child[i]);
}

static json_t *comparison(const struct policy_node *n)
{
	static const char *const quantifier[] = {NULL, "any", "all"};

	return json_pack("{s:s, s:s*, s:s, s:o, s:o}", "fact", fact_row(n->fact)->name, "quantifier", quantifier[n->quantifier], "op", ast_op_name(n->op), "value",
		printed(print_value, &n->expr->value), "at", place(n->expr->at));
}

static json_t *condition(const struct policy_node *n)
{
	switch (n->kind) {
	case NODE_OR:
	case NODE_AND:
		return json_pack("{s:o, s:o}", n->kind == NODE_OR ? "or" : "and", list_of(n->nchild, n, child), "at", place(n->expr->at));
	case NODE_NOT:
		return json_pack("{s:o, s:o}", "not", condition(&n->child[0]), "at", place(n->expr->at));
	case NODE_RULE:
	case NODE_OVER:
		return json_pack("{s:o, s:o}", n->kind == NODE_RULE ? "rule" : "over", name(&n->expr->name), "at", place(n->expr->at));
	case NODE_PRESENT:
		return json_pack("{s:s, s:o}", "present", fact_row(n->fact)->name, "at", place(n->expr->at));
	case NODE_MATCH:
		break;
	}
	return comparison(n);
}

/* --- statements ------------------------------------------------------------------------------ */

static json_t *action(const struct ast_action *a)
{
	if (!a)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o}", "action", ast_action_name(a->kind), "code", name(&a->code), "text", a->text.text.n ? text(a->text.text) : json_null(), "at",
		place(a->at));
}

static json_t *one_name(const void *ctx, size_t i)
{
	const struct ast_name *n = ctx;

	return name(&n[i]);
}

static bool has_stopping_final(const struct ast_rule *r)
{
	return r->has_final && (r->final.kind == AST_REJECT || r->final.kind == AST_TEMPFAIL || r->final.kind == AST_DISCARD);
}

static json_t *rule(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct policy_rule *r = &p->rule[i];
	const struct ast_rule *t = r->ast;

	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "name", r->name, "at", place(t->name.at), "shadow", t->shadow, "when",
		printed(print_condition, t->when), "condition", condition(&r->when), "score", t->has_score ? milli(r->score) : json_null(), "per", name(&t->per), "max",
		r->per != FACT_N ? milli(r->max) : json_null(), "final", action(t->has_final ? &t->final : NULL), "describe",
		t->describe.text.n ? text(t->describe.text) : json_null(), "group", name(&t->group), "absorb", list_of(t->nabsorb, t->absorb, one_name), "tags",
		list_of(t->ntag, t->tag, one_name), "can_stop", !t->shadow && has_stopping_final(t));
}

static json_t *list(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct ast_list *l = &p->ast->list[i];

	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I}", "name", p->lists.cstr[i], "at", place(l->name.at), "type", name(&l->type), "file",
		l->file.text.n ? text(l->file.text) : json_null(), "entries", (json_int_t)list_count(p->list[i]), "bytes", (json_int_t)list_bytes(p->list[i]));
}

static json_t *window(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct ast_window *w = &p->ast->window[i];

	return json_pack("{s:s, s:o, s:i, s:i, s:i, s:o}", "name", p->windows.cstr[i], "at", place(w->name.at), "from_s", (int)w->from_s, "to_s", (int)w->to_s, "days",
		(int)w->days, "zone", w->zone.text.n ? text(w->zone.text) : json_string("UTC"));
}

static json_t *rate(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct policy_rate *r = &p->rate[i];

	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:b, s:b}", "name", p->rates.cstr[i], "at", place(r->ast->name.at), "key", list_of(r->ast->nkey, r->ast->key, one_name),
		"limit", (json_int_t)(r->rate.limit_milli / 1000), "per_s", (json_int_t)(r->rate.per_ms / 1000), "burst", (json_int_t)(r->rate.burst_milli / 1000), "used",
		r->live || r->shadow, "shadow", !r->live && r->shadow);
}

static json_t *override(const void *ctx, size_t i)
{
	const struct policy_override *o = (const struct policy_override *)ctx + i;

	return json_pack("{s:o, s:b, s:o, s:o, s:o}", "rule", name(&o->ast->rule), "off", o->ast->off, "score", o->ast->has_score ? milli(o->score) : json_null(), "final",
		action(o->ast->has_final ? &o->ast->final : NULL), "at", place(o->ast->rule.at));
}

static json_t *peer(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct policy_peer *r = &p->peer[i];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "name", r->name, "at", place(r->ast->name.at), "match", printed(print_condition, r->ast->match), "condition",
		condition(&r->match), "expect", name(&r->ast->expect), "mode", ast_mode_name(r->mode), "overrides", list_of(r->noverride, r->override, override));
}

static json_t *group(const void *ctx, size_t i)
{
	const struct policy *p = ctx;

	return json_pack("{s:s, s:o, s:o}", "name", p->groups.cstr[i], "at", place(p->ast->group[i].name.at), "max", milli(p->group_max[i]));
}

static json_t *threshold(const void *ctx, size_t i)
{
	const struct policy_threshold *t = (const struct policy_threshold *)ctx + i;

	return json_pack("{s:o, s:o}", "at_score", milli(t->at), "do", action(t->action));
}

static json_t *failures(const struct policy *p)
{
	json_t *all = json_object();

	for (int i = 0; all && fact_row(FACT_FAILURE)->word[i]; i++)
		if (p->on[i] && json_object_set_new(all, fact_row(FACT_FAILURE)->word[i], action(p->on[i]))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *needs(const struct policy *p)
{
	json_t *all = json_array();

	for (unsigned bit = 1; all && bit <= FACT_NEED_HISTORY; bit <<= 1)
		if (p->needs & bit && json_array_append_new(all, json_string(fact_need_name((enum fact_need)bit)))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *facts(const struct policy *p)
{
	json_t *all = json_array();

	for (unsigned i = 0; all && i < FACT_N; i++)
		if (p->asks[i] && json_array_append_new(all, json_string(fact_row((enum fact_id)i)->name))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static json_t *file(const void *ctx, size_t i)
{
	const struct policy *p = ctx;

	return text(span_cstr(p->ast->file[i]->name));
}

static json_t *test(const void *ctx, size_t i)
{
	const struct policy *p = ctx;
	const struct ast_test *t = &p->ast->test[i];

	return json_pack("{s:o, s:o}", "title", text(t->title.text), "at", place(t->title.at));
}

json_t *policy_dump(const struct policy *p)
{
	const struct ast_policy *t = p->ast;

	return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "policy", t->version, "mode", ast_mode_name(p->mode), "hash", p->hash,
		"files", list_of(t->nfile, p, file), "needs", needs(p), "facts", facts(p), "lists", list_of(t->nlist, p, list), "windows", list_of(t->nwindow, p, window),
		"rates", list_of(t->nrate, p, rate), "peers", list_of(t->npeer, p, peer), "on", failures(p), "rules", list_of(t->nrule, p, rule), "groups",
		list_of(t->ngroup, p, group), "thresholds", list_of(t->nthreshold, p->threshold, threshold), "tests", list_of(t->ntest, p, test));
}
