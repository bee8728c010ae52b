/*
 * From rules that hit to a verdict: absorb, caps of groups, sums, finals,
 * failures, thresholds, the mode, and the text of a reply.
 */
#include "config.h"

#include "policy/policy_internal.h"

static struct policy_hit *hit_of(struct policy_result *out, size_t rule)
{
	size_t low = 0, high = out->nhit;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (out->hit[mid].rule < rule)
			low = mid + 1;
		else
			high = mid;
	}
	return low < out->nhit && out->hit[low].rule == rule && out->hit[low].hit ? &out->hit[low] : NULL;
}

/* A rule that is absorbed absorbs all the same: who takes from whom depends on no order. */
static void absorb(const struct policy *p, struct policy_result *out)
{
	for (size_t i = 0; i < out->nhit; i++) {
		const struct policy_rule *r = &p->rule[out->hit[i].rule];

		for (size_t k = 0; out->hit[i].hit && k < r->nabsorb; k++) {
			struct policy_hit *h = hit_of(out, r->absorb[k]);

			if (h)
				h->lost_milli = h->score_milli;
		}
	}
}

struct sums {
	int64_t up, down;
};

static int64_t capped(struct sums s, int32_t max)
{
	return (s.up > max ? max : s.up) + (s.down < -max ? -max : s.down);
}

/* Groups are for live rules; what shadow rules would add is their plain sum. */
static int add_up(const struct policy *p, struct arena *a, struct policy_result *out)
{
	struct sums *group = arena_array(a, p->ast->ngroup, sizeof *group);
	int64_t sum = 0, shadow = 0;

	if (!group)
		return -1;
	for (size_t i = 0; i < out->nhit; i++) {
		const struct policy_hit *h = &out->hit[i];
		ptrdiff_t g = p->rule[h->rule].group;
		int32_t score = h->score_milli - h->lost_milli;

		if (h->shadow)
			shadow += score;
		else if (g == POLICY_NO_GROUP)
			sum += score;
		else if (score > 0)
			group[g].up += score;
		else
			group[g].down += score;
	}
	for (size_t g = 0; g < p->ast->ngroup; g++)
		sum += capped(group[g], p->group_max[g]);
	out->score_milli = (int32_t)sum;
	out->shadow_milli = (int32_t)shadow;
	return 0;
}

/* Who vouches for a message decides how much better than nothing it can get. */
static void hold_ceiling(const struct facts *f, struct policy_result *out)
{
	size_t n;
	const struct facts_value *v = facts_values(f, FACT_SIGNER_CEILING, &n);

	if (n && out->score_milli < v->num) {
		out->ceiling_milli = (int32_t)(v->num - out->score_milli);
		out->score_milli = (int32_t)v->num;
	}
}

/* --- what decides ------------------------------------------------------------------------ */

static const struct ast_action *final(const struct policy *p, const struct policy_peer *peer, struct policy_result *out)
{
	for (size_t i = 0; i < out->nhit; i++) {
		const struct policy_hit *h = &out->hit[i];
		const struct policy_override *o;

		if (!h->hit || !h->final || h->shadow)
			continue;
		out->final_rule = h->rule;
		o = policy_peer_override(peer, h->rule);
		return o && o->ast->has_final ? &o->ast->final : &p->rule[h->rule].ast->final;
	}
	return NULL;
}

/* A rule that failed is asked about first: another failure, which a sender may cause, can't hide it. */
static const struct ast_action *failure(const struct policy *p, const struct facts *f, const struct policy_result *out)
{
	size_t n;
	const struct facts_value *v = facts_values(f, FACT_FAILURE, &n);
	const struct ast_action *timeout = p->on[fact_word(FACT_FAILURE, span_cstr("timeout"))];

	if (out->error && timeout)
		return timeout;
	return n ? p->on[v->num] : NULL;
}

static const struct ast_action *threshold(const struct policy *p, const struct policy_result *out)
{
	for (size_t i = p->ast->nthreshold; i; i--)
		if (out->score_milli >= p->threshold[i - 1].at)
			return p->threshold[i - 1].action;
	return NULL;
}

