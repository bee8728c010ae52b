/*
 * The authentication service: may this message be signed with this certificate,
 * whom does the token name, and which digests does it carry.
 *
 * Doesn't know who sent it or why we sign for them; that was decided before.
 * What is signed already is sign_divert.c's.
 */
#include "config.h"

#include "core/sign.h"

#include <stdlib.h>

#include "core/encoding.h"
#include "core/identity.h"
#include "core/mmspdu.h"
#include "core/sign_internal.h"
#include "core/unique.h"

static const struct {
	const char *name, *sentence;
} outcomes[] = {
#define SIGN_OUTCOME(id, name, sentence) {name, sentence},
#include "core/sign_outcome.def"
#undef SIGN_OUTCOME
};

const char *sign_outcome_name(enum sign_outcome o)
{
	return outcomes[o].name;
}

const char *sign_outcome_sentence(enum sign_outcome o)
{
	return outcomes[o].sentence;
}

bool sign_outcome_ok(enum sign_outcome o)
{
	return o == SIGN_SIGNED || o == SIGN_SIGNED_UNBOUND || o == SIGN_DIVERTED;
}

/*
 * Reports and responses have no user as their author (doc/profile.md, 8.1).  Over
 * MM4 forward.REQ alone is a message; elsewhere what claims to be another PDU of
 * MM4 is none, and other values are what phones wrote and gateways let through.
 */
static bool is_message(const struct mms_message *m)
{
	struct mmspdu pdu;

	mmspdu_read(m, &pdu);
	if (m->mail_from.n == 0 || pdu.disputed)
		return false;
	return pdu.class == MMSPDU_FORWARD_REQ || (!m->mm4 && !mmspdu_claims_mm4(&pdu));
}

bool sign_covers(const struct cert_chain *chain, const struct tn *number)
{
	enum tn_authority a = tnauthlist_authority(cert_chain_tnauthlist(chain), number);

	return a == TN_AUTHORITY_TN || a == TN_AUTHORITY_SPC;
}

enum sign_outcome sign_concerns(const struct mms_message *m, bool divert)
{
	if (m->over_limit)
		return SIGN_NO_RESOURCE;
	if (message_field_count(m, "Identity") && !divert)
		return SIGN_ALREADY;
	if (!is_message(m))
		return SIGN_NOT_FORWARD;
	/* Between MMSCs the number has to travel, and is not shown; a mail user can read the token. */
	if (!m->mm4 && mmspdu_hides_sender(m))
		return SIGN_HIDDEN;
	return SIGN_SIGNED;
}

enum sign_outcome sign_begin(const struct sign_params *p, struct mms_message *m)
{
	enum sign_outcome o = sign_concerns(m, p->divert);

	if (o != SIGN_SIGNED)
		return o;
	if (message_field_count(m, "Identity"))
		return sign_divert_begin(p, m);
	if (m->from_kind == MESSAGE_FROM_AMBIGUOUS)
		return SIGN_AMBIGUOUS;
	if (m->from_kind != MESSAGE_FROM_ONE || m->from.kind != PARTY_TN)
		return SIGN_NO_NUMBER;
	if (!sign_covers(p->chain, &m->from.tn))
		return SIGN_NOT_COVERED;
	message_want(m, (1u << p->alg) | MESSAGE_WANT_CONTENT);
	return m->over_limit ? SIGN_NO_RESOURCE : SIGN_SIGNED;
}

/* Parties that one To or Cc field shows to every recipient. */
struct disclosed {
	struct party *party;
	size_t n;
	struct disclosed *next;
};

/* -1: more addresses than are looked at, or no memory. */
static int collect(const struct mms_message *m, const char *name, struct disclosed **list)
{
	for (size_t i = 0; i < m->nfield; i++) {
		struct disclosed *d;
		struct span *addr;
		bool truncated;
		size_t n;

		if (!span_caseis(m->field[i].name, name))
			continue;
		d = arena_alloc(m->arena, sizeof *d);
		n = address_list(m->field[i].value, m->arena, &addr, &truncated);
		if (d)
			d->party = arena_array(m->arena, n, sizeof *d->party);
		if (!d || !d->party || truncated)
			return -1;
		for (size_t k = 0; k < n; k++)
			party_from_address(m->plan, addr[k], m->arena, &d->party[d->n++]);
		d->next = *list;
		*list = d;
	}
	return 0;
}

