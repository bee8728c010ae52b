/*
 * The policy of an engine: what it needs is opened, and each message's facts are
 * filled, looked up in the history, judged and remembered.
 *
 * What a rule means is policy/'s; where a fact comes from is policy_facts.c's;
 * how a verdict reads is policy_write.c's.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/background.h"
#include "engine/file.h"
#include "engine/policy_facts.h"
#include "engine/policy_open.h"
#include "engine/policy_write.h"

enum { WARNINGS_MAX = 20 /* lines in the log; stir-milter -n prints all */ };

/* --- opening ---------------------------------------------------------------------- */

/* Entries of the list of that name; 0 when there is none. */
static size_t list_size(const struct policy *p, const char *name)
{
	const char *other;
	size_t n;

	for (size_t i = 0;; i++) {
		n = policy_lists(p, i, &other);
		if (!other)
			return 0;
		if (strcmp(name, other) == 0)
			return n;
	}
}

/* A list whose file was cut off lets in whom it should keep out; what is written in the policy itself was meant. */
static int check_lists(const struct engine *g, const struct engine *old, struct err *e)
{
	const char *name;
	size_t now, before;

	if (!old || !old->policy || g->settings.allow_list_shrink)
		return 0;
	for (size_t i = 0;; i++) {
		now = policy_lists(g->policy, i, &name);
		if (!name)
			return 0;
		before = list_size(old->policy, name);
		if (policy_ast(g->policy)->list[i].file.text.n && now < before - before / 2)
			return err_set(e, ERR_CONFIG, "%s: list \"%s\" had %zu entries and has %zu now: more than half of it is gone; "
				       "\"AllowListShrink yes\" takes it all the same", g->settings.policy, name, before, now);
	}
}

