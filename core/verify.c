/*
 * The verification service: each Identity field through the same checks in the
 * same order, then one result for the message.
 *
 * A check function returns STIR_OK or the reason it stops at; nothing here
 * knows a policy, a clock or a socket.
 */
#include "config.h"

#include "core/verify.h"

#include "core/identity.h"
#include "core/x5u.h"

struct verify {
	const struct verify_params *params;
	struct stir_check *check;
	size_t n, nfield;
	/* raw digests, made once whatever the number of tokens */
	struct msgi_value raw[MSGI_ALG_COUNT];
	bool have_raw[MSGI_ALG_COUNT];
	bool broken; /* the arena was full while reading */
};

/* What one field's checks need, handed down. */
struct look {
	struct verify *v;
	struct mms_message *m;
	struct stir_check *c;
	struct cert_chain *chain; /* owned by check_field() */
	int64_t now, now_ms;
};

static void say(struct look *l, const char *text)
{
	l->c->detail = span_cstr(text);
}

/* --- after the header: everything that needs only the field ---------------- */

/* info, alg and ppt must say what the token's header says (RFC 8224, 4.1). */
static enum stir_reason match_params(struct stir_check *c, const struct identity *id)
{
	const struct passport *p = &c->passport;

	if (!span_eq(id->info, p->x5u)) {
		c->detail = span_cstr("info is not the token's x5u");
		return STIR_INFO_MISMATCH;
	}
	if (id->has_alg && !span_eq(id->alg, p->alg)) {
		c->detail = span_cstr("the alg parameter is not the token's");
		return STIR_INFO_MISMATCH;
	}
	if (id->has_ppt && !span_eq(id->ppt, p->ppt)) {
		c->detail = span_cstr("the ppt parameter is not the token's");
		return STIR_INFO_MISMATCH;
	}
	return STIR_OK;
}

static enum stir_reason read_field(const struct header_field *f, struct arena *a, struct stir_check *c)
{
	struct identity id;
	enum stir_reason r = f->cut ? STIR_NO_RESOURCE : identity_parse(f->value, a, &id);

	if (r != STIR_OK)
		return r;
	c->stage = STIR_STAGE_TOKEN;
	r = passport_header(id.token, a, &c->passport);
	if (r != STIR_OK)
		return r;
	c->has_header = true;
	/* A type we don't support makes the field absent, whatever else is wrong
	 * with it (RFC 8224, 6.2, step 1). */
	if (!span_is(c->passport.ppt, "msg"))
		return STIR_PPT_UNSUPPORTED;
	r = passport_claims(&c->passport, a);
	if (r != STIR_OK)
		return r;
	c->has_claims = true;
	r = match_params(c, &id);
	if (r == STIR_OK)
		c->stage = STIR_STAGE_TIME;
	return r;
}

/* The digests that this token needs of the body; a malformed value needs none. */
static unsigned wanted(const struct verify_params *params, const struct stir_check *c, const struct mms_message *m)
{
	struct msgi_value v;
	unsigned want = 0;

	if (c->reason != STIR_OK || (!params->go_on && !party_eq(&c->passport.orig, &m->from)))
		return 0;
	if (c->passport.has_msgi && msgi_parse(c->passport.msgi, &v) == 0)
		want |= 1u << v.alg;
	return want | MESSAGE_WANT_CONTENT;
}

struct verify *verify_begin(const struct verify_params *params, struct mms_message *m)
{
	size_t n = message_field_count(m, "Identity");
	struct verify *v = arena_alloc(m->arena, sizeof *v);
	unsigned want = 0;

	if (!v)
		return NULL;
	v->params = params;
	v->nfield = n;
	v->n = n < LIMIT_IDENTITY_READ ? n : LIMIT_IDENTITY_READ;
	v->check = arena_array(m->arena, v->n, sizeof *v->check);
	if (!v->check)
		return NULL;
	for (size_t i = 0; i < v->n; i++) {
		struct stir_check *c = &v->check[i];

		c->field = (unsigned)i + 1;
		c->reason = read_field(message_field(m, "Identity", i), m->arena, c);
		want |= wanted(params, c, m);
	}
	v->broken = arena_overflowed(m->arena);
	message_want(m, want);
	return v;
}

