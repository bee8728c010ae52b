/*
 * Inline tests: facts forced, no message, no cryptography, no network.
 *
 * What is always there and not given has the value of an unsigned message to
 * one recipient.  "expect quarantine" is about what an enforcing policy does,
 * so that a test holds in every mode.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include "core/limits.h"
#include "core/stir_reason.h"

enum { NOON = 1704110400 /* 2024-01-01 12:00 UTC, a Monday */ };

static void force(struct facts *f, const struct policy_given *g)
{
	switch (fact_row(g->fact)->type) {
	case FACT_TYPE_TN:
		if (fact_row(g->fact)->list)
			facts_add_tn(f, g->fact, &g->value.tn);
		else
			facts_set_tn(f, g->fact, &g->value.tn);
		break;
	case FACT_TYPE_ADDR:
		facts_set_addr(f, g->fact, &g->value.addr);
		break;
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
	case FACT_TYPE_TEXT:
		if (fact_row(g->fact)->list)
			facts_add_text(f, g->fact, g->value.text);
		else
			facts_set_text(f, g->fact, g->value.text);
		break;
	default:
		facts_set_num(f, g->fact, g->value.num);
	}
}

static void set_default(struct facts *f, enum fact_id id, int64_t v)
{
	if (!facts_present(f, id))
		facts_set_num(f, id, v);
}

static void set_word(struct facts *f, enum fact_id id, const char *word)
{
	set_default(f, id, fact_word(id, span_cstr(word)));
}

/* One of the two says the other, as far as it can: which reason stands behind "fail" it can't. */
static void default_verify(struct facts *f)
{
	size_t n;
	const struct facts_value *reason = facts_values(f, FACT_REASON, &n);

	if (n)
		set_default(f, FACT_VERIFY, (int64_t)stir_reason_word((enum stir_reason)reason->num));
	set_default(f, FACT_VERIFY, STIR_WORD_NONE);
	switch (facts_values(f, FACT_VERIFY, &n)->num) {
	case STIR_WORD_NONE:
		set_default(f, FACT_REASON, STIR_NO_IDENTITY);
		break;
	case STIR_WORD_PASS:
		set_default(f, FACT_REASON, STIR_OK);
		break;
	default:
		break;
	}
}

static void set_defaults(struct facts *f)
{
	size_t n;

	default_verify(f);
	set_word(f, FACT_ORIG_KIND, facts_present(f, FACT_ORIG_TN) ? "tn" : facts_present(f, FACT_ORIG_ADDRESS) ? "address" : "none");
	(void)facts_values(f, FACT_RCPT_ADDRESS, &n);
	set_default(f, FACT_RCPT_COUNT, n ? (int64_t)n : 1);
	set_default(f, FACT_IDENTITY_COUNT, facts_values(f, FACT_VERIFY, &n)->num == STIR_WORD_NONE ? 0 : 1);
	for (unsigned i = 0; i < FACT_N; i++) {
		const struct fact_row *row = fact_row((enum fact_id)i);

		if (row->always && (row->type == FACT_TYPE_COUNT || row->type == FACT_TYPE_SIZE))
			set_default(f, (enum fact_id)i, 0);
	}
}

/* --- what came ----------------------------------------------------------------------------- */

static bool has_hit(const struct policy_result *r, ptrdiff_t rule)
{
	for (size_t i = 0; i < r->nhit; i++)
		if (r->hit[i].rule == (size_t)rule)
			return r->hit[i].hit;
	return false;
}

static bool met(const struct policy *p, const struct policy_trial *t, size_t i, const struct policy_result *r)
{
	const struct ast_expect *x = &t->ast->expect[i];

	switch (x->kind) {
	case AST_EXPECT_ACTION:
		return r->would_action == policy_verdict_action(x->action);
	case AST_EXPECT_HIT:
		return has_hit(r, t->expect[i]);
	case AST_EXPECT_MISS:
		return !has_hit(r, t->expect[i]);
	case AST_EXPECT_SCORE:
		return r->score_milli == x->score.num;
	case AST_EXPECT_PEER:
		break;
	}
	return r->peer == p->peer[t->expect[i]].name;
}

