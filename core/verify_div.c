/*
 * Diversions: chains of div tokens (RFC 8946, 4.2) that make up for recipients
 * whom the msg token does not name.
 *
 * First by what the tokens say, free of cost; then, when everything else about
 * the msg token holds, the certificate, authority and signature of each div token
 * that is needed.  One that fails is left out and the chains are worked out again,
 * so that junk beside a good chain changes nothing.
 */
#include "config.h"

#include "core/verify_internal.h"

/* Recipients that a token or its chains may be diverted to; a div token names as many. */
enum { DIVERTED_MAX = LIMIT_DEST };

int verify_div_gather(struct verify *v, struct arena *a)
{
	v->div = arena_array(a, v->n, sizeof *v->div);
	v->div_field = arena_array(a, v->n, sizeof *v->div_field);
	v->div_looked = arena_array(a, v->n, sizeof *v->div_looked);
	if (!v->div || !v->div_field || !v->div_looked)
		return -1;
	for (size_t i = 0; i < v->n; i++) {
		const struct stir_check *c = &v->check[i];

		if (!c->has_header || c->passport.type != PASSPORT_DIV)
			continue;
		v->any_div = true;
		if (!c->has_claims)
			continue;
		v->div[v->ndiv] = (struct divchain_token){.p = &c->passport};
		v->div_field[v->ndiv++] = i;
	}
	return 0;
}

/* --- free of cost ------------------------------------------------------------------ */

/* The recipients the token does not name. -1: one that nobody can name, or too many. */
static int uncovered(const struct verify_look *l, const struct party *who[DIVERTED_MAX], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < l->m->nrcpt; i++) {
		const struct party *p = &l->m->rcpt[i].party;

		if (divchain_names(&l->c->passport, p))
			continue;
		if (p->kind == PARTY_NONE || *n == DIVERTED_MAX)
			return -1;
		who[(*n)++] = p;
	}
	return 0;
}

/* Time and the form of x5u, or how the checks that cost have ended. */
static enum stir_reason judge_free(const struct verify_look *base, size_t k)
{
	struct stir_check *c = &base->v->check[base->v->div_field[k]];
	struct stir_check scratch = *c;
	struct verify_look l = {.v = base->v, .m = base->m, .c = &scratch, .t = base->t};
	enum stir_reason r;

	if (base->v->div_looked[k])
		return c->reason;
	r = verify_steps_time(&l);
	return r == STIR_OK ? verify_steps_x5u(&l) : r;
}

static void link_chains(const struct verify_look *base)
{
	struct verify *v = base->v;

	for (size_t k = 0; k < v->ndiv; k++)
		v->div[k].out = judge_free(base, k) != STIR_OK;
	divchain_link(&base->c->passport, v->div, v->ndiv);
}

/* The recipient without a chain to it, or NULL. */
static const struct party *stranded(const struct verify *v, const struct party *const *who, size_t n)
{
	size_t path[LIMIT_DIV_CHAIN];

	for (size_t i = 0; i < n; i++)
		if (!divchain_path(v->div, v->ndiv, who[i], path))
			return who[i];
	return NULL;
}

bool verify_div_planned(struct verify_look *l)
{
	const struct party *who[DIVERTED_MAX];
	size_t n;

	if (!l->v->ndiv || !l->m->nrcpt || uncovered(l, who, &n))
		return false;
	link_chains(l);
	return !stranded(l->v, who, n);
}

const char *verify_div_flaw(struct verify_look *l)
{
	const struct party *who[DIVERTED_MAX], *lost;
	size_t n;

	if (!l->v->ndiv)
		return "a div token can't be read";
	if (uncovered(l, who, &n))
		return divchain_flaw_sentence(DIVCHAIN_ELSEWHERE);
	link_chains(l);
	lost = stranded(l->v, who, n);
	if (!lost)
		return "";
	for (size_t k = 0; k < l->v->ndiv; k++)
		switch (judge_free(l, k)) {
		case STIR_STALE:
		case STIR_FROM_FUTURE:
			return "a div token is too old, or from the future";
		case STIR_X5U_FORBIDDEN:
			return "a div token's x5u is not of the allowed form";
		default:
			break;
		}
	return divchain_flaw_sentence(divchain_flaw(&l->c->passport, l->v->div, l->v->ndiv, lost));
}

/* --- what costs -------------------------------------------------------------------- */

/* The next token on a chain that has not been looked at; v->ndiv when there is none. */
static size_t next_on_chains(const struct verify *v, const struct party *const *who, size_t n, const bool *done)
{
	size_t path[LIMIT_DIV_CHAIN];

	for (size_t i = 0; i < n; i++) {
		size_t length = divchain_path(v->div, v->ndiv, who[i], path);

		for (size_t k = 0; k < length; k++)
			if (!done[path[k]])
				return path[k];
	}
	return v->ndiv;
}