/* What To and Cc show, in order: a message of ten thousand recipients may show as many. */
struct shown {
	const struct party **v;
	size_t n;
};

static int collect_all(const struct mms_message *m, struct shown *out)
{
	struct disclosed *list = NULL;
	size_t n = 0;

	if (collect(m, "To", &list) || collect(m, "Cc", &list))
		return -1;
	for (const struct disclosed *d = list; d; d = d->next)
		n += d->n;
	*out = (struct shown){arena_array(m->arena, n, sizeof *out->v), 0};
	if (!out->v)
		return -1;
	for (const struct disclosed *d = list; d; d = d->next)
		for (size_t i = 0; i < d->n; i++)
			out->v[out->n++] = &d->party[i];
	qsort(out->v, out->n, sizeof *out->v, party_order);
	return 0;
}

static bool is_disclosed(const struct shown *s, const struct party *p)
{
	return s->n && bsearch(&p, s->v, s->n, sizeof *s->v, party_order);
}

static bool all_same(const struct mms_message *m)
{
	for (size_t i = 1; i < m->nrcpt; i++)
		if (!party_eq(&m->rcpt[0].party, &m->rcpt[i].party))
			return false;
	return m->nrcpt > 0;
}

/*
 * dest is what the envelope says, blind copies left out (profile.md Q9): a
 * recipient that neither To nor Cc shows may be named only if it is alone.
 */
static enum sign_outcome name_dest(const struct mms_message *m, struct passport_new *n, struct sign_result *out)
{
	struct party *dest = arena_array(m->arena, m->nrcpt, sizeof *dest);
	struct shown shown;
	bool alone = all_same(m);

	if (!dest)
		return SIGN_NO_RESOURCE;
	if (collect_all(m, &shown)) {
		out->detail = span_cstr("more addresses in To and Cc than are looked at");
		return SIGN_NO_DEST;
	}
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct party *p = &m->rcpt[i].party;

		if (p->kind != PARTY_NONE && (alone || is_disclosed(&shown, p)))
			dest[n->ndest++] = *p;
		else
			out->nblind++;
	}
	n->dest = dest;
	out->ndest = n->ndest;
	return n->ndest ? SIGN_SIGNED : SIGN_NO_DEST;
}

static int digest_texts(const struct sign_params *p, struct mms_message *m, struct passport_new *n)
{
	struct msgi_value v;
	struct buf b;
	int rc = -1;

	buf_init(&b, 256);
	if (msgi_stream_value(&m->raw, p->alg, &v) == 0) {
		msgi_write(&b, &v);
		n->msgi = arena_copy(m->arena, buf_span(&b));
		if (p->content_digest && m->content_result.limit == CONTENT_WITHIN) {
			buf_reset(&b);
			msgi_write(&b, &m->content_result.msgc);
			n->msgc = arena_copy(m->arena, buf_span(&b));
		}
		rc = b.failed || arena_overflowed(m->arena) ? -1 : 0;
	}
	buf_free(&b);
	return rc;
}

/* Which digests, if any: a promise that the way will break helps nobody. */
static enum sign_outcome bind_content(const struct sign_params *p, struct mms_message *m, struct passport_new *n, struct sign_result *out)
{
	const struct content_result *c = &m->content_result;

	out->unsafe = c->unsafe;
	if (c->unsafe && p->unsafe == SIGN_UNSAFE_REJECT)
		return SIGN_UNSAFE;
	if (c->unsafe && p->unsafe == SIGN_UNSAFE_OMIT)
		return SIGN_SIGNED_UNBOUND;
	if (digest_texts(p, m, n)) {
		out->detail = span_cstr("a digest could not be made");
		return SIGN_NO_RESOURCE;
	}
	return SIGN_SIGNED;
}

/*
 * Two equal messages within a second would else get one and the same token, and
 * the second be taken for a replay of the first.
 */
