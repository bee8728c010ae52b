/*
 * The checks of one token, in their order: time, parties, certificate, authority,
 * signature.  A check returns STIR_OK or the reason it stops at.
 *
 * The same for a msg token, whose signer speaks for orig, and for a div token,
 * whose signer speaks for div (RFC 8946, 4.2).
 */
#include "config.h"

#include "core/verify_internal.h"

#include "core/x5u.h"

/* --- free of cost --------------------------------------------------------------------- */

/*
 * A token that names no digest could carry other content.  A div token never has
 * one: its content is that of the base token, which is held to the rule.
 */
enum stir_reason verify_steps_time(struct verify_look *l)
{
	const struct verify_params *p = l->v->params;
	struct stir_check *c = l->c;
	uint32_t max_age = p->max_age_s;
	bool bound = c->passport.has_msgi || c->passport.has_msgc || c->passport.type == PASSPORT_DIV;
	bool short_window = !bound && max_age > VERIFY_UNBOUND_AGE_S;
	enum stir_reason r;

	if (short_window)
		max_age = VERIFY_UNBOUND_AGE_S;
	c->age_s = l->t.now - c->passport.iat;
	c->has_age = true;
	r = passport_fresh(&c->passport, l->t.now, max_age, p->max_skew_s);
	if (r != STIR_OK && short_window)
		verify_say(l, "a token without a digest of the content is good for 60 seconds only");
	return r;
}

static enum stir_dest_cover cover(const struct passport *p, const struct mms_message *m)
{
	size_t hit = 0;

	for (size_t i = 0; i < m->nrcpt; i++)
		hit += m->rcpt[i].party.kind != PARTY_NONE && divchain_names(p, &m->rcpt[i].party);
	if (hit == 0)
		return STIR_DEST_NONE;
	return hit == m->nrcpt ? STIR_DEST_FULL : STIR_DEST_PARTIAL;
}

enum stir_reason verify_steps_parties(struct verify_look *l)
{
	struct stir_check *c = l->c;

	if (!party_eq(&c->passport.orig, &l->m->from))
		return STIR_ORIG_MISMATCH;
	c->dest_cover = cover(&c->passport, l->m);
	if (c->dest_cover == STIR_DEST_FULL)
		return STIR_OK;
	if (verify_div_planned(l)) {
		c->dest_cover = STIR_DEST_DIVERTED;
		return STIR_OK;
	}
	if (l->v->params->dest_any)
		return STIR_OK;
	if (l->v->any_div && l->m->nrcpt) {
		verify_say(l, verify_div_flaw(l));
		return STIR_DIV_BROKEN;
	}
	verify_say(l, l->m->nrcpt ? "" : "the recipients are not known");
	return STIR_DEST_MISMATCH;
}

enum stir_reason verify_steps_x5u(struct verify_look *l)
{
	const char *rule = NULL;
	struct x5u where;
	enum stir_reason r = x5u_check(l->c->passport.x5u, &where, &rule);

	if (r != STIR_OK)
		verify_say(l, rule);
	return r;
}

/* --- the certificate: the first thing that may cost ------------------------------------- */

/* All tokens of a message wait until the same moment: fetch_wait_ms after l->t.ms. */
static enum stir_reason get_chain(struct verify_look *l)
{
	const struct verify_params *p = l->v->params;
	enum stir_reason r;
	struct err why;

	err_clear(&why);
	r = certcache_get(p->certs, l->c->passport.x5u, l->t, p->fetch_wait_ms, &l->chain, &why);
	if (r != STIR_OK)
		l->c->detail = arena_printf(l->m->arena, "%s", why.text);
	return r;
}

/* Another chain from the same address than the one in hand, or NULL. Once for each token. */
static struct cert_chain *newer_chain(struct verify_look *l)
{
	const struct verify_params *p = l->v->params;
	struct cert_chain *chain = NULL;

	if (l->renewed)
		return NULL;
	l->renewed = true;
	if (certcache_newer(p->certs, l->c->passport.x5u, l->chain, l->t, p->fetch_wait_ms, &chain) != STIR_OK)
		return NULL;
	return chain;
}

static void use_chain(struct verify_look *l, struct cert_chain *chain)
{
	cert_chain_unref(l->chain);
	l->chain = chain;
}

static void describe(struct verify_look *l)
{
	const struct verify_params *p = l->v->params;
	struct stir_check *c = l->c;
	int64_t from;

	c->spc = arena_copy(l->m->arena, tnauthlist_spc(cert_chain_tnauthlist(l->chain)));
	c->has_cert = true;
	c->cert_sha256 = arena_copy(l->m->arena, cert_chain_fingerprint(l->chain));
	c->cert_subject = arena_copy(l->m->arena, cert_chain_subject(l->chain));
	cert_chain_validity(l->chain, &from, &c->cert_not_after);
	c->domain = trustset_rules_of(p->trust, l->chain);
	if (p->keep_chain)
		c->chain_pem = arena_copy(l->m->arena, cert_chain_pem(l->chain));
}

static bool valid_at(const struct cert_chain *chain, int64_t iat)
{
	int64_t from, until;

	cert_chain_validity(chain, &from, &until);
	return iat >= from && iat <= until;
}

static enum stir_reason judge_chain(struct verify_look *l)
{
	int64_t from, until, iat = l->c->passport.iat;

	describe(l);
	cert_chain_validity(l->chain, &from, &until);
	if (iat < from || iat > until) {
		verify_say(l, iat < from ? "the certificate was not yet valid at iat" : "the certificate had expired at iat");
		return STIR_CERT_EXPIRED;
	}
	return trustset_revocation(l->v->params->trust, l->chain, iat, l->t.now, &l->c->revocation_unknown);
}