static void put_expected(struct buf *out, const struct ast_expect *x)
{
	switch (x->kind) {
	case AST_EXPECT_ACTION:
		buf_puts(out, ast_action_name(x->action));
		break;
	case AST_EXPECT_HIT:
	case AST_EXPECT_MISS:
		buf_printf(out, "%s %.*s", x->kind == AST_EXPECT_HIT ? "hit" : "miss", SPAN_ARG(x->name.text));
		break;
	case AST_EXPECT_SCORE:
		buf_puts(out, "score ");
		policy_print_milli(out, x->score.num);
		break;
	case AST_EXPECT_PEER:
		buf_printf(out, "peer %.*s", SPAN_ARG(x->name.text));
		break;
	}
}

static void put_result(struct buf *out, const struct policy *p, const struct policy_result *r)
{
	buf_printf(out, "%s, score ", verdict_action_name(r->would_action));
	policy_print_milli(out, r->score_milli);
	if (r->peer)
		buf_printf(out, ", peer %s", r->peer);
	if (!r->nhit)
		buf_puts(out, ", no rule");
	for (size_t i = 0; i < r->nhit; i++) {
		const struct policy_hit *h = &r->hit[i];

		buf_printf(out, ", %s%s ", p->rule[h->rule].name, h->error ? " (failed)" : h->shadow ? " (shadow)" : "");
		policy_print_milli(out, h->score_milli - h->lost_milli);
	}
}

static void say_failure(const struct policy *p, const struct policy_trial *t, size_t i, const struct policy_result *r, struct source_report *report)
{
	struct buf want, got;

	buf_init(&want, 4096);
	buf_init(&got, (size_t)1024 * 1024);
	put_expected(&want, &t->ast->expect[i]);
	put_result(&got, p, r);
	(void)source_say(report, SOURCE_ERROR, t->ast->expect[i].at, "test \"%.*s\": expected %.*s, and it came to %.*s", SPAN_ARG(t->ast->title.text), (int)want.n,
		want.p ? want.p : "", (int)got.n, got.p ? got.p : "");
	buf_free(&want);
	buf_free(&got);
}

/* --- one test, all of them --------------------------------------------------------------------- */

static bool run(const struct policy *p, const struct policy_trial *t, struct arena *a, struct source_report *report)
{
	int64_t now = t->ast->at.at.src ? t->ast->at.num : NOON;
	struct policy_env env = {.now = now, .now_ms = now * 1000};
	struct policy_result r;
	struct facts f;
	bool ok = true;

	facts_init(&f, a);
	for (size_t i = 0; i < t->ngiven; i++)
		force(&f, &t->given[i]);
	set_defaults(&f);
	if (policy_eval(p, &f, &env, NULL, a, &r)) {
		(void)source_say(report, SOURCE_ERROR, t->ast->title.at, "no memory for the test");
		return false;
	}
	for (size_t i = 0; i < t->ast->nexpect; i++)
		if (!met(p, t, i, &r)) {
			say_failure(p, t, i, &r, report);
			ok = false;
		}
	return ok;
}

size_t policy_test(const struct policy *p, struct source_report *report, size_t *ran)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	size_t failed = 0;

	*ran = 0;
	for (size_t i = 0; i < p->ast->ntest; i++) {
		++*ran;
		if (!a)
			(void)source_say(report, SOURCE_ERROR, p->ast->test[i].title.at, "no memory for the test");
		failed += !a || !run(p, &p->trial[i], a, report);
		if (a)
			arena_reset(a);
	}
	arena_free(a);
	return failed;
}

bool policy_test_one(const struct policy *p, size_t i, struct source_report *report)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	bool ok = a && run(p, &p->trial[i], a, report);

	if (!a)
		(void)source_say(report, SOURCE_ERROR, p->ast->test[i].title.at, "no memory for the test");
	arena_free(a);
	return ok;
}
