/*
 * One message through a policy: its peer, the rates, every rule, then the verdict.
 *
 * Rates are asked once per message before the rules, so that the order of rules
 * and of the parts of a condition changes neither a score nor a bucket.  Only
 * rules that the message's facts can wake up are looked at, but for a trace.
 */
#include "config.h"

#include "policy/policy_internal.h"

int policy_eval_begin(struct policy_eval *e, const struct policy *p, const struct facts *f, struct arena *a)
{
	*e = (struct policy_eval){.p = p, .f = f, .arena = a};
	e->truth = arena_alloc(a, p->ast->nrule);
	e->over = arena_array(a, p->ast->nrate, sizeof *e->over);
	return e->truth && e->over ? 0 : -1;
}

void policy_eval_end(struct policy_eval *e)
{
	pcre2_match_data_free(e->match);
	pcre2_match_context_free(e->context);
}

/* --- rates --------------------------------------------------------------------------- */

/* The octets of a key's part, as they are in memory: keys are never shown. */
static struct span part(enum fact_id id, const struct facts_value *v)
{
	enum fact_type t = fact_row(id)->type;

	if (t <= FACT_TYPE_SIZE || t == FACT_TYPE_CLOCK)
		return span_make(&v->num, sizeof v->num);
	if (v->hidden || t == FACT_TYPE_HOST || t == FACT_TYPE_SPC || t == FACT_TYPE_TEXT)
		return v->text;
	return t == FACT_TYPE_TN ? tn_span(&v->tn) : span_make(v->addr.b, sizeof v->addr.b);
}

/* Hosts and codes are equal whatever the case of their letters, so their buckets are one. */
static void put_part(char *at, enum fact_id id, struct span s)
{
	enum fact_type t = fact_row(id)->type;

	for (size_t i = 0; i < s.n; i++)
		at[i] = t == FACT_TYPE_HOST || t == FACT_TYPE_SPC ? span_lower(s.p[i]) : s.p[i];
}

/* The parts with their lengths, so that "a","bc" is not "ab","c". The empty span when one is absent, or without memory. */
static struct span key_of(const struct policy_eval *e, const struct policy_rate *r)
{
	struct span parts[FACT_N];
	size_t n = 0;
	char *key, *at;

	for (size_t i = 0; i < r->nkey; i++) {
		size_t count;
		const struct facts_value *v = facts_values(e->f, r->key[i], &count);

		if (!count)
			return span_make(NULL, 0);
		parts[i] = part(r->key[i], v);
		n += sizeof(size_t) + parts[i].n;
	}
	key = at = arena_alloc(e->arena, n);
	if (!key)
		return span_make(NULL, 0);
	for (size_t i = 0; i < r->nkey; i++) {
		memcpy(at, &parts[i].n, sizeof(size_t));
		put_part(at + sizeof(size_t), r->key[i], parts[i]);
		at += sizeof(size_t) + parts[i].n;
	}
	return span_make(key, n);
}

static void ask_rates(struct policy_eval *e, const struct policy_env *env)
{
	for (size_t i = 0; env->counters && i < e->p->ast->nrate; i++) {
		const struct policy_rate *r = &e->p->rate[i];
		struct span key;

		if (!r->live && !r->shadow)
			continue;
		key = key_of(e, r);
		if (key.n)
			e->over[i] = counters_over(env->counters, &r->rate, key, env->now_ms, env->take);
	}
}

/* --- rules ---------------------------------------------------------------------------- */

static void run(struct policy_eval *e, size_t i)
{
	if (e->truth[i] != POLICY_OFF)
		e->truth[i] = (unsigned char)policy_eval_condition(e, &e->p->rule[i].when, e->p->rule[i].ast->shadow);
}

static void run_bucket(struct policy_eval *e, const struct policy_bucket *b)
{
	for (size_t k = 0; k < b->n; k++)
		run(e, b->rule[k]);
}

static void run_all(struct policy_eval *e)
{
	const struct policy *p = e->p;

	for (size_t i = 0; i < p->nbucketed; i++) {
		enum fact_id id = p->bucketed[i];
		size_t n;
		const struct facts_value *v = facts_values(e->f, id, &n);

		if (n)
			run_bucket(e, &p->bucket[id][fact_row(id)->word ? v->num : 0]);
	}
	run_bucket(e, &p->free);
	for (size_t i = 0; i < p->norder; i++)
		run(e, p->order[i]);
}

/* --- hits ------------------------------------------------------------------------------ */

