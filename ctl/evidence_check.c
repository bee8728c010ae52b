/*
 * A message made up around a recorded token, so that the ordinary verifier says
 * what it says of the token.  No check is made here that the verifier makes.
 */
#include "config.h"

#include "ctl/evidence_check.h"

#include "core/limits.h"
#include "core/passport.h"

enum { ADDRESS_MAX = 2 * LIMIT_URI_BYTES };

/* The party as an address that is read as that party again. 0 / -1. */
static int put_address(struct buf *out, const struct party *p)
{
	struct span text = party_text(p);

	if (p->kind == PARTY_TN)
		return buf_printf(out, "+%.*s/TYPE=PLMN@evidence.invalid", SPAN_ARG(text));
	if (p->kind == PARTY_URI && span_starts(text, "mailto:"))
		return buf_put_span(out, span_skip(text, strlen("mailto:")));
	return -1;
}

static void push_party(struct mms_message *m, const struct party *p, bool sender)
{
	struct buf b;

	buf_init(&b, ADDRESS_MAX);
	if (sender && (buf_putc(&b, '<') || put_address(&b, p) || buf_putc(&b, '>')))
		buf_reset(&b);
	if (sender)
		message_header(m, span_cstr("From"), buf_span(&b));
	else if (put_address(&b, p) == 0)
		message_rcpt(m, buf_span(&b));
	buf_free(&b);
}

static int push_identity(struct mms_message *m, const struct evidence_line *l, const struct passport *p, struct err *e)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, LIMIT_IDENTITY_BYTES);
	if (buf_printf(&b, "%.*s;info=<%.*s>;alg=ES256;ppt=%.*s", SPAN_ARG(l->token), SPAN_ARG(p->x5u), SPAN_ARG(p->ppt)))
		rc = err_set(e, ERR_DATA, "its token and address don't fit into an Identity field");
	else
		message_header(m, span_cstr("Identity"), buf_span(&b));
	buf_free(&b);
	return rc;
}

/* Everything up to the end of a body that has nothing in it. 0, or -1 and *e. */
static int examine(struct run *r, const struct evidence_line *l, const struct passport *p, struct err *e)
{
	struct transaction *t = &r->t;

	message_sender(&t->message, span_cstr("<>"));
	for (size_t i = 0; i < p->ndest; i++)
		push_party(&t->message, &p->dest[i], false);
	push_party(&t->message, &p->orig, true);
	if (push_identity(&t->message, l, p, e))
		return -1;
	engine_headers(r->engine, t, l->received);
	engine_examine(r->engine, t, l->received);
	return 0;
}

static int differs(struct buf *why, const char *what, struct span then, const char *now)
{
	buf_printf(why, "%s%s: %.*s was recorded, now %s", why->n ? "; " : "", what, SPAN_ARG(then), now);
	return 1;
}

static bool stopped_at(const struct evidence_line *l, enum stir_stage stage)
{
	return span_is(l->stage, stir_stage_name(stage));
}

/* Did it get to the content, or beyond? */
static bool reached_content(const struct evidence_line *l)
{
	return stopped_at(l, STIR_STAGE_CONTENT) || stopped_at(l, STIR_STAGE_REPLAY) || stopped_at(l, STIR_STAGE_DONE);
}

static enum evidence_check_outcome compare(const struct evidence_line *l, const struct stir_check *c, struct buf *why)
{
	const char *reason = stir_reason_name(c->reason);
	int n = 0;

	if (stopped_at(l, STIR_STAGE_PARTIES) || c->stage == STIR_STAGE_PARTIES)
		return EVIDENCE_CHECK_CANNOT;
	if (reached_content(l)) {
		if (c->stage < STIR_STAGE_CONTENT || !c->signed_ok)
			n += differs(why, "reason", l->field_reason, reason);
	} else if (!span_is(l->field_reason, reason)) {
		n += differs(why, "reason", l->field_reason, reason);
	}
	if (l->authority.n && c->has_authority && !span_is(l->authority, tn_authority_name(c->authority)))
		n += differs(why, "authority", l->authority, tn_authority_name(c->authority));
	if (l->domain.n && c->domain && !span_is(l->domain, c->domain->name))
		n += differs(why, "domain", l->domain, c->domain->name);
	return n ? EVIDENCE_CHECK_DIFFERS : EVIDENCE_CHECK_SAME;
}

int evidence_check_entry(struct evidence_verify_source *s, struct run *r, const struct evidence_line *l, enum evidence_check_outcome *out, struct buf *why,
			 struct err *e)
{
	const struct evidence_verify_page page = {.url = l->x5u, .pem = l->chain_pem};
	struct passport p = {0};

	buf_reset(why);
	*out = EVIDENCE_CHECK_DIFFERS;
	if (evidence_verify_serve(&s[0], r, &page, 1, e))
		return -1;
	transaction_begin(&r->t, r->engine, &r->client);
	r->t.forced = true;
	r->t.direction = DIRECTION_VERIFY;
	r->t.mta_name = span_cstr(r->host);
	if (passport_header(l->token, r->t.arena, &p) != STIR_OK || passport_claims(&p, r->t.arena) != STIR_OK) {
		buf_puts(why, "the recorded token is no token");
		return 0;
	}
	if (!span_eq(p.x5u, l->x5u)) {
		buf_puts(why, "the recorded address is not the token's");
		return 0;
	}
	if (examine(r, l, &p, e))
		return -1;
	if (r->t.result.ncheck != 1) {
		buf_printf(why, "the verifier says %s", stir_reason_name(r->t.result.reason));
		return 0;
	}
	*out = compare(l, &r->t.result.check[0], why);
	return 0;
}