/* "file:line:col: warning: ..." of each entry, without the lines that quote the file. */
static int keep_warnings(struct engine *g, const struct source_report *report, struct err *e)
{
	struct span rest = buf_span(&report->text);
	size_t n = 0;
	struct buf out;

	buf_init(&out, SOURCE_REPORT_BYTES);
	while (rest.n) {
		struct span line = span_cut(&rest, '\n');

		if (line.n && !span_is_blank(line.p[0]) && n++ < WARNINGS_MAX)
			(void)buf_printf(&out, "%.*s\n", SPAN_ARG(line));
	}
	if (n > WARNINGS_MAX)
		(void)buf_printf(&out, "%s: %zu more warnings; stir-milter -n prints them all\n", g->settings.policy, n - WARNINGS_MAX);
	if (out.failed) {
		buf_free(&out);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	g->warnings = out.p;
	return 0;
}

static int open_state(struct engine *g, const struct engine *old, struct err *e)
{
	g->state = old && old->state ? state_ref(old->state) : state_new((size_t)g->settings.state_entries);
	return g->state ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory, or no randomness, for rates and history");
}

static int open_factlog(struct engine *g, const struct engine *old, struct err *e)
{
	const char *path = g->settings.fact_log;

	if (!path)
		return 0;
	/* One object for one file, or two would each put an end to the other's lines. */
	if (old && old->factlog && strcmp(factlog_file_path(old->factlog), path) == 0) {
		g->factlog = factlog_file_ref(old->factlog);
		factlog_file_reopen(g->factlog);
	} else {
		g->factlog = factlog_file_new(path);
	}
	if (!g->factlog)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	metrics_attach(g->metrics, g->factlog, engine_gather_factlog);
	return 0;
}

static void name_peers(struct engine *g)
{
	const struct ast_policy *p = policy_ast(g->policy);

	for (size_t i = 0; i < p->npeer; i++)
		metrics_add_peer(g->metrics, p->peer[i].name.text);
}

static int read_policy(void *arg)
{
	const struct engine_opening *o = arg;

	return policy_open_noting(o->g->settings.policy, &o->g->policy, &o->g->policy_files, o->report, o->e);
}

int engine_policy_open(struct engine *g, const struct engine *old, struct source_report *report, struct err *e)
{
	struct engine_opening o = {g, report, e};

	/* Only what is verified is judged. */
	if (!g->settings.policy || !g->trust)
		return 0;
	buf_init(&g->policy_files, LIMIT_CONF_BYTES);
	if (background_run(old != NULL, read_policy, &o))
		return -1;
	g->needs = policy_needs(g->policy);
	name_peers(g);
	/* A rule may ask what was signed of a message that is stale or for others. */
	g->verify.go_on = true;
	/* Cheap, and what a policy of tomorrow may want of today's lines. */
	if (g->settings.fact_log)
		g->needs |= FACT_NEED_TO;
	if (check_lists(g, old, e) || keep_warnings(g, report, e) || open_state(g, old, e))
		return -1;
	return open_factlog(g, old, e);
}

void engine_policy_close(struct engine *g)
{
	policy_free(g->policy);
	buf_free(&g->policy_files);
	state_unref(g->state);
	metrics_detach(g->metrics, g->factlog);
	factlog_file_unref(g->factlog);
	free(g->warnings);
}

/* --- what is asked of it from outside ------------------------------------------------ */

const struct policy *engine_policy(const struct engine *g)
{
	return g->policy;
}

struct counters *engine_counters(const struct engine *g)
{
	return g->state ? state_counters(g->state) : NULL;
}

int engine_load_state(struct engine *g, struct err *e)
{
	return g->state && g->settings.state_file ? state_load(g->state, g->settings.state_file, e) : 0;
}

int engine_save_state(struct engine *g, struct err *e)
{
	return g->state && g->settings.state_file ? state_save(g->state, g->settings.state_file, e) : 0;
}

int engine_check_files(const struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;

	if (engine_check_key(g, e) || engine_verify_check_files(g, e))
		return -1;
	if (!g->policy)
		return 0;
	if (s->state_file && file_check_place("StateFile", s->state_file, e))
		return -1;
	return s->fact_log ? factlog_file_check(s->fact_log, e) : 0;
}

static bool is_trusted(const struct settings *s, const char *method)
{
	for (size_t i = 0; i < s->trusted_results.n; i++)
		if (span_caseis(span_cstr(s->trusted_results.item[i]), method))
			return true;
	return false;
}

static void advise_results(const struct engine *g, struct buf *out)
{
	static const struct {
		const char *method;
		enum fact_id fact, more[2];
	} rows[] = {
		{"dkim", FACT_DKIM, {FACT_DKIM_DOMAIN, FACT_DKIM_DOMAIN}},
		{"dmarc", FACT_DMARC, {FACT_DMARC_DOMAIN, FACT_DMARC_ALIGNED}},
		{"spf", FACT_SPF, {FACT_SPF_DOMAIN, FACT_SPF_DOMAIN}},
		{"arc", FACT_ARC, {FACT_ARC, FACT_ARC}},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if ((policy_asks(g->policy, rows[i].fact) || policy_asks(g->policy, rows[i].more[0]) || policy_asks(g->policy, rows[i].more[1])) && !is_trusted(&g->settings, rows[i].method))
			buf_printf(out, "%s asks for %s, which is never there: TrustedResults does not name it\n", g->settings.policy, rows[i].method);
}

static void advise_scores(const struct engine *g, struct buf *out)
{
	static const enum fact_id facts[] = {FACT_RSPAMD_SCORE, FACT_RSPAMD_ACTION, FACT_SPAMASSASSIN_SCORE, FACT_SPAMASSASSIN_FLAG};

	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		if (policy_asks(g->policy, facts[i]) && !cidr_count(g->settings.trusted_scores))
			buf_printf(out, "%s asks for %s, which is never there: TrustedScores names no client\n", g->settings.policy, fact_row(facts[i])->name);
}

void engine_policy_advice(const struct engine *g, struct buf *out)
{
	if (!g->policy)
		return;
	advise_results(g, out);
	advise_scores(g, out);
	if (g->needs & FACT_NEED_HISTORY && !g->settings.state_file)
		buf_printf(out, "%s asks for history, which ends with this process: StateFile is not set\n", g->settings.policy);
	if (g->warnings)
		buf_puts(out, g->warnings);
}

/* --- facts of a message ---------------------------------------------------------------- */

bool engine_wants_helo(const struct engine *g)
{
	return g->policy && (policy_asks(g->policy, FACT_HELO) || g->settings.fact_log);
}

void engine_policy_want(const struct engine *g, struct transaction *t)
{
	if (g->policy && (g->needs & (FACT_NEED_CONTENT | FACT_NEED_TEXT)) && !t->overloaded)
		message_want(&t->message, MESSAGE_WANT_KEEP);
}

static void fill(const struct engine *g, struct transaction *t, unsigned needs, int64_t now)
{
	t->facts = arena_alloc(t->arena, sizeof *t->facts);
	if (!t->facts)
		return;
	facts_init(t->facts, t->arena);
	policy_facts_fill(t->facts, &g->settings, t, needs, now);
}

void engine_policy_examine(const struct engine *g, struct transaction *t, int64_t now)
{
	/* Overloaded, the body was not kept. */
	fill(g, t, t->overloaded ? g->needs & ~(unsigned)(FACT_NEED_CONTENT | FACT_NEED_TEXT) : g->needs, now);
}

/* --- history ---------------------------------------------------------------------------- */

struct history {
	struct span key[3]; /* by enum counters_kind; empty: nobody to remember */
};

static struct span text_of(const struct facts *f, enum fact_id id)
{
	size_t n;
	const struct facts_value *v = facts_values(f, id, &n);

	if (!n)
		return span_make(NULL, 0);
	return fact_row(id)->type == FACT_TYPE_TN ? tn_span(&v->tn) : v->text;
}

/* A word in front, so that no provider's code is another one's certificate. */
static struct span key_of(struct arena *a, const char *kind, struct span text)
{
	return text.n ? arena_printf(a, "%s %.*s", kind, SPAN_ARG(text)) : text;
}

static struct span peer_key(const struct engine *g, struct facts *f, struct arena *a)
{
	const char *peer = policy_peer(g->policy, f, a);
	const struct facts_value *v;
	char *key;
	size_t n;

	if (peer)
		return key_of(a, "peer", span_cstr(peer));
	v = facts_values(f, FACT_CLIENT, &n);
	key = n ? arena_alloc(a, sizeof v->addr.b + 1) : NULL;
	if (!key)
		return span_make(NULL, 0);
	key[0] = '@';
	memcpy(key + 1, v->addr.b, sizeof v->addr.b);
	return span_make(key, sizeof v->addr.b + 1);
}

static void look(const struct engine *g, struct facts *f, struct history *h, int64_t now)
{
	static const struct {
		enum fact_id first_seen, reputation;
	} fact[] = {
		[COUNTERS_NUMBER] = {FACT_ORIG_FIRST_SEEN, FACT_ORIG_REPUTATION},
		[COUNTERS_SIGNER] = {FACT_SIGNER_FIRST_SEEN, FACT_SIGNER_REPUTATION},
		[COUNTERS_PEER] = {FACT_PEER_FIRST_SEEN, FACT_PEER_REPUTATION},
	};

	for (size_t k = 0; k < sizeof fact / sizeof *fact; k++) {
		struct counters_seen seen;

		if (!h->key[k].n)
			continue;
		seen = counters_look(state_counters(g->state), (enum counters_kind)k, h->key[k], now);
		/* Seen for the first time just now; so is what a clock that was set back has in its future. */
		facts_set_num(f, fact[k].first_seen, seen.known && seen.first_seen < now ? now - seen.first_seen : 0);
		facts_set_num(f, fact[k].reputation, seen.reputation);
	}
}

static void recall(const struct engine *g, struct transaction *t, struct history *h, int64_t now)
{
	struct facts *f = t->facts;
	struct span signer = key_of(t->arena, "spc", text_of(f, FACT_SIGNER_SPC));

	h->key[COUNTERS_NUMBER] = text_of(f, FACT_ORIG_TN);
	h->key[COUNTERS_SIGNER] = signer.n ? signer : key_of(t->arena, "cert", text_of(f, FACT_SIGNER_CERT));
	h->key[COUNTERS_PEER] = peer_key(g, f, t->arena);
	look(g, f, h, now);
	f->worked_out |= FACT_NEED_HISTORY;
}

/*
 * A token that is stale, or for another message, can be anybody's copy of it:
 * what became of such a message is not the signer's.
 */
static void remember(const struct engine *g, const struct transaction *t, const struct history *h, int64_t now)
{
	bool stopped = t->policy.would_action > VERDICT_TAG, passed = stir_reason_word(t->result.reason) == STIR_WORD_PASS;

	for (size_t k = 0; k < sizeof h->key / sizeof *h->key; k++)
		if (h->key[k].n && (k != COUNTERS_SIGNER || passed))
			counters_note(state_counters(g->state), (enum counters_kind)k, h->key[k], stopped, now);
}

/* --- the verdict -------------------------------------------------------------------------- */

bool engine_policy_judged(const struct transaction *t)
{
	return t->policy.because != NULL;
}

/*
 * There was not enough memory for all of it: once more with the facts that are
 * at hand, so that "on internal" and the rules over the result still hold.
 */
static void judge_again(struct engine *g, struct transaction *t, struct policy_env *env, const struct policy_reply *reply)
{
	arena_spare(t->arena, LIMIT_VERDICT_SPARE / 4);
	fill(g, t, FACT_NEED_FREE, env->now);
	if (!t->facts) {
		t->policy = (struct policy_result){.mode = policy_mode(g->policy), .because = "failure", .error = true};
		return;
	}
	/* Whatever else is wrong with the message, this comes first. */
	facts_set_num(t->facts, FACT_FAILURE, fact_word(FACT_FAILURE, span_cstr("internal")));
	/* What rates there were are used up already. */
	env->take = false;
	if (policy_eval(g->policy, t->facts, env, reply, t->arena, &t->policy))
		facts_set_num(t->facts, FACT_FAILURE, fact_word(FACT_FAILURE, span_cstr("internal")));
}

static int64_t milliseconds(int64_t seconds)
{
	return seconds > INT64_MAX / 1000 ? INT64_MAX : seconds < INT64_MIN / 1000 ? INT64_MIN : seconds * 1000;
}

static unsigned impossible(const struct transaction *t)
{
	/* Recipients may be missing in our list, and would get it all the same. */
	return t->cannot | (t->message.over_limit ? 1u << VERDICT_REDIRECT : 0);
}

void engine_policy_judge(struct engine *g, struct transaction *t, int64_t now, bool again)
{
	struct policy_env env = {
		.now = now, .now_ms = milliseconds(now), .counters = state_counters(g->state), .take = !t->trace && !again, .trace = t->trace};
	const struct policy_reply reply = {.queue_id = t->queue_id, .help_url = span_cstr(g->settings.help_url)};
	bool history = (g->needs & FACT_NEED_HISTORY) != 0;
	struct history h = {0};

	if (history && t->facts)
		recall(g, t, &h, now);
	if (!t->facts || policy_eval(g->policy, t->facts, &env, &reply, t->arena, &t->policy))
		judge_again(g, t, &env, &reply);
	if (!t->trace && history && !again)
		remember(g, t, &h, now);
	if (history || policy_ast(g->policy)->nrate)
		state_touch(g->state);
	policy_write_verdict(&t->verdict, g->policy, &t->policy, impossible(t), t->arena);
}

int engine_record(struct engine *g, const struct transaction *t, struct span queue_id, int64_t now, struct err *e)
{
	const struct factlog_context c = {
		.id = queue_id, .time = now, .numbers = (enum factlog_numbers)g->settings.fact_log_numbers, .pseudonyms = g->pseudonyms};
	struct buf line;
	int rc;

	if (!g->factlog || !engine_policy_judged(t) || !t->facts)
		return 0;
	buf_init(&line, FACTLOG_LINE_MAX);
	if (factlog_write(&line, t->facts, g->policy, &t->policy, &c) || line.failed)
		rc = factlog_file_lost(g->factlog, now, "FactLog: no memory for a line", e);
	else
		rc = factlog_file_append(g->factlog, buf_span(&line), now, e);
	buf_free(&line);
	return rc;
}
