/*
 * The verification service: each Identity field through the same checks in the
 * same order, then one result for the message.
 *
 * A check function returns STIR_OK or the reason it stops at; nothing here
 * knows a policy, a clock or a socket.  The checks themselves are in
 * verify_steps.c, verify_content.c, verify_div.c and verify_replay.c.
 */
#include "config.h"

#include "core/verify_internal.h"

static const struct {
	enum stir_stage stage;
	enum stir_reason (*check)(struct verify_look *l);
} steps[] = {
	{STIR_STAGE_TIME, verify_steps_time},
	{STIR_STAGE_PARTIES, verify_steps_parties},
	{STIR_STAGE_CERT, verify_steps_cert},
	{STIR_STAGE_AUTHORITY, verify_steps_authority},
	{STIR_STAGE_SIGNATURE, verify_steps_signature},
	{STIR_STAGE_CONTENT, verify_content},
	/* Last, since it costs: the rest of what dest is about. */
	{STIR_STAGE_PARTIES, verify_div_chains},
	{STIR_STAGE_REPLAY, verify_replay},
};

enum { STEP_COUNT = sizeof steps / sizeof *steps };

/* --- after the header -------------------------------------------------------- */

/* Too old already: it will be no younger when the body has come, unless the clock is set back (verify_content()). */
static bool is_stale(const struct verify_params *params, const struct stir_check *c, int64_t now)
{
	return passport_fresh(&c->passport, now, params->max_age_s, params->max_skew_s) == STIR_STALE;
}

/*
 * The digests that this token needs of the body; a malformed value needs none, nor
 * does one that fails before its content counts, unless all is to be found out.
 */
static unsigned wanted(const struct verify_params *params, const struct stir_check *c, const struct mms_message *m, int64_t now)
{
	struct msgi_value v;
	unsigned want = 0;

	if (c->reason != STIR_OK || (!params->go_on && (is_stale(params, c, now) || !party_eq(&c->passport.orig, &m->from))))
		return 0;
	if (c->passport.has_msgi && msgi_parse(c->passport.msgi, &v) == 0)
		want |= 1u << v.alg;
	/* A delivery is known by its body. */
	if (params->replay)
		want |= 1u << MSGI_SHA256;
	return want | MESSAGE_WANT_CONTENT;
}

static void start(struct verify_look *l, struct stir_check *c)
{
	certcache_start(l->v->params->certs, c->passport.x5u, l->t);
}

static void start_div(struct verify_look *base, struct stir_check *div)
{
	if (base->v->div_budget) {
		start(base, div);
		base->v->div_budget--;
	}
}

/*
 * Ask for the certificates of tokens that pass every free check, and of the div
 * tokens they need.  On copies: what counts is found out after the body.
 */
static void start_fetches(struct verify *v, struct mms_message *m, struct certcache_time t)
{
	v->budget = LIMIT_IDENTITY_FIELDS;
	v->div_budget = LIMIT_DIV_FIELDS;
	if (m->from_kind != MESSAGE_FROM_ONE || m->over_limit)
		return;
	for (size_t i = 0; i < v->n && v->budget; i++) {
		struct stir_check scratch = v->check[i];
		struct verify_look l = {.v = v, .m = m, .c = &scratch, .t = t};

		if (scratch.reason != STIR_OK || verify_steps_time(&l) != STIR_OK || verify_steps_parties(&l) != STIR_OK || verify_steps_x5u(&l) != STIR_OK)
			continue;
		start(&l, &scratch);
		v->budget--;
		verify_div_each(&l, start_div);
	}
}

static int read_fields(struct verify *v, struct mms_message *m)
{
	v->check = arena_array(m->arena, v->n, sizeof *v->check);
	if (!v->check)
		return -1;
	for (size_t i = 0; i < v->n; i++) {
		v->check[i].field = (unsigned)i + 1;
		verify_read(message_field(m, "Identity", i), m->arena, &v->check[i]);
	}
	return verify_div_gather(v, m->arena);
}

struct verify *verify_begin(const struct verify_params *params, struct mms_message *m, struct certcache_time t)
{
	size_t n = message_field_count(m, "Identity");
	struct verify *v = arena_alloc(m->arena, sizeof *v);
	unsigned want = 0;

	if (!v)
		return NULL;
	v->params = params;
	v->nfield = n;
	v->n = n < LIMIT_IDENTITY_READ ? n : LIMIT_IDENTITY_READ;
	if (read_fields(v, m))
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		want |= wanted(params, &v->check[i], m, t.now);
	v->broken = arena_overflowed(m->arena);
	message_want(m, want);
	if (!v->broken)
		start_fetches(v, m, t);
	return v;
}

/* --- after the body -------------------------------------------------------- */

