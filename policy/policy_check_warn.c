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

/* --- comparisons that never hold ------------------------------------------------------------ */

enum { REPUTATION_MAX = 100 };

/* The most a count can be; only those that are a share have an end. */
static int64_t most_of(enum fact_id id)
{
	return id == FACT_ORIG_REPUTATION || id == FACT_SIGNER_REPUTATION || id == FACT_PEER_REPUTATION ? REPUTATION_MAX : INT64_MAX;
}

static bool is_never(const struct policy_node *n)
{
	switch (n->op) {
	case AST_LT:
		return n->num <= 0;
	case AST_GT:
		return n->num >= most_of(n->fact);
	case AST_GE:
	case AST_EQ:
		return n->num > most_of(n->fact);
	default:
		return false;
	}
}

static void check_bounds(struct policy_compiler *c, const struct policy_node *n)
{
	enum fact_type t = n->kind == NODE_MATCH ? fact_row(n->fact)->type : FACT_TYPE_CLOCK;

	for (size_t i = 0; i < n->nchild; i++)
		check_bounds(c, &n->child[i]);
	if (t != FACT_TYPE_COUNT && t != FACT_TYPE_SIZE)
		return;
	if (n->match == MATCH_NUMBER && is_never(n))
		(void)source_say(c->report, SOURCE_WARNING, n->expr->value.at, "this never holds: \"%s\" is %s", fact_row(n->fact)->name,
			most_of(n->fact) == REPUTATION_MAX ? "0 to 100" : "not below 0");
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

/* What is compared with one another: more is no mistake of a moment, and takes its time. */
enum { NETS_MAX = 16, NET_PEERS_MAX = 512 };

/* The networks of "client in ..." or "client == ..."; 0 when it is something else. */
static size_t nets_of(const struct policy_node *n, const struct ast_value **net)
{
	const struct ast_value *v = &n->expr->value;

	if (n->kind != NODE_MATCH || n->fact != FACT_CLIENT || n->negate)
		return 0;
	*net = v->kind == AST_SET ? v->item : v;
	if (v->kind == AST_SET)
		return v->nitem > NETS_MAX ? 0 : v->nitem;
	return v->kind == AST_NET;
}

static bool is_within(const struct ast_value *net, const struct ast_value *wide)
{
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	unsigned octets = wide->bits / 8, rest = wide->bits % 8;

	/* no IPv6 network holds an IPv4 address (list_net.c) */
	if (octets < sizeof mapped && memcmp(net->addr.b, mapped, sizeof mapped) == 0)
		return false;
	if (net->bits < wide->bits || memcmp(net->addr.b, wide->addr.b, octets) != 0)
		return false;
	return !rest || (net->addr.b[octets] ^ wide->addr.b[octets]) >> (8 - rest) == 0;
}

/* Is whoever comes from n also in one of the networks? */
static bool all_within(const struct policy_node *n, const struct ast_value *wide, size_t nwide)
{
	const struct ast_value *net;
	size_t nnet = nets_of(n, &net), k;

	for (size_t i = 0; n->kind == NODE_AND && i < n->nchild; i++)
		if (all_within(&n->child[i], wide, nwide))
			return true;
	for (size_t i = 0; i < nnet; i++) {
		for (k = 0; k < nwide && !is_within(&net[i], &wide[k]); k++)
			;
		if (k == nwide)
			return false;
	}
	return nnet != 0;
}

/* A peer behind one that has its networks already. */
static void warn_covered(struct policy_compiler *c, size_t i)
{
	const struct policy_peer *peer = c->p->peer;
	const struct ast_value *wide;

	for (size_t k = 0; k < i && i < NET_PEERS_MAX; k++) {
		size_t nwide = nets_of(&peer[k].match, &wide);

		if (!nwide || !all_within(&peer[i].match, wide, nwide))
			continue;
		(void)source_say(c->report, SOURCE_WARNING, peer[i].ast->name.at, "this peer is never reached: \"%s\" has all its networks", peer[k].name);
		return;
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
		else
			warn_covered(c, i);
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

static void check_condition(struct policy_compiler *c, const struct policy_node *n)
{
	static const bool nothing[FACT_N];

	check_not(c, n, nothing);
	check_bounds(c, n);
}

void policy_check_warnings(struct policy_compiler *c)
{
	warn_unused(c);
	for (size_t i = 0; i < c->p->ast->npeer; i++)
		check_condition(c, &c->p->peer[i].match);
	for (size_t i = 0; i < c->p->ast->nrule; i++)
		check_condition(c, &c->p->rule[i].when);
	warn_peers(c);
	warn_rules(c);
}