static void decide(const struct policy *p, const struct policy_peer *peer, const struct facts *f, struct policy_result *out)
{
	out->because = "final";
	out->would = final(p, peer, out);
	if (out->would)
		return;
	out->because = "failure";
	out->would = failure(p, f, out);
	if (out->would)
		return;
	out->because = "score";
	out->would = threshold(p, out);
	if (!out->would)
		out->because = "none";
}

enum verdict_action policy_verdict_action(enum ast_action_kind k)
{
	static const enum verdict_action action[] = {
		[AST_ACCEPT] = VERDICT_ACCEPT,
		[AST_DISCARD] = VERDICT_DISCARD,
		[AST_TAG] = VERDICT_TAG,
		[AST_QUARANTINE] = VERDICT_QUARANTINE,
		[AST_REDIRECT] = VERDICT_REDIRECT,
		[AST_TEMPFAIL] = VERDICT_TEMPFAIL,
		[AST_REJECT] = VERDICT_REJECT,
	};

	return action[k];
}

static enum verdict_action after_mode(enum ast_mode mode, enum verdict_action would)
{
	if (mode == AST_MODE_ENFORCE || would == VERDICT_ACCEPT)
		return would;
	return mode == AST_MODE_OBSERVE ? VERDICT_ACCEPT : VERDICT_TAG;
}

/* --- the reply ------------------------------------------------------------------------------ */

static void put_printable(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > 0x20 && s.p[i] < 0x7f)
			buf_putc(out, s.p[i]);
}

static void put_rules(struct buf *out, const struct policy *p, const struct policy_result *r)
{
	const char *comma = "";

	for (size_t i = 0; i < r->nhit; i++) {
		if (!r->hit[i].hit || r->hit[i].shadow)
			continue;
		buf_printf(out, "%s%s", comma, p->rule[r->hit[i].rule].name);
		comma = ",";
	}
}

static void put_text(struct buf *out, const struct policy *p, const struct policy_result *r, const struct policy_reply *reply)
{
	struct span s = r->would->text.text;

	while (s.n) {
		size_t n = span_find(s, '%');

		buf_put_span(out, span_take(s, n));
		s = span_skip(s, n);
		if (!s.n)
			break;
		if (span_starts(s, "%%"))
			buf_putc(out, '%');
		else if (span_starts(s, "%{rules}"))
			put_rules(out, p, r);
		else if (reply)
			put_printable(out, span_starts(s, "%{queue_id}") ? reply->queue_id : reply->help_url);
		s = span_starts(s, "%%") ? span_skip(s, 2) : span_skip(s, span_find(s, '}') + 1);
	}
}

/* Templates filled; what is longer than a reply may be ends in "...", to be seen. */
static int write_reply(const struct policy *p, const struct policy_reply *reply, struct arena *a, struct policy_result *out)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, (size_t)POLICY_REPLY_BYTES + (size_t)1024 * 1024);
	put_text(&text, p, out, reply);
	if (text.failed)
		rc = -1;
	else if (text.n > POLICY_REPLY_BYTES)
		out->text = arena_printf(a, "%.*s...", POLICY_REPLY_BYTES - 3, text.p);
	else
		out->text = arena_copy(a, buf_span(&text));
	buf_free(&text);
	return rc || arena_overflowed(a) ? -1 : 0;
}

static int fill_texts(const struct policy *p, const struct policy_reply *reply, struct arena *a, struct policy_result *out)
{
	const struct ast_action *w = out->would;

	if (!w)
		return 0;
	if (w->code.text.n && !(out->code = arena_cstr(a, w->code.text)))
		return -1;
	if (w->kind == AST_REDIRECT)
		out->text = w->text.text;
	if (w->kind != AST_TEMPFAIL && w->kind != AST_REJECT)
		return 0;
	return write_reply(p, reply, a, out);
}

int policy_verdict(const struct policy *p, const struct policy_peer *peer, const struct facts *f, const struct policy_reply *reply, struct arena *a,
	struct policy_result *out)
{
	absorb(p, out);
	if (add_up(p, a, out))
		return -1;
	hold_ceiling(f, out);
	decide(p, peer, f, out);
	out->would_action = out->would ? policy_verdict_action(out->would->kind) : VERDICT_ACCEPT;
	out->action = after_mode(out->mode, out->would_action);
	return fill_texts(p, reply, a, out);
}