/* One field whose token could be read. */
static void check_field(struct verify_look *l)
{
	struct verify *v = l->v;
	struct stir_check *c = l->c;

	for (size_t i = 0; i < STEP_COUNT && c->reason == STIR_OK; i++) {
		c->stage = steps[i].stage;
		if (c->stage != STIR_STAGE_CERT || v->budget)
			c->reason = steps[i].check(l);
		else
			c->reason = verify_steps_over_budget(l);
		v->budget -= steps[i].stage == STIR_STAGE_CERT && v->budget;
	}
	if (c->reason == STIR_OK) {
		c->stage = STIR_STAGE_DONE;
		verify_content_rcd(l);
	}
	cert_chain_unref(l->chain);
	l->chain = NULL;
}

/* Wrong about when, to whom or by whose right; it can still be what the signer signed. */
static bool may_go_on(enum stir_reason r)
{
	switch (r) {
	case STIR_STALE:
	case STIR_FROM_FUTURE:
	case STIR_ORIG_MISMATCH:
	case STIR_DEST_MISMATCH:
	case STIR_DIV_BROKEN:
	case STIR_CERT_EXPIRED:
	case STIR_SPC_NOT_AUTHORISED:
	case STIR_NUMBER_NOT_AUTHORISED:
	case STIR_CONSTRAINT_VIOLATED:
		return true;
	default:
		return false;
	}
}

/*
 * All steps of the field that speaks for the message once more, past each such
 * failure, for what they find out; reason, stage and detail stay.  Done after all
 * fields have had their turn: old tokens in front must not use up what a good one
 * needs.  Whether it was used before is not asked: it was not used up now.
 */
static void go_on(struct verify_look *l)
{
	struct stir_check *c = l->c;
	const struct stir_check first = *c;

	/* Whoever may have a newer certificate was asked the first time. */
	l->renewed = first.has_cert;
	for (size_t i = 0; i < STEP_COUNT && steps[i].stage != STIR_STAGE_REPLAY; i++) {
		enum stir_reason r = steps[i].check(l);

		/* Without a chain nothing can be said about the signature. */
		if (r != STIR_OK && !(may_go_on(r) && (l->chain || steps[i].stage < STIR_STAGE_CERT)))
			break;
	}
	c->reason = first.reason;
	c->stage = first.stage;
	c->detail = first.detail;
	cert_chain_unref(l->chain);
	l->chain = NULL;
}

/*
 * Which field speaks for the message (profile.md Q12): one that passes, else
 * the one that got furthest; junk in front never lowers the result.  Types that
 * say nothing of a message don't speak for it, whatever became of them.
 */
static const struct stir_check *best_of(const struct verify *v)
{
	const struct stir_check *best = NULL;

	for (size_t i = 0; i < v->n; i++) {
		const struct stir_check *c = &v->check[i];

		if (c->has_header && c->passport.type != PASSPORT_MSG)
			continue;
		if (!best || c->stage > best->stage)
			best = c;
	}
	return best;
}

void verify_conclude(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out)
{
	out->check = v->check;
	out->ncheck = v->n;
	out->nfield = v->nfield;
	out->best = best_of(v);
	out->reason = v->nfield == 0 ? STIR_NO_IDENTITY : out->best ? out->best->reason : STIR_PPT_UNSUPPORTED;
	if (out->best)
		out->detail = out->best->detail;
	if (out->best && m->from_kind != MESSAGE_FROM_ONE) {
		for (size_t i = 0; i < v->n; i++)
			if (v->check[i].reason == STIR_OK)
				v->check[i].reason = STIR_AMBIGUOUS_SENDER;
		out->reason = STIR_AMBIGUOUS_SENDER;
		out->best = NULL;
		out->detail = span_cstr(m->from_kind == MESSAGE_FROM_NONE ? "there is no From address" : "there are several From addresses");
	}
	verify_div_conclude(v, m, t, out->best);
}

static void no_resource(struct stir_result *out, const char *detail)
{
	memset(out, 0, sizeof *out);
	out->reason = STIR_NO_RESOURCE;
	out->detail = span_cstr(detail);
}

void verify_finish(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out)
{
	memset(out, 0, sizeof *out);
	if (!v || v->broken || m->over_limit) {
		no_resource(out, "the header or the envelope is larger than is looked at");
		return;
	}
	v->budget = LIMIT_IDENTITY_FIELDS;
	v->div_budget = LIMIT_DIV_FIELDS;
	for (size_t i = 0; i < v->n; i++) {
		struct verify_look l = {.v = v, .m = m, .c = &v->check[i], .t = t};

		/* A div token that a chain needed was looked at for that. */
		if (m->from_kind == MESSAGE_FROM_ONE && l.c->reason == STIR_OK && l.c->passport.type == PASSPORT_MSG)
			check_field(&l);
	}
	verify_conclude(v, m, t, out);
	if (v->params->go_on && out->best && may_go_on(out->reason)) {
		struct verify_look l = {.v = v, .m = m, .c = &v->check[out->best - v->check], .t = t};

		go_on(&l);
	}
	if (arena_overflowed(m->arena))
		no_resource(out, NULL);
}