/* --- after the body -------------------------------------------------------- */

static enum stir_reason check_time(struct look *l)
{
	const struct verify_params *p = l->v->params;
	struct stir_check *c = l->c;
	uint32_t max_age = p->max_age_s;
	bool bound = c->passport.has_msgi || c->passport.has_msgc;

	if (!bound && max_age > VERIFY_UNBOUND_AGE_S) {
		max_age = VERIFY_UNBOUND_AGE_S;
		say(l, "a token without a digest of the content is good for 60 seconds only");
	}
	c->age_s = l->now - c->passport.iat;
	c->has_age = true;
	enum stir_reason r = passport_fresh(&c->passport, l->now, max_age, p->max_skew_s);
	if (r == STIR_OK)
		say(l, NULL);
	return r;
}

static bool names(const struct passport *p, const struct party *who)
{
	for (size_t i = 0; i < p->ndest; i++)
		if (party_eq(&p->dest[i], who))
			return true;
	return false;
}

static enum stir_dest_cover cover(const struct passport *p, const struct mms_message *m)
{
	size_t hit = 0;

	for (size_t i = 0; i < m->nrcpt; i++)
		hit += m->rcpt[i].party.kind != PARTY_NONE && names(p, &m->rcpt[i].party);
	if (hit == 0)
		return STIR_DEST_NONE;
	return hit == m->nrcpt ? STIR_DEST_FULL : STIR_DEST_PARTIAL;
}

static enum stir_reason check_parties(struct look *l)
{
	struct stir_check *c = l->c;

	if (!party_eq(&c->passport.orig, &l->m->from))
		return STIR_ORIG_MISMATCH;
	c->dest_cover = cover(&c->passport, l->m);
	if (c->dest_cover != STIR_DEST_FULL && !l->v->params->dest_any) {
		say(l, l->m->nrcpt ? "" : "the recipients are not known");
		return STIR_DEST_MISMATCH;
	}
	return STIR_OK;
}

/* The first thing that may cost: everything free was checked before. */
static enum stir_reason check_cert(struct look *l)
{
	const struct verify_params *p = l->v->params;
	const struct passport *t = &l->c->passport;
	const char *rule = NULL;
	int64_t from, until;
	struct x5u where;
	struct err why;
	enum stir_reason r = x5u_check(t->x5u, &where, &rule);

	if (r != STIR_OK) {
		say(l, rule);
		return r;
	}
	err_clear(&why);
	r = certcache_get(p->certs, t->x5u, l->now_ms, p->fetch_wait_ms, &l->chain, &why);
	if (r != STIR_OK) {
		l->c->detail = arena_printf(l->m->arena, "%s", why.text);
		return r;
	}
	l->c->spc = arena_copy(l->m->arena, tnauthlist_spc(cert_chain_tnauthlist(l->chain)));
	cert_chain_validity(l->chain, &from, &until);
	l->c->has_cert = true;
	l->c->cert_sha256 = arena_copy(l->m->arena, cert_chain_fingerprint(l->chain));
	l->c->cert_subject = arena_copy(l->m->arena, cert_chain_subject(l->chain));
	l->c->cert_not_after = until;
	if (t->iat < from || t->iat > until) {
		say(l, t->iat < from ? "the certificate was not yet valid at iat" : "the certificate had expired at iat");
		return STIR_CERT_EXPIRED;
	}
	return trust_revocation(p->trust, l->chain, t->iat, l->now, p->hard_revocation);
}

static enum stir_reason judge_authority(enum tn_authority found, enum verify_authority need)
{
	switch (found) {
	case TN_AUTHORITY_TN:
		return STIR_OK;
	case TN_AUTHORITY_SPC:
		return need == VERIFY_AUTHORITY_TN ? STIR_SPC_NOT_AUTHORISED : STIR_OK;
	case TN_AUTHORITY_NONE:
		return need == VERIFY_AUTHORITY_ANY ? STIR_OK : STIR_NUMBER_NOT_AUTHORISED;
	case TN_AUTHORITY_OUTSIDE:
		break;
	}
	return STIR_NUMBER_NOT_AUTHORISED;
}

