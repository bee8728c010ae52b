/*
 * The authentication service for a diversion (RFC 8946, 4.1): the message is
 * signed, and was forwarded from a number of ours to others.  A div token beside the
 * one that is there says so.
 *
 * The token that is there must be well formed and fresh, and of the sender in
 * From.  Its signature is not judged: a forwarder only SHOULD validate it, and may
 * leave "the burden of validating the chain entirely" to the verifier (RFC 8946,
 * 4.1).  We vouch for our own number only; a chain on a bad token is worth nothing.
 */
#include "config.h"

#include "core/sign_internal.h"

#include "core/divchain.h"
#include "core/identity.h"

/* The tokens that are there, as far as they are of use. */
struct signed_already {
	const struct passport *base; /* the msg token */
	bool base_differs;           /* several msg tokens of the sender, for different recipients */
	bool other_orig;             /* a msg token of another sender */
	struct divchain_token div[LIMIT_IDENTITY_READ];
	size_t ndiv;
};

static bool same_dest(const struct passport *a, const struct passport *b)
{
	for (size_t i = 0; i < a->ndest; i++)
		if (!divchain_names(b, &a->dest[i]))
			return false;
	for (size_t i = 0; i < b->ndest; i++)
		if (!divchain_names(a, &b->dest[i]))
			return false;
	return true;
}

static const struct passport *read_token(const struct header_field *f, struct arena *a)
{
	struct passport *p = arena_alloc(a, sizeof *p);
	struct identity id;

	if (!p || f->cut || identity_parse(f->value, a, &id) != STIR_OK || passport_header(id.token, a, p) != STIR_OK)
		return NULL;
	if (p->type != PASSPORT_MSG && p->type != PASSPORT_DIV)
		return NULL;
	return passport_claims(p, a) == STIR_OK && span_eq(id.info, p->x5u) ? p : NULL;
}

static void add_msg(struct signed_already *s, const struct passport *p, const struct party *from)
{
	if (!party_eq(&p->orig, from))
		s->other_orig = true;
	else if (!s->base)
		s->base = p;
	else if (!same_dest(s->base, p))
		s->base_differs = true;
}

static void read_fields(struct mms_message *m, struct signed_already *s)
{
	size_t n = message_field_count(m, "Identity");

	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < n && i < LIMIT_IDENTITY_READ; i++) {
		const struct passport *p = read_token(message_field(m, "Identity", i), m->arena);

		if (p && p->type == PASSPORT_DIV)
			s->div[s->ndiv++] = (struct divchain_token){.p = p};
		else if (p)
			add_msg(s, p, &m->from);
	}
	if (s->base)
		divchain_link(s->base, s->div, s->ndiv);
}

static bool in_envelope(const struct mms_message *m, const struct party *p)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if (party_eq(&m->rcpt[i].party, p))
			return true;
	return false;
}

/* Somebody has signed for that diversion already: only the last target may divert again (RFC 8946, 4.1). */
static bool diverted_before(const struct signed_already *s, const struct party *p)
{
	for (size_t i = 0; i < s->ndiv; i++)
		if (s->div[i].depth && party_eq(&s->div[i].p->div, p))
			return true;
	return false;
}

/* The numbers of ours among a token's former destinations. */
struct former {
	const struct party *ours; /* the one; the first of several */
	bool several, any;
};

/*
 * Ours is what the list of our certificate names: a provider's certificate says
 * nothing of numbers, and would make every one ours.
 */
static void look_at_dest(const struct sign_params *p, const struct mms_message *m, const struct signed_already *s, const struct passport *token, struct former *f)
{
	for (size_t i = 0; i < token->ndest; i++) {
		const struct party *d = &token->dest[i];

		if (in_envelope(m, d) || diverted_before(s, d))
			continue;
		f->any = true;
		if (d->kind != PARTY_TN || tnauthlist_authority(cert_chain_tnauthlist(p->chain), &d->tn) != TN_AUTHORITY_TN)
			continue;
		if (f->ours && !party_eq(f->ours, d))
			f->several = true;
		f->ours = f->ours ? f->ours : d;
	}
}

