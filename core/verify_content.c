/*
 * Is the content the one that was signed, and what does the token say of its
 * sender beside the number?
 */
#include "config.h"

#include "core/verify_internal.h"

#include "core/rcd.h"

const struct msgi_value *verify_content_digest(struct verify *v, struct mms_message *m, enum msgi_alg alg)
{
	if (!v->have_raw[alg] && msgi_stream_value(&m->raw, alg, &v->raw[alg]) == 0)
		v->have_raw[alg] = true;
	return v->have_raw[alg] ? &v->raw[alg] : NULL;
}

/* Both claims, one, or none: design.md 4, content-digest.md "Verifier". */
static enum stir_reason judge_content(struct verify_look *l, bool raw, bool decoded)
{
	const struct passport *t = &l->c->passport;
	bool fallback = l->v->params->content == VERIFY_CONTENT_FALLBACK;

	l->c->integrity = STIR_INTEGRITY_RAW;
	if (raw && (decoded || !t->has_msgc || fallback))
		return STIR_OK;
	if (decoded && !raw) {
		l->c->integrity = STIR_INTEGRITY_DECODED;
		verify_say(l, "body-reencoded");
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

static enum stir_reason compare(struct verify_look *l, const struct msgi_value *msgi, const struct msgi_value *msgc)
{
	const struct passport *t = &l->c->passport;
	const struct content_result *content = &l->m->content_result;
	const struct msgi_value *raw = t->has_msgi ? verify_content_digest(l->v, l->m, msgi->alg) : NULL;
	bool decoded = false;

	if ((t->has_msgi && !raw) || (t->has_msgc && content->limit == CONTENT_NO_MEMORY))
		return STIR_NO_RESOURCE;
	if (t->has_msgc && content->limit == CONTENT_WITHIN)
		decoded = msgi_eq(&content->msgc, msgc);
	return judge_content(l, raw && msgi_eq(raw, msgi), decoded);
}

enum stir_reason verify_content(struct verify_look *l)
{
	const struct passport *t = &l->c->passport;
	struct msgi_value msgi, msgc;

	/* It was too old when the body came, and is not any more. */
	if (!(l->m->want & MESSAGE_WANT_CONTENT)) {
		verify_say(l, "the clock was set back while the message came");
		return STIR_NO_RESOURCE;
	}
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

void verify_content_rcd(struct verify_look *l)
{
	if (l->c->passport.has_rcd)
		l->c->rcd = rcd_read(l->c->passport.jws.payload, l->m->arena, &l->c->rcd_name);
}