static enum stir_reason check_authority(struct look *l)
{
	const struct passport *t = &l->c->passport;
	enum stir_reason r;
	struct span claim;

	/* Nothing says which certificate may vouch for a mailto URI (RFC 9475, 4). */
	l->c->authority = TN_AUTHORITY_NONE;
	if (t->orig.kind == PARTY_TN)
		l->c->authority = tnauthlist_authority(cert_chain_tnauthlist(l->chain), &t->orig.tn);
	if (l->c->authority == TN_AUTHORITY_TN && cert_chain_unchecked(l->chain))
		l->c->authority = TN_AUTHORITY_SPC;
	l->c->has_authority = true;
	r = judge_authority(l->c->authority, l->v->params->authority);
	if (r != STIR_OK) {
		if (l->c->authority == TN_AUTHORITY_NONE)
			say(l, t->orig.kind == PARTY_TN ? "the certificate has no TNAuthList" : "no certificate can vouch for an address that is no number");
		return r;
	}
	r = claimrules_check(cert_chain_claimrules(l->chain), t->jws.payload, &claim);
	if (r == STIR_CONSTRAINT_VIOLATED)
		say(l, "a claim is missing, forbidden or has a value that is not permitted");
	return r;
}

static enum stir_reason check_signature(struct look *l)
{
	const struct jws *j = &l->c->passport.jws;

	switch (cert_chain_verify(l->chain, j->signing_input, j->sig)) {
	case 1:
		l->c->signed_ok = true;
		return STIR_OK;
	case 0:
		return STIR_BAD_SIGNATURE;
	default:
		say(l, "OpenSSL could not verify");
		return STIR_NO_RESOURCE;
	}
}

/* The body's own digest for one algorithm, or NULL. */
static const struct msgi_value *raw_digest(struct verify *v, struct mms_message *m, enum msgi_alg alg)
{
	if (!v->have_raw[alg] && msgi_stream_value(&m->raw, alg, &v->raw[alg]) == 0)
		v->have_raw[alg] = true;
	return v->have_raw[alg] ? &v->raw[alg] : NULL;
}

/* Both claims, one, or none: design.md 4, content-digest.md "Verifier". */
static enum stir_reason judge_content(struct look *l, bool raw, bool decoded)
{
	const struct passport *t = &l->c->passport;
	bool fallback = l->v->params->content == VERIFY_CONTENT_FALLBACK;

	l->c->integrity = STIR_INTEGRITY_RAW;
	if (raw && (decoded || !t->has_msgc || fallback))
		return STIR_OK;
	if (decoded && !raw) {
		l->c->integrity = STIR_INTEGRITY_DECODED;
		say(l, "body-reencoded");
		return STIR_OK;
	}
	l->c->integrity = STIR_INTEGRITY_MISMATCH;
	return raw ? STIR_MSGC_MISMATCH : STIR_MSGI_MISMATCH;
}

static bool structure_suspect(const struct content_result *c)
{
	return c->limit != CONTENT_WITHIN || c->ambiguous || (c->unsafe & (CONTENT_NO_BOUNDARY | CONTENT_NOT_CLOSED));
}

/* Both values of the token, as far as they are there; -1 if one can't be a digest. */
static int read_digests(const struct passport *t, struct msgi_value *msgi, struct msgi_value *msgc)
{
	if (t->has_msgi && msgi_parse(t->msgi, msgi))
		return -1;
	if (t->has_msgc && (msgi_parse(t->msgc, msgc) || msgc->alg != MSGI_SHA256))
		return -1;
	return 0;
}

static enum stir_reason compare(struct look *l, const struct msgi_value *msgi, const struct msgi_value *msgc)
{
	const struct passport *t = &l->c->passport;
	const struct content_result *content = &l->m->content_result;
	const struct msgi_value *raw = t->has_msgi ? raw_digest(l->v, l->m, msgi->alg) : NULL;
	bool decoded = false;

	if ((t->has_msgi && !raw) || (t->has_msgc && content->limit == CONTENT_NO_MEMORY))
		return STIR_NO_RESOURCE;
	if (t->has_msgc && content->limit == CONTENT_WITHIN)
		decoded = msgi_eq(&content->msgc, msgc);
	return judge_content(l, raw && msgi_eq(raw, msgi), decoded);
}