static const struct {
	enum stir_stage stage;
	enum stir_reason (*check)(struct verify_look *l);
} steps[] = {
	{STIR_STAGE_TIME, verify_steps_time},
	{STIR_STAGE_CERT, verify_steps_cert},
	{STIR_STAGE_AUTHORITY, verify_steps_authority},
	{STIR_STAGE_SIGNATURE, verify_steps_signature},
};

static void look_at(const struct verify_look *base, size_t k)
{
	struct verify *v = base->v;
	struct verify_look l = {.v = v, .m = base->m, .c = &v->check[v->div_field[k]], .t = base->t};
	struct stir_check *c = l.c;

	v->div_looked[k] = true;
	c->reason = STIR_OK;
	c->detail = span_make(NULL, 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps && c->reason == STIR_OK; i++) {
		c->stage = steps[i].stage;
		if (c->stage == STIR_STAGE_CERT && !v->div_budget)
			c->reason = verify_steps_over_budget(&l);
		else
			c->reason = steps[i].check(&l);
		v->div_budget -= c->stage == STIR_STAGE_CERT && v->div_budget;
	}
	if (c->reason == STIR_OK)
		c->stage = STIR_STAGE_DONE;
	cert_chain_unref(l.chain);
}

/*
 * Why the chains do not hold, told of the first div token that failed: what may be
 * different the next time is no broken chain.
 */
static enum stir_reason explain(struct verify_look *l)
{
	const struct verify *v = l->v;
	const struct stir_check *bad = NULL;

	for (size_t k = 0; k < v->ndiv; k++) {
		const struct stir_check *c = &v->check[v->div_field[k]];

		if (!v->div_looked[k] || c->reason == STIR_OK)
			continue;
		if (!bad || (stir_reason_word(c->reason) == STIR_WORD_TEMPERROR && stir_reason_word(bad->reason) != STIR_WORD_TEMPERROR))
			bad = c;
	}
	if (!bad) {
		verify_say(l, verify_div_flaw(l));
		return STIR_DIV_BROKEN;
	}
	l->c->detail = arena_printf(l->m->arena, "the div token in Identity field %u: %s%s%.*s", bad->field, stir_reason_info(bad->reason)->sentence,
				    bad->detail.n ? ": " : "", SPAN_ARG(bad->detail));
	return stir_reason_word(bad->reason) == STIR_WORD_TEMPERROR ? bad->reason : STIR_DIV_BROKEN;
}

/* Without the chains, dest names some of the recipients, or none. */
static enum stir_reason without_chains(struct verify_look *l)
{
	enum stir_reason r = explain(l);

	l->c->dest_cover = STIR_DEST_NONE;
	for (size_t i = 0; i < l->m->nrcpt; i++)
		if (divchain_names(&l->c->passport, &l->m->rcpt[i].party))
			l->c->dest_cover = STIR_DEST_PARTIAL;
	return l->v->params->dest_any ? STIR_OK : r;
}

enum stir_reason verify_div_chains(struct verify_look *l)
{
	const struct party *who[DIVERTED_MAX];
	size_t n, k;

	if (l->c->dest_cover != STIR_DEST_DIVERTED)
		return STIR_OK;
	if (uncovered(l, who, &n))
		return without_chains(l);
	for (;;) {
		link_chains(l);
		if (stranded(l->v, who, n))
			return without_chains(l);
		k = next_on_chains(l->v, who, n, l->v->div_looked);
		if (k == l->v->ndiv)
			return STIR_OK;
		look_at(l, k);
	}
}

/* --- for the others ------------------------------------------------------------------ */

/* Marks the fields on the chains of a token; false if it has none. */
static bool on_chains(struct verify_look *l, bool *on)
{
	const struct party *who[DIVERTED_MAX];
	struct verify *v = l->v;
	size_t n, k;

	for (k = 0; k < v->ndiv; k++)
		on[k] = false;
	if (uncovered(l, who, &n))
		return false;
	link_chains(l);
	while ((k = next_on_chains(v, who, n, on)) < v->ndiv)
		on[k] = true;
	return true;
}

void verify_div_each(struct verify_look *l, void (*one)(struct verify_look *base, struct stir_check *div))
{
	bool on[LIMIT_IDENTITY_READ];

	if (l->c->dest_cover == STIR_DEST_DIVERTED && on_chains(l, on))
		for (size_t k = 0; k < l->v->ndiv; k++)
			if (on[k])
				one(l, &l->v->check[l->v->div_field[k]]);
}

static void put_in_chain(struct verify_look *base, struct stir_check *div)
{
	(void)base;
	div->in_chain = true;
}

void verify_div_conclude(struct verify *v, struct mms_message *m, struct certcache_time t, const struct stir_check *best)
{
	for (size_t k = 0; k < v->ndiv; k++)
		v->check[v->div_field[k]].in_chain = false;
	if (best && best->reason == STIR_OK) {
		struct verify_look l = {.v = v, .m = m, .c = &v->check[best - v->check], .t = t};

		verify_div_each(&l, put_in_chain);
	}
}