static void find_former(const struct sign_params *p, const struct mms_message *m, const struct signed_already *s, struct former *f)
{
	memset(f, 0, sizeof *f);
	look_at_dest(p, m, s, s->base, f);
	/* One more diversion would be over the limit of those who verify. */
	for (size_t i = 0; i < s->ndiv; i++)
		if (s->div[i].depth && s->div[i].depth < LIMIT_DIV_CHAIN)
			look_at_dest(p, m, s, s->div[i].p, f);
}

/* The recipients that no token names. -1: one that can't stand in a token, too many, or no memory. */
static int find_targets(struct mms_message *m, const struct signed_already *s, struct passport_new *n)
{
	struct party *dest = arena_array(m->arena, m->nrcpt, sizeof *dest);
	size_t path[LIMIT_DIV_CHAIN];

	if (!dest)
		return -1;
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct party *p = &m->rcpt[i].party;

		if (divchain_names(s->base, p) || divchain_path(s->div, s->ndiv, p, path))
			continue;
		if (p->kind == PARTY_NONE)
			return -1;
		dest[n->ndest++] = *p;
	}
	n->dest = dest;
	return 0;
}

static enum sign_outcome say(struct sign_result *out, enum sign_outcome o, const char *detail)
{
	out->detail = span_cstr(detail);
	return o;
}

/* Which diversion is it, if it is one? */
static enum sign_outcome plan(const struct sign_params *p, struct mms_message *m, const struct signed_already *s, struct passport_new *n, struct sign_result *out)
{
	struct former f;

	if (!s->base)
		return s->other_orig ? SIGN_DIVERT_ORIG : say(out, SIGN_ALREADY, "no msg token that could be read");
	if (s->base_differs)
		return say(out, SIGN_DIVERT_AMBIGUOUS, "several msg tokens of the sender, for different recipients");
	if (find_targets(m, s, n))
		return say(out, SIGN_NO_DEST, "a recipient is neither a number nor an address, or there are too many");
	if (!n->ndest)
		return say(out, SIGN_NOT_DIVERTED, "the tokens name every recipient");
	find_former(p, m, s, &f);
	if (!f.any)
		return say(out, SIGN_NOT_DIVERTED, "everybody the tokens name is still a recipient, or was diverted before");
	if (!f.ours)
		return SIGN_DIVERT_NOT_OURS;
	if (f.several)
		return say(out, SIGN_DIVERT_AMBIGUOUS, "several numbers of ours are no longer recipients");
	n->div = f.ours;
	return SIGN_DIVERTED;
}

/* From before the body: nothing of it is needed. */
enum sign_outcome sign_divert_begin(const struct sign_params *p, struct mms_message *m)
{
	(void)p;
	if (m->from_kind == MESSAGE_FROM_AMBIGUOUS)
		return SIGN_AMBIGUOUS;
	return m->from_kind == MESSAGE_FROM_ONE && m->from.kind != PARTY_NONE ? SIGN_SIGNED : SIGN_NO_NUMBER;
}

enum sign_outcome sign_divert(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out)
{
	uint32_t max_age = p->divert_max_age_s ? p->divert_max_age_s : SIGN_DIVERT_AGE_S;
	struct signed_already s;
	struct passport_new n = {.x5u = p->x5u};
	enum sign_outcome o;

	read_fields(m, &s);
	if (arena_overflowed(m->arena))
		return SIGN_NO_RESOURCE;
	o = plan(p, m, &s, &n, out);
	if (o != SIGN_DIVERTED)
		return o;
	if (passport_fresh(s.base, now, max_age, SIGN_DIVERT_AGE_S) != STIR_OK)
		return SIGN_DIVERT_STALE;
	if (!sign_cert_valid(p, now, s.base->iat))
		return SIGN_CERT_DATES;
	/* "orig" MUST, "iat" SHOULD be copied, and nothing else (RFC 8946, 3). */
	n.orig = s.base->orig;
	n.iat = s.base->iat;
	out->ndest = n.ndest;
	return sign_make_value(p, m, &n, SIGN_DIVERTED, out);
}