static int32_t score_of(const struct policy_eval *e, const struct policy_rule *r, const struct policy_override *o)
{
	int64_t score = o && o->ast->has_score ? o->score : r->score, count, n;
	size_t there;
	const struct facts_value *v;

	if (!r->scores || r->per == FACT_N)
		return (int32_t)score;
	v = facts_values(e->f, r->per, &there);
	count = there ? v->num : 0;
	/* A thousandth of a point times this is the most a rule can have. */
	n = score * (count < POLICY_SCORE_MILLI ? count : POLICY_SCORE_MILLI);
	return (int32_t)(n > r->max ? r->max : n < -r->max ? -r->max : n);
}

static void fill_hit(struct policy_eval *e, const struct policy_peer *peer, size_t i, bool trace, struct policy_hit *h)
{
	const struct policy_rule *r = &e->p->rule[i];
	enum policy_truth t = (enum policy_truth)e->truth[i];

	*h = (struct policy_hit){.rule = i, .hit = t == POLICY_TRUE, .shadow = r->ast->shadow, .error = t == POLICY_UNKNOWN};
	if (h->hit) {
		h->score_milli = score_of(e, r, policy_peer_override(peer, i));
		h->final = r->ast->has_final;
	}
	/* Not again what took too long. */
	if (trace || (h->error && !e->failed && !e->watched_failed))
		h->why = policy_trace(e, &r->when, t);
	else if (h->error)
		h->why = span_cstr("it could not be evaluated: some limit of work was reached");
}

/* The next rule to be told from i on: every rule with trace, else those that hit or failed. Most did not, so eight are passed over at once. */
static size_t next_told(const struct policy_eval *e, size_t i, bool trace)
{
	size_t n = e->p->ast->nrule;
	uint64_t eight;

	for (; i < n && !trace; i++) {
		while (n - i >= sizeof eight && (memcpy(&eight, e->truth + i, sizeof eight), eight == 0))
			i += sizeof eight;
		if (i < n && e->truth[i] != POLICY_FALSE && e->truth[i] != POLICY_OFF)
			break;
	}
	return i < n ? i : n;
}

static int collect(struct policy_eval *e, const struct policy_peer *peer, bool trace, struct policy_result *out)
{
	size_t n = e->p->ast->nrule, told = 0;

	for (size_t i = next_told(e, 0, trace); i < n; i = next_told(e, i + 1, trace))
		told++;
	out->hit = arena_array(e->arena, told, sizeof *out->hit);
	if (!out->hit)
		return -1;
	for (size_t i = next_told(e, 0, trace); i < n; i = next_told(e, i + 1, trace))
		fill_hit(e, peer, i, trace, &out->hit[out->nhit++]);
	return 0;
}

/* --- a message ---------------------------------------------------------------------------- */

static void enter_peer(struct policy_eval *e, struct facts *f, const struct policy_peer *peer)
{
	facts_clear(f, FACT_PEER);
	facts_clear(f, FACT_PEER_EXPECT);
	if (!peer)
		return;
	facts_set_text(f, FACT_PEER, span_cstr(peer->name));
	/* Of a report nobody expects a signature, whoever brings it. */
	if (peer->expect >= 0)
		facts_set_num(f, FACT_PEER_EXPECT, facts_present(f, FACT_MMS_KIND) ? fact_word(FACT_PEER_EXPECT, span_cstr("any")) : peer->expect);
	for (size_t i = 0; i < peer->noverride; i++)
		if (peer->override[i].ast->off)
			e->truth[peer->override[i].rule] = POLICY_OFF;
}

static int judge(struct policy_eval *e, struct facts *f, const struct policy_env *env, const struct policy_reply *reply, struct policy_result *out)
{
	const struct policy_peer *peer = policy_peer_find(e);

	enter_peer(e, f, peer);
	out->peer = peer ? peer->name : NULL;
	out->peer_in_doubt = e->peer_in_doubt;
	out->mode = peer ? peer->mode : e->p->mode;
	ask_rates(e, env);
	run_all(e);
	out->error = e->failed;
	if (collect(e, peer, env->trace, out))
		return -1;
	if (out->error && !facts_present(f, FACT_FAILURE))
		facts_set_num(f, FACT_FAILURE, fact_word(FACT_FAILURE, span_cstr("timeout")));
	return policy_verdict(e->p, peer, f, reply, e->arena, out);
}

int policy_eval(const struct policy *p, struct facts *f, const struct policy_env *env, const struct policy_reply *reply, struct arena *a, struct policy_result *out)
{
	struct policy_eval e;
	int rc;

	memset(out, 0, sizeof *out);
	facts_set_num(f, FACT_NOW, env->now);
	rc = policy_eval_begin(&e, p, f, a);
	if (rc == 0) {
		rc = judge(&e, f, env, reply, out);
		policy_eval_end(&e);
	}
	if (rc)
		*out = (struct policy_result){.mode = p->mode, .because = "failure", .error = true};
	return rc;
}
