/*
 * One message: which way, what the signer or the verifier found, what the policy
 * says to it, and the edits that follow.
 *
 * Changes no message itself: a verdict is data, carried out by the front end.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include "core/authres.h"
#include "core/identity.h"
#include "engine/clock.h"
#include "engine/policy_write.h"

/* Ordinary mail passes untouched (profile.md Q17). */
static bool verify_concerns(const struct transaction *t)
{
	const struct mms_message *m = &t->message;

	if (t->forced || message_field_count(m, "Identity") || m->from.kind == PARTY_TN)
		return true;
	for (size_t i = 0; i < m->nrcpt; i++)
		if (m->rcpt[i].party.kind == PARTY_TN)
			return true;
	return m->over_limit || m->mm4 || span_is(span_cstr(t->why), "listener");
}

/*
 * A header alone exempts nobody: the client must be one that speaks MM4, and
 * there must be one reading of what the message is (doc/profile.md, 5.6).
 */
static bool is_report(const struct transaction *t)
{
	const struct mms_message *m = &t->message;

	return m->mm4 && (mmspdu_is_report(t->pdu.class) || mmspdu_is_response(t->pdu.class)) && !t->pdu.disputed && !m->bare_cr && !m->over_limit;
}

static bool covers(const void *arg, size_t key, const struct tn *number)
{
	return signers_cover_number(arg, key, number);
}

/* Which of our keys signs for this client and this number (RFC 8224, 6.1, step 2). */
static enum sign_outcome choose_name(const struct engine *g, const struct transaction *t, const struct tn *number, size_t *name)
{
	const struct signingtable_cover cover = {covers, g->signers};

	*name = 0;
	if (!g->signing)
		return SIGN_SIGNED;
	switch (signingtable_look(g->signing, t->message.client, number, &cover, name)) {
	case SIGNINGTABLE_SIGN:
		return SIGN_SIGNED;
	case SIGNINGTABLE_NEVER:
		return SIGN_OFF;
	default:
		return SIGN_NOT_ALLOWED;
	}
}

/* For a message without a number, of which sign_begin() says what it lacks. */
static const struct sign_params *any_key(const struct engine *g, int64_t now)
{
	const char *const *names;
	size_t n = signers_names(g->signers, &names);
	const struct sign_params *p = NULL;

	for (size_t i = 0; !p && i < n; i++)
		p = signers_choose(g->signers, i, NULL, now);
	return p;
}

static enum sign_outcome choose_key(const struct engine *g, struct transaction *t, int64_t now)
{
	const struct mms_message *m = &t->message;
	const struct tn *number = m->from_kind == MESSAGE_FROM_ONE && m->from.kind == PARTY_TN ? &m->from.tn : NULL;
	enum sign_outcome o = SIGN_SIGNED;
	size_t name = 0;

	if (!g->signers)
		return SIGN_KEY_FAILED;
	o = sign_concerns(&t->message, g->settings.sign_diversions);
	if (o != SIGN_SIGNED)
		return o;
	if (g->settings.require_clock_sync && !t->forced && !clock_is_synchronised())
		return SIGN_CLOCK;
	if (number)
		o = choose_name(g, t, number, &name);
	if (o != SIGN_SIGNED)
		return o;
	t->sign_params = number ? signers_choose(g->signers, name, number, now) : any_key(g, now);
	return t->sign_params ? SIGN_SIGNED : SIGN_CERT_DATES;
}

static void begin_sign(struct engine *g, struct transaction *t, int64_t now)
{
	t->sign_begun = choose_key(g, t, now);
	if (t->sign_begun == SIGN_SIGNED)
		t->sign_begun = sign_begin(t->sign_params, &t->message);
	t->scope = t->sign_begun == SIGN_SIGNED ? ENGINE_IN_SCOPE : ENGINE_OUT_OF_SCOPE;
}

static struct certcache_time time_of(int64_t now)
{
	return (struct certcache_time){.now = now, .ms = clock_monotonic_ms()};
}

