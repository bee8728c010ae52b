/*
 * What verification found.  What a token claims is only called signed when its
 * signature held: otherwise anybody could write it.
 */
#include "config.h"

#include "core/trustset.h"
#include "core/x5u.h"
#include "engine/policy_facts_internal.h"

static void put_party(struct facts *f, enum fact_id id, const struct party *p)
{
	if (p->kind != PARTY_TN)
		return;
	if (fact_row(id)->list)
		facts_add_tn(f, id, &p->tn);
	else
		facts_set_tn(f, id, &p->tn);
}

static void put_dest(struct facts *f, enum fact_id id, const struct passport *p)
{
	facts_empty(f, id);
	for (size_t i = 0; i < p->ndest; i++)
		put_party(f, id, &p->dest[i]);
}

static void put_x5u_host(struct facts *f, enum fact_id id, struct span url)
{
	struct x5u x;

	if (x5u_check(url, &x, NULL) == STIR_OK)
		policy_facts_put_host(f, id, x.host);
}

/* As a policy writes them; nobody tells two providers apart by the case of a letter. */
static void put_spc(struct facts *f, struct span spc)
{
	char *p = arena_alloc(f->arena, spc.n);

	if (!spc.n || !p)
		return;
	for (size_t i = 0; i < spc.n; i++)
		p[i] = spc.p[i] >= 'a' && spc.p[i] <= 'z' ? (char)(spc.p[i] - ('a' - 'A')) : spc.p[i];
	facts_set_text(f, FACT_SIGNER_SPC, span_make(p, spc.n));
}

/* Does the result rest on it: the token that speaks for the message, and the diversions that lead to us? */
static bool counts(const struct stir_result *r, const struct stir_check *c)
{
	return (c == r->best || c->in_chain) && c->domain;
}

/*
 * Hundredths; facts have thousandths.  A chain is worth no more than the least of
 * those who vouch for it: else who is believed little could send what others signed
 * to whom he likes.
 */
static void put_ceiling(struct facts *f, const struct stir_result *r, const struct stir_check *c)
{
	const struct trust_rules *least = c->domain->has_credit ? c->domain : NULL;

	for (size_t i = 0; i < r->ncheck; i++) {
		const struct trust_rules *d = r->check[i].domain;

		if (counts(r, &r->check[i]) && d->has_credit && (!least || d->credit < least->credit))
			least = d;
	}
	if (least)
		facts_set_num(f, FACT_SIGNER_CEILING, -(int64_t)least->credit * 10);
}

static void put_domain(struct facts *f, const struct stir_result *r, const struct stir_check *c)
{
	bool unknown = c->revocation_unknown;

	if (!c->domain)
		return;
	for (size_t i = 0; i < r->ncheck; i++)
		unknown = unknown || (counts(r, &r->check[i]) && r->check[i].revocation_unknown);
	policy_facts_put_text(f, FACT_SIGNER_DOMAIN, span_cstr(c->domain->name));
	policy_facts_put_word(f, FACT_SIGNER_REVOCATION, span_cstr(unknown ? "unknown" : "good"));
	put_ceiling(f, r, c);
}

static void put_signed(struct facts *f, const struct stir_result *r, const struct stir_check *c, int64_t now)
{
	const struct passport *p = &c->passport;

	if (c->has_authority)
		policy_facts_put_word(f, FACT_AUTHORITY, span_cstr(tn_authority_name(c->authority)));
	/* "unknown" is no word of theirs: absent. */
	policy_facts_put_word(f, FACT_INTEGRITY, span_cstr(stir_integrity_name(c->integrity)));
	policy_facts_put_word(f, FACT_DEST_COVER, span_cstr(stir_dest_cover_name(c->dest_cover)));
	if (c->integrity != STIR_INTEGRITY_UNKNOWN)
		facts_set_num(f, FACT_CONTENT_SUSPECT, c->content_suspect);
	if (c->stage >= STIR_STAGE_REPLAY)
		policy_facts_put_word(f, FACT_REPLAY, span_cstr(stir_replay_name(c->replay)));
	put_party(f, FACT_PASSPORT_ORIG, &p->orig);
	put_dest(f, FACT_PASSPORT_DEST, p);
	facts_set_num(f, FACT_PASSPORT_DEST_COUNT, (int64_t)p->ndest);
	facts_set_num(f, FACT_PASSPORT_AGE, now - p->iat);
	policy_facts_put_word(f, FACT_PASSPORT_ATTEST, p->attest);
	policy_facts_put_word(f, FACT_PASSPORT_RCD, span_cstr(stir_rcd_name(c->rcd)));
	if (c->rcd_name.n && c->rcd != STIR_RCD_MISMATCH)
		policy_facts_put_lower(f, FACT_PASSPORT_NAME, c->rcd_name);
	put_x5u_host(f, FACT_SIGNER_HOST, p->x5u);
	put_spc(f, c->spc);
	if (!c->has_cert)
		return;
	policy_facts_put_text(f, FACT_SIGNER_SUBJECT, c->cert_subject);
	policy_facts_put_text(f, FACT_SIGNER_CERT, c->cert_sha256);
	facts_set_num(f, FACT_SIGNER_EXPIRES, c->cert_not_after - now);
	put_domain(f, r, c);
}

static void put_claimed(struct facts *f, const struct passport *p, int64_t now)
{
	put_party(f, FACT_CLAIMED_ORIG, &p->orig);
	put_dest(f, FACT_CLAIMED_DEST, p);
	facts_set_num(f, FACT_CLAIMED_AGE, now - p->iat);
	policy_facts_put_word(f, FACT_CLAIMED_ATTEST, p->attest);
	put_x5u_host(f, FACT_CLAIMED_HOST, p->x5u);
}

void policy_facts_verification(struct facts *f, const struct transaction *t, int64_t now)
{
	const struct stir_result *r = &t->result;

	policy_facts_put_word(f, FACT_VERIFY, span_cstr(stir_word_name(stir_reason_word(r->reason))));
	policy_facts_put_word(f, FACT_REASON, span_cstr(stir_reason_name(r->reason)));
	facts_set_num(f, FACT_IDENTITY_COUNT, (int64_t)message_field_count(&t->message, "Identity"));
	if (!r->best)
		return;
	if (r->best->signed_ok)
		put_signed(f, r, r->best, now);
	else if (r->best->has_claims)
		put_claimed(f, &r->best->passport, now);
}