static enum stir_reason check_content(struct look *l)
{
	const struct passport *t = &l->c->passport;
	struct msgi_value msgi, msgc;

	l->c->content_suspect = !t->has_msgc && structure_suspect(&l->m->content_result);
	if (!t->has_msgi && !t->has_msgc) {
		l->c->integrity = STIR_INTEGRITY_NONE;
		return l->v->params->require_msgi ? STIR_MSGI_MISSING : STIR_OK;
	}
	if (read_digests(t, &msgi, &msgc)) {
		l->c->integrity = STIR_INTEGRITY_MALFORMED;
		return STIR_MSGI_MALFORMED;
	}
	return compare(l, &msgi, &msgc);
}

/* Recording used tokens is a store's business; without one it is switched off, visibly. */
static enum stir_reason check_replay(struct look *l)
{
	l->c->replay = STIR_REPLAY_OFF;
	return STIR_OK;
}

static const struct {
	enum stir_stage stage;
	enum stir_reason (*check)(struct look *l);
} steps[] = {
	{STIR_STAGE_TIME, check_time},
	{STIR_STAGE_PARTIES, check_parties},
	{STIR_STAGE_CERT, check_cert},
	{STIR_STAGE_AUTHORITY, check_authority},
	{STIR_STAGE_SIGNATURE, check_signature},
	{STIR_STAGE_CONTENT, check_content},
	{STIR_STAGE_REPLAY, check_replay},
};

static enum stir_reason over_budget(struct look *l)
{
	say(l, "not looked at: more Identity fields than are checked");
	return STIR_NO_RESOURCE;
}

/*
 * One field whose token could be read.  *budget is how many may still cost a
 * certificate and a signature.
 */
static void check_field(struct look *l, unsigned *budget)
{
	struct stir_check *c = l->c;

	for (size_t i = 0; i < sizeof steps / sizeof *steps && c->reason == STIR_OK; i++) {
		c->stage = steps[i].stage;
		if (c->stage != STIR_STAGE_CERT || *budget)
			c->reason = steps[i].check(l);
		else
			c->reason = over_budget(l);
		*budget -= c->stage == STIR_STAGE_CERT && *budget;
	}
	if (c->reason == STIR_OK)
		c->stage = STIR_STAGE_DONE;
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
 * needs.
 */
static void go_on(struct look *l)
{
	struct stir_check *c = l->c;
	const struct stir_check first = *c;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
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
 * the one that got furthest; junk in front never lowers the result.
 */
static const struct stir_check *best_of(const struct verify *v)
{
	const struct stir_check *best = NULL;

	for (size_t i = 0; i < v->n; i++) {
		const struct stir_check *c = &v->check[i];

		if (c->reason != STIR_PPT_UNSUPPORTED && (!best || c->stage > best->stage))
			best = c;
	}
	return best;
}

static void conclude(struct verify *v, const struct mms_message *m, struct stir_result *out)
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
}

void verify_finish(struct verify *v, struct mms_message *m, int64_t now, int64_t now_ms, struct stir_result *out)
{
	unsigned budget = LIMIT_IDENTITY_FIELDS;

	memset(out, 0, sizeof *out);
	if (!v || v->broken || m->over_limit) {
		out->reason = STIR_NO_RESOURCE;
		out->detail = span_cstr("the header or the envelope is larger than is looked at");
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		struct look l = {.v = v, .m = m, .c = &v->check[i], .now = now, .now_ms = now_ms};

		if (m->from_kind == MESSAGE_FROM_ONE)
			check_field(&l, &budget);
	}
	conclude(v, m, out);
	if (v->params->go_on && out->best && may_go_on(out->reason)) {
		struct look l = {.v = v, .m = m, .c = &v->check[out->best - v->check], .now = now, .now_ms = now_ms};

		go_on(&l);
	}
	if (arena_overflowed(m->arena)) {
		memset(out, 0, sizeof *out);
		out->reason = STIR_NO_RESOURCE;
	}
}