static void begin_verify(struct engine *g, struct transaction *t, int64_t now)
{
	t->scope = is_report(t) ? ENGINE_REPORT : verify_concerns(t) ? ENGINE_IN_SCOPE : ENGINE_OUT_OF_SCOPE;
	if (t->scope == ENGINE_IN_SCOPE && g->trust)
		t->verify = verify_begin(&g->verify, &t->message, time_of(now));
	if (t->scope != ENGINE_OUT_OF_SCOPE)
		engine_policy_want(g, t);
}

void engine_headers(struct engine *g, struct transaction *t, int64_t now)
{
	message_end_headers(&t->message);
	t->message.mm4 = direction_is_mm4(&g->settings, t->message.client);
	mmspdu_read(&t->message, &t->pdu);
	t->hidden = !g->settings.show_hidden && mmspdu_hides_sender(&t->message);
	if (t->forced)
		t->why = "command-line";
	else
		t->direction = direction_of(&g->settings, g->signing, t->message.client, &t->why);
	if (t->direction == DIRECTION_SIGN)
		begin_sign(g, t, now);
	else if (t->direction == DIRECTION_VERIFY)
		begin_verify(g, t, now);
}

static struct span our_name(const struct engine *g, const struct transaction *t)
{
	return g->settings.authserv_id ? span_cstr(g->settings.authserv_id) : t->mta_name;
}

/* Is the nth field of that name one that only we may write? */
static bool is_forged(const struct header_field *f, struct span me)
{
	/* Seen only in part: better gone than trusted. */
	if (f->cut)
		return true;
	return span_caseis(f->name, ENGINE_POLICY_FIELD) || authres_is_claim(f->value, me);
}

/*
 * From the last field to the first, so that the numbers of those still to go
 * stay right.  Fields beyond what was kept of the header were the last ones.
 */
static int delete_forged(struct transaction *t, const char *name, struct span me)
{
	const struct mms_message *m = &t->message;
	size_t nth = message_watched(m, name), kept = message_field_count(m, name);

	for (; nth > kept; nth--)
		if (verdict_delete(&t->verdict, t->arena, span_cstr(name), (unsigned)nth))
			return -1;
	for (size_t i = m->nfield; i-- > 0 && nth > 0;) {
		if (!span_caseis(m->field[i].name, name))
			continue;
		if (is_forged(&m->field[i], me) && verdict_delete(&t->verdict, t->arena, span_cstr(name), (unsigned)nth))
			return -1;
		nth--;
	}
	return 0;
}

/*
 * A flood of fields that pretend to be ours must not leave us without the memory
 * to delete them and to put ours on top.
 */
static void make_room(struct transaction *t)
{
	size_t n = message_watched(&t->message, ENGINE_RESULT_FIELD) + message_watched(&t->message, ENGINE_POLICY_FIELD);

	arena_spare(t->arena, LIMIT_VERDICT_SPARE);
	if (verdict_reserve(&t->verdict, t->arena, (n < LIMIT_DELETIONS ? n : LIMIT_DELETIONS) + 2))
		t->edits_incomplete = true;
}

/* The one refusal nobody has to ask for: letting it through would vouch for a forgery. */
static bool refuse_flood(struct transaction *t)
{
	if (message_watched(&t->message, ENGINE_RESULT_FIELD) + message_watched(&t->message, ENGINE_POLICY_FIELD) <= LIMIT_DELETIONS)
		return false;
	t->verdict.action = VERDICT_REJECT;
	t->verdict.reply_code = "550";
	t->verdict.reply_xcode = "5.7.1";
	t->verdict.reply_text = span_cstr("too many Authentication-Results fields");
	return true;
}

static void insert_result(struct transaction *t, struct span me)
{
	struct buf value;

	t->result.hide_orig = t->hidden;
	buf_init(&value, 2 * LIMIT_RESULT_FIELD);
	authres_write(&value, me, &t->result);
	if (value.failed || verdict_insert(&t->verdict, t->arena, span_cstr(ENGINE_RESULT_FIELD), buf_span(&value)))
		t->edits_incomplete = true;
	buf_free(&value);
}

/* What the policy found, in words; it stands below the result. */
static void insert_policy(const struct engine *g, struct transaction *t)
{
	const struct policy_write w = {.policy = g->policy, .result = &t->policy, .facts = t->facts, .action = t->verdict.action};
	struct buf value;

	buf_init(&value, 2 * LIMIT_RESULT_FIELD);
	policy_write_field(&value, &w);
	if (value.failed || verdict_insert(&t->verdict, t->arena, span_cstr(ENGINE_POLICY_FIELD), buf_span(&value)))
		t->edits_incomplete = true;
	buf_free(&value);
}