enum stir_reason verify_steps_cert(struct verify_look *l)
{
	enum stir_reason r = verify_steps_x5u(l);

	if (r == STIR_OK)
		r = get_chain(l);
	if (r != STIR_OK)
		return r;
	if (!valid_at(l->chain, l->c->passport.iat)) {
		struct cert_chain *newer = newer_chain(l);

		if (newer && valid_at(newer, l->c->passport.iat))
			use_chain(l, newer);
		else
			cert_chain_unref(newer);
	}
	return judge_chain(l);
}

/* --- authority -------------------------------------------------------------------------- */

/* A provider's certificate: which numbers are that provider's, the table says, if there is one. */
static void look_up_provider(struct verify_look *l, const struct tn *number)
{
	switch (spctable_look_list(l->v->params->spcs, cert_chain_tnauthlist(l->chain), number, 1)) {
	case SPCTABLE_COVERS:
		l->c->authority = TN_AUTHORITY_TN;
		l->c->by_table = true;
		break;
	case SPCTABLE_OUTSIDE:
		l->c->authority = TN_AUTHORITY_OUTSIDE;
		break;
	case SPCTABLE_UNKNOWN:
		break;
	}
}

static void find_authority(struct verify_look *l, const struct party *who)
{
	struct stir_check *c = l->c;

	/* Nothing says which certificate may vouch for a mailto URI (RFC 9475, 4). */
	c->authority = TN_AUTHORITY_NONE;
	c->by_table = false;
	if (who->kind == PARTY_TN)
		c->authority = tnauthlist_authority(cert_chain_tnauthlist(l->chain), &who->tn);
	if (c->authority == TN_AUTHORITY_SPC)
		look_up_provider(l, &who->tn);
	else if (c->authority == TN_AUTHORITY_TN && cert_chain_unchecked(l->chain))
		c->authority = TN_AUTHORITY_SPC;
	c->has_authority = true;
}

static enum stir_reason judge_authority(struct verify_look *l)
{
	/* A chain of no domain is none that trustset_check() has let through. */
	enum trust_authority need = l->c->domain ? l->c->domain->authority : TRUST_AUTHORITY_TN;

	switch (l->c->authority) {
	case TN_AUTHORITY_TN:
		return STIR_OK;
	case TN_AUTHORITY_SPC:
		return need == TRUST_AUTHORITY_TN ? STIR_SPC_NOT_AUTHORISED : STIR_OK;
	case TN_AUTHORITY_NONE:
		/* Who diverts decides over a token of somebody else, perhaps of a stricter domain. */
		return need == TRUST_AUTHORITY_ANY && l->c->passport.type != PASSPORT_DIV ? STIR_OK : STIR_NUMBER_NOT_AUTHORISED;
	case TN_AUTHORITY_OUTSIDE:
		break;
	}
	return STIR_NUMBER_NOT_AUTHORISED;
}

static const char *no_authority(const struct verify_look *l, const struct party *who)
{
	if (l->c->authority == TN_AUTHORITY_OUTSIDE && l->c->spc.n)
		return "the number is not among those of the certificate's provider";
	if (l->c->authority != TN_AUTHORITY_NONE)
		return NULL;
	return who->kind == PARTY_TN ? "the certificate has no TNAuthList" : "no certificate can vouch for an address that is no number";
}

enum stir_reason verify_steps_authority(struct verify_look *l)
{
	const struct passport *t = &l->c->passport;
	const struct party *who = t->type == PASSPORT_DIV ? &t->div : &t->orig;
	enum stir_reason r;
	struct span claim;

	find_authority(l, who);
	r = judge_authority(l);
	if (r != STIR_OK) {
		verify_say(l, no_authority(l, who));
		return r;
	}
	r = claimrules_check(cert_chain_claimrules(l->chain), t->jws.payload, &claim);
	if (r == STIR_CONSTRAINT_VIOLATED)
		verify_say(l, "a claim is missing, forbidden or has a value that is not permitted");
	return r;
}

/* --- signature -------------------------------------------------------------------------- */

static int verify_with(const struct cert_chain *chain, const struct jws *j)
{
	return cert_chain_verify(chain, j->signing_input, j->sig);
}

/*
 * Another key signed: perhaps the signer has changed its certificate and left it
 * at the same address.  What was found out about the old one is forgotten.
 */
static enum stir_reason with_newer(struct verify_look *l)
{
	struct cert_chain *newer = newer_chain(l);
	enum stir_reason r;

	if (!newer || verify_with(newer, &l->c->passport.jws) != 1) {
		cert_chain_unref(newer);
		return STIR_BAD_SIGNATURE;
	}
	use_chain(l, newer);
	l->c->stage = STIR_STAGE_CERT;
	r = judge_chain(l);
	if (r != STIR_OK)
		return r;
	l->c->stage = STIR_STAGE_AUTHORITY;
	r = verify_steps_authority(l);
	if (r != STIR_OK)
		return r;
	l->c->stage = STIR_STAGE_SIGNATURE;
	l->c->signed_ok = true;
	return STIR_OK;
}

enum stir_reason verify_steps_signature(struct verify_look *l)
{
	switch (verify_with(l->chain, &l->c->passport.jws)) {
	case 1:
		l->c->signed_ok = true;
		return STIR_OK;
	case 0:
		return with_newer(l);
	default:
		verify_say(l, "OpenSSL could not verify");
		return STIR_NO_RESOURCE;
	}
}

enum stir_reason verify_steps_over_budget(struct verify_look *l)
{
	verify_say(l, "not looked at: more Identity fields than are checked");
	return STIR_NO_RESOURCE;
}