static int make_unique(const struct sign_params *p, struct mms_message *m, struct passport_new *n)
{
	unsigned char octets[SIGN_JTI_BYTES];
	struct buf b;
	int rc = -1;

	if (claimrules_excludes(cert_chain_claimrules(p->chain), span_cstr("jti")))
		return 0;
	buf_init(&b, 2 * SIGN_JTI_BYTES);
	if (unique_octets(octets, sizeof octets) == 0) {
		base64url_encode(&b, octets, sizeof octets);
		n->jti = arena_copy(m->arena, buf_span(&b));
		rc = b.failed || arena_overflowed(m->arena) ? -1 : 0;
	}
	buf_free(&b);
	return rc;
}

/*
 * Whoever verifies the token holds it against our certificate's claim constraints
 * (RFC 8226, 8): one that can't pass would make mail fail that is better unsigned.
 */
static enum sign_outcome check_constraints(const struct sign_params *p, struct mms_message *m, struct span token, enum sign_outcome ok, struct sign_result *out)
{
	const struct claimrules *rules = cert_chain_claimrules(p->chain);
	struct span claim;
	struct jws jws;

	if (!rules)
		return ok;
	if (jws_split(token, m->arena, &jws) != STIR_OK)
		return SIGN_NO_RESOURCE;
	switch (claimrules_check(rules, jws.payload, &claim)) {
	case STIR_OK:
		return ok;
	case STIR_CONSTRAINT_VIOLATED:
		out->detail = arena_printf(m->arena, "the claim %.*s is missing, forbidden or has a value that is not permitted", SPAN_ARG(claim));
		return SIGN_CONSTRAINED;
	default:
		return SIGN_NO_RESOURCE;
	}
}

enum sign_outcome sign_make_value(const struct sign_params *p, struct mms_message *m, const struct passport_new *n, enum sign_outcome ok, struct sign_result *out)
{
	struct buf token, value;
	struct err e;

	err_clear(&e);
	buf_init(&token, LIMIT_TOKEN_BYTES);
	buf_init(&value, LIMIT_IDENTITY_BYTES);
	if (passport_write(n, p->key, &token, &e)) {
		out->detail = arena_printf(m->arena, "%s", e.text);
		ok = e.code == ERR_DATA ? SIGN_NO_DEST : SIGN_KEY_FAILED;
	} else if (sign_outcome_ok(ok = check_constraints(p, m, buf_span(&token), ok, out))) {
		identity_write(&value, buf_span(&token), p->x5u, passport_type_name(n->div ? PASSPORT_DIV : PASSPORT_MSG));
		out->value = arena_copy(m->arena, buf_span(&value));
		if (value.failed || arena_overflowed(m->arena))
			ok = SIGN_NO_RESOURCE;
	}
	buf_free(&token);
	buf_free(&value);
	return ok;
}

bool sign_cert_valid(const struct sign_params *p, int64_t a, int64_t b)
{
	int64_t from, until;

	cert_chain_validity(p->chain, &from, &until);
	return a >= from && a <= until && b >= from && b <= until;
}

static enum sign_outcome finish(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out)
{
	struct passport_new n = {.x5u = p->x5u, .iat = now, .orig = m->from};
	enum sign_outcome bound, named;

	if (m->over_limit)
		return SIGN_NO_RESOURCE;
	if (message_field_count(m, "Identity"))
		return sign_divert(p, m, now, out);
	if (!sign_cert_valid(p, now, now))
		return SIGN_CERT_DATES;
	named = name_dest(m, &n, out);
	if (named != SIGN_SIGNED)
		return named;
	bound = bind_content(p, m, &n, out);
	if (!sign_outcome_ok(bound))
		return bound;
	if (make_unique(p, m, &n)) {
		out->detail = span_cstr("no randomness for the token's jti");
		return SIGN_NO_RESOURCE;
	}
	return sign_make_value(p, m, &n, bound, out);
}

void sign_finish(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out)
{
	memset(out, 0, sizeof *out);
	out->outcome = finish(p, m, now, out);
	if (!sign_outcome_ok(out->outcome))
		out->value = span_make(NULL, 0);
}