/* Is the message let go on, so that its tokens are used up? */
static bool goes_on(const struct transaction *t)
{
	return t->verdict.action != VERDICT_REJECT && t->verdict.action != VERDICT_TEMPFAIL;
}

/*
 * The use is recorded when we let the message go on, and not before: a client
 * that is told to try again does so with the same token.  Another delivery may have been
 * faster since we looked; then this one is a replay, and is judged as one.
 */
static void judge_and_record(struct engine *g, struct transaction *t, int64_t now)
{
	if (g->policy)
		engine_policy_judge(g, t, now, false);
	if (!g->replay || !t->verify || !goes_on(t) || !verify_record(t->verify, &t->message, time_of(now), &t->result))
		return;
	if (g->policy) {
		engine_policy_examine(g, t, now);
		engine_policy_judge(g, t, now, true);
	}
}

static void judge_verify(struct engine *g, struct transaction *t, int64_t now)
{
	struct span me = our_name(g, t);
	bool quiet;

	if (refuse_flood(t))
		return;
	if (t->scope != ENGINE_OUT_OF_SCOPE)
		judge_and_record(g, t, now);
	quiet = engine_policy_judged(t) && t->policy.mode == AST_MODE_OBSERVE;
	make_room(t);
	if (delete_forged(t, ENGINE_RESULT_FIELD, me) || delete_forged(t, ENGINE_POLICY_FIELD, me))
		t->edits_incomplete = true;
	if (t->scope == ENGINE_OUT_OF_SCOPE || quiet)
		return;
	if (engine_policy_judged(t))
		insert_policy(g, t);
	if (t->scope == ENGINE_IN_SCOPE)
		insert_result(t, me);
}

static void insert_identity(struct transaction *t)
{
	struct buf value;

	buf_init(&value, 2 * LIMIT_IDENTITY_BYTES);
	identity_fold(&value, t->sign.value);
	if (value.failed || verdict_insert(&t->verdict, t->arena, span_cstr("Identity"), buf_span(&value)))
		t->edits_incomplete = true;
	buf_free(&value);
}

static void judge_sign(struct transaction *t)
{
	if (sign_outcome_ok(t->sign.outcome))
		insert_identity(t);
	if (t->sign.outcome == SIGN_UNSAFE) {
		t->verdict.action = VERDICT_REJECT;
		t->verdict.reply_code = "550";
		t->verdict.reply_xcode = "5.6.0";
		t->verdict.reply_text = span_cstr("message body can not be signed so that it survives the way");
	}
}

void engine_examine(struct engine *g, struct transaction *t, int64_t now)
{
	message_end(&t->message);
	if (t->direction == DIRECTION_SIGN) {
		t->sign.outcome = t->sign_begun;
		if (t->sign_begun == SIGN_SIGNED)
			sign_finish(t->sign_params, &t->message, now, &t->sign);
	} else if (t->direction == DIRECTION_VERIFY && t->scope != ENGINE_OUT_OF_SCOPE) {
		if (t->scope == ENGINE_IN_SCOPE)
			verify_finish(t->verify, &t->message, time_of(now), &t->result);
		else
			t->result.reason = STIR_NO_IDENTITY;
		if (g->policy)
			engine_policy_examine(g, t, now);
	}
}

void engine_judge(struct engine *g, struct transaction *t, int64_t now)
{
	if (t->direction == DIRECTION_SIGN)
		judge_sign(t);
	else if (t->direction == DIRECTION_VERIFY)
		judge_verify(g, t, now);
	if (engine_policy_judged(t))
		return;
	if (t->verdict.action == VERDICT_ACCEPT && t->verdict.nedit)
		t->verdict.action = VERDICT_TAG;
	t->verdict.would = t->verdict.action;
}

void engine_finish(struct engine *g, struct transaction *t, int64_t now)
{
	int64_t since = clock_monotonic_us();

	engine_examine(g, t, now);
	engine_judge(g, t, now);
	t->took_us = clock_monotonic_us() - since;
	engine_count(g, t);
}
