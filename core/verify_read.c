/*
 * One Identity field, as far as the field alone tells: syntax, token, claims, and
 * whether the field says what the token's header says.
 */
#include "config.h"

#include "core/verify_internal.h"

#include "core/identity.h"

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

/*
 * A type that says nothing of a message makes the field absent, whatever else is
 * wrong with it (RFC 8224, 6.2, step 1).  Its claims are for people, and those of
 * a div token for the chains.
 */
static enum stir_reason read_other(struct stir_check *c, const struct identity *id, struct arena *a)
{
	c->detail = span_cstr(passport_type_sentence(c->passport.type));
	if (c->passport.type == PASSPORT_UNKNOWN)
		return STIR_PPT_UNSUPPORTED;
	c->has_claims = passport_claims(&c->passport, a) == STIR_OK && match_params(c, id) == STIR_OK;
	c->detail = span_cstr(passport_type_sentence(c->passport.type));
	return STIR_PPT_UNSUPPORTED;
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
	if (c->passport.type != PASSPORT_MSG)
		return read_other(c, &id, a);
	r = passport_claims(&c->passport, a);
	if (r != STIR_OK)
		return r;
	c->has_claims = true;
	r = match_params(c, &id);
	if (r == STIR_OK)
		c->stage = STIR_STAGE_TIME;
	return r;
}

void verify_read(const struct header_field *f, struct arena *a, struct stir_check *c)
{
	c->reason = read_field(f, a, c);
}
