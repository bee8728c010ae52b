/*
 * In which order rules are evaluated, and which need not be at all.
 *
 * Rules that name rules come after those they name.  A rule that can't hit
 * unless some fact is there (and an ENUM has one of some words) goes into the
 * buckets of that fact: a message pays for the rules that its facts wake up.
 */
#include "config.h"

#include "policy/policy_internal.h"

/* --- order --------------------------------------------------------------------------- */

enum { WHITE, GREY, BLACK };

struct walk {
	struct policy_compiler *c;
	unsigned char *colour;
	size_t *stack, *next; /* rules on the way, and the edge to look at next */
	size_t depth;
};

static void say_cycle(struct policy_compiler *c, size_t from, const struct policy_edge *e)
{
	const struct policy_rule *to = &c->p->rule[e->rule];

	if (from == e->rule) {
		(void)source_say(c->report, SOURCE_ERROR, e->expr->at, "rule \"%s\" names itself", to->name);
		return;
	}
	(void)source_say(c->report, SOURCE_ERROR, e->expr->at, "rule \"%s\" names \"%s\", which depends on it", c->p->rule[from].name, to->name);
	(void)source_say(c->report, SOURCE_NOTE, to->edge[0].expr->at, "\"%s\" begins to depend on others here", to->name);
}

static void push(struct walk *w, size_t rule)
{
	w->colour[rule] = GREY;
	w->next[w->depth] = 0;
	w->stack[w->depth++] = rule;
}

/* Depth first without recursion: a chain may be as long as there are rules. */
static void visit(struct walk *w, size_t root)
{
	struct policy *p = w->c->p;

	push(w, root);
	while (w->depth) {
		size_t i = w->stack[w->depth - 1];
		const struct policy_rule *r = &p->rule[i];

		if (w->next[w->depth - 1] < r->nedge) {
			const struct policy_edge *e = &r->edge[w->next[w->depth - 1]++];

			if (w->colour[e->rule] == GREY)
				say_cycle(w->c, i, e);
			else if (w->colour[e->rule] == WHITE)
				push(w, e->rule);
			continue;
		}
		w->colour[i] = BLACK;
		if (r->nedge)
			p->order[p->norder++] = i;
		w->depth--;
	}
}

/* --- buckets --------------------------------------------------------------------------- */

struct guard {
	enum fact_id fact; /* FACT_N: none */
	uint64_t words;    /* of an ENUM, any of these */
};

static uint64_t all_words(enum fact_id id)
{
	const char *const *word = fact_row(id)->word;
	uint64_t all = 0;

	for (unsigned i = 0; word && word[i]; i++)
		all |= (uint64_t)1 << i;
	return all;
}

static struct guard guard_of(const struct policy_node *n);

/* The best of several that all must hold: few words, else a fact that may be absent. */
static bool better(struct guard a, struct guard b)
{
	if (a.fact == FACT_N || b.fact == FACT_N)
		return a.fact != FACT_N;
	if (a.words && b.words)
		return __builtin_popcountll(a.words) < __builtin_popcountll(b.words);
	if (a.words || b.words)
		return a.words != 0;
	return !fact_row(a.fact)->always && fact_row(b.fact)->always;
}

static struct guard guard_of_all(const struct policy_node *n)
{
	struct guard best = {.fact = FACT_N};

	for (size_t i = 0; i < n->nchild; i++) {
		struct guard g = guard_of(&n->child[i]);

		if (better(g, best))
			best = g;
	}
	return best;
}

/* One of several: only if all look at the same fact. */
static struct guard guard_of_any(const struct policy_node *n)
{
	struct guard g = guard_of(&n->child[0]);

	for (size_t i = 1; i < n->nchild && g.fact != FACT_N; i++) {
		struct guard other = guard_of(&n->child[i]);

		if (other.fact != g.fact)
			g.fact = FACT_N;
		else
			g.words |= other.words;
	}
	return g;
}

static struct guard guard_of(const struct policy_node *n)
{
	struct guard g = {.fact = FACT_N};

	switch (n->kind) {
	case NODE_AND:
		return guard_of_all(n);
	case NODE_OR:
		return guard_of_any(n);
	case NODE_MATCH:
		g.fact = n->fact;
		g.words = all_words(n->fact);
		if (n->match == MATCH_WORDS)
			g.words &= n->negate ? ~n->words : n->words;
		return g;
	case NODE_PRESENT:
		g.fact = n->fact;
		g.words = all_words(n->fact);
		return g;
	case NODE_NOT:
	case NODE_RULE:
	case NODE_OVER:
		break;
	}
	return g;
}

static size_t bucket_count(enum fact_id id)
{
	const char *const *word = fact_row(id)->word;
	size_t n = 0;

	while (word && word[n])
		n++;
	return word ? n : 1;
}

/* Two rounds over the rules: sizes, then room, then contents. */
static void bucket_put(struct policy_compiler *c, struct policy_bucket *b, size_t rule, bool fill)
{
	if (fill && !b->rule) {
		b->rule = policy_compile_array(c, b->n, sizeof *b->rule);
		b->n = 0;
	}
	if (fill && b->rule)
		b->rule[b->n] = rule;
	b->n++;
}

static void sort_rule(struct policy_compiler *c, size_t i, struct guard g, bool fill)
{
	struct policy *p = c->p;

	if (g.fact == FACT_N) {
		bucket_put(c, &p->free, i, fill);
		return;
	}
	if (!p->bucket[g.fact]) {
		p->bucket[g.fact] = policy_compile_array(c, bucket_count(g.fact), sizeof *p->bucket[g.fact]);
		if (!p->bucket[g.fact])
			return;
		p->bucketed[p->nbucketed++] = g.fact;
	}
	if (!fact_row(g.fact)->word)
		bucket_put(c, &p->bucket[g.fact][0], i, fill);
	for (unsigned w = 0; fact_row(g.fact)->word && fact_row(g.fact)->word[w]; w++)
		if (g.words >> w & 1)
			bucket_put(c, &p->bucket[g.fact][w], i, fill);
}

void policy_compile_order(struct policy_compiler *c)
{
	struct policy *p = c->p;
	size_t n = p->ast->nrule;
	struct walk w = {.c = c};

	w.colour = policy_compile_array(c, n, sizeof *w.colour);
	w.stack = policy_compile_array(c, n, sizeof *w.stack);
	w.next = policy_compile_array(c, n, sizeof *w.next);
	p->order = policy_compile_array(c, n, sizeof *p->order);
	if (c->no_memory)
		return;
	for (size_t i = 0; i < n; i++)
		if (w.colour[i] == WHITE)
			visit(&w, i);
	for (int fill = 0; fill < 2; fill++)
		for (size_t i = 0; i < n && !c->no_memory; i++)
			if (!p->rule[i].nedge)
				sort_rule(c, i, guard_of(&p->rule[i].when), fill);
}
