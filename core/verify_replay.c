/*
 * Was the token used before?  Looked up when everything else holds; recorded when
 * the message is let go on.
 *
 * All recipients count: a token that passes covers them, or coverage is only
 * reported (dest_any), and then a second use is one all the same.
 */
#include "config.h"

#include "core/verify_internal.h"

/* Kept at least as long as a delivery may be tried again without being stale. */
enum { TTL_MIN_S = 60 };

static int have_delivery(struct verify *v, struct mms_message *m)
{
	const struct msgi_value *raw;

	if (v->have_delivery)
		return 0;
	raw = verify_content_digest(v, m, MSGI_SHA256);
	if (!raw || replay_delivery_of(v->params->replay, m, raw, &v->delivery))
		return -1;
	v->have_delivery = true;
	return 0;
}

static void tell_no_delivery(const struct replay *r, struct err *e)
{
	(void)err_set(e, ERR_UNAVAILABLE, "no hash of the message's body could be made");
	if (r->unknown)
		r->unknown(r->arg, e);
}

enum stir_reason verify_replay(struct verify_look *l)
{
	const struct replay *replay = l->v->params->replay;
	struct err e;

	l->c->replay = STIR_REPLAY_OFF;
	if (!replay)
		return STIR_OK;
	err_clear(&e);
	l->c->replay = STIR_REPLAY_UNKNOWN;
	if (have_delivery(l->v, l->m) == 0)
		l->c->replay = replay_look(replay, l->c->passport.jws.signing_input, l->m->rcpt, l->m->nrcpt, &l->v->delivery, l->t.now, &e);
	else
		tell_no_delivery(replay, &e);
	/* Not to know is no reason to stop the mail (design.md, "Modes and safety"). */
	return l->c->replay == STIR_REPLAY_REPLAYED ? STIR_REPLAYED : STIR_OK;
}

static uint32_t keep_for(const struct verify_params *p)
{
	uint32_t age = p->max_age_s > TTL_MIN_S ? p->max_age_s : TTL_MIN_S;

	/* One second more: an age of exactly max_age_s is fresh still. */
	return age >= UINT32_MAX - p->max_skew_s ? UINT32_MAX : age + p->max_skew_s + 1;
}

static enum stir_replay record(struct verify *v, struct mms_message *m, struct certcache_time t, const struct stir_check *c)
{
	struct err e;

	err_clear(&e);
	if (have_delivery(v, m)) {
		tell_no_delivery(v->params->replay, &e);
		return STIR_REPLAY_UNKNOWN;
	}
	return replay_record(v->params->replay, c->passport.jws.signing_input, m->rcpt, m->nrcpt, &v->delivery, t.now, keep_for(v->params), &e);
}

/*
 * A message may have several good tokens.  One that nobody needed is used up with
 * it all the same: else the message could be brought once more for each of them,
 * with those taken out that were recorded.  A store that does not answer is not
 * asked again.
 */
static void record_others(struct verify *v, struct mms_message *m, struct certcache_time t, const struct stir_check *best)
{
	enum stir_replay last = best->replay;

	for (size_t i = 0; i < v->n && last != STIR_REPLAY_UNKNOWN; i++) {
		struct stir_check *c = &v->check[i];

		if (c != best && c->reason == STIR_OK && c->passport.type == PASSPORT_MSG)
			last = c->replay = record(v, m, t, c);
	}
}

bool verify_record(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out)
{
	bool changed = false;

	if (!v || !v->params->replay)
		return false;
	/* A token that another delivery was faster with makes room for the next best. */
	while (out->reason == STIR_OK && out->best) {
		struct stir_check *c = &v->check[out->best - v->check];
		enum stir_replay r = record(v, m, t, c);

		changed = changed || r != c->replay;
		c->replay = r;
		if (r != STIR_REPLAY_REPLAYED)
			break;
		c->reason = STIR_REPLAYED;
		c->stage = STIR_STAGE_REPLAY;
		verify_conclude(v, m, t, out);
	}
	if (out->reason == STIR_OK && out->best)
		record_others(v, m, t, out->best);
	return changed;
}
