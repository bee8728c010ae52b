/*
 * Words of a verdict, in an order that never changes, so that equal results are
 * equal octets.
 *
 * Decides nothing: what is said here is policy_result's.  Names of rules and
 * peers are words of the policy's own alphabet and need no quotes.
 */
#include "config.h"

#include "engine/policy_write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/limits.h"

enum {
	LINE_OCTETS = 76,
	HOLD_MAX = 200,
	COUNT_ROOM = 8,  /* ",+12345" */
	LIST_ROOM = 120  /* of the lists beside rules, each */
};

enum verdict_action policy_write_possible(enum verdict_action a, unsigned cannot)
{
	static const enum verdict_action milder[] = {
		[VERDICT_ACCEPT] = VERDICT_ACCEPT,
		[VERDICT_TAG] = VERDICT_TAG,
		[VERDICT_QUARANTINE] = VERDICT_TAG,
		[VERDICT_REDIRECT] = VERDICT_QUARANTINE,
		[VERDICT_TEMPFAIL] = VERDICT_TAG,
		[VERDICT_REJECT] = VERDICT_TAG,
		[VERDICT_DISCARD] = VERDICT_QUARANTINE,
	};

	while (cannot & 1u << a && a != milder[a])
		a = milder[a];
	return a;
}

void policy_write_score(struct buf *out, int32_t milli)
{
	int64_t v = milli < 0 ? -(int64_t)milli : milli;

	buf_printf(out, "%s%" PRId64 ".%02" PRId64, milli < 0 ? "-" : "", v / 1000, v % 1000 / 10);
	if (v % 10)
		buf_printf(out, "%" PRId64, v % 10);
}

/* --- lists of rules ------------------------------------------------------------ */

enum list { RULES, SHADOW, LOST, FAILED };

static bool belongs(const struct policy_hit *h, enum list which)
{
	switch (which) {
	case RULES:
		return h->hit && !h->shadow;
	case SHADOW:
		return h->hit && h->shadow;
	case LOST:
		return h->hit && h->lost_milli;
	default:
		return h->error;
	}
}

static void put_name(struct buf *out, const struct policy *p, const struct policy_hit *h, enum list which)
{
	buf_put_span(out, policy_rule(p, h->rule)->name.text);
	if (which == FAILED)
		return;
	buf_putc(out, '(');
	policy_write_score(out, which == LOST ? h->lost_milli : h->score_milli - h->lost_milli);
	buf_putc(out, ')');
}

/* "A(6.00),B(4.00),+3" of at most max octets. */
static void put_list(struct buf *out, const struct policy_write *w, enum list which, size_t max)
{
	const struct policy_result *r = w->result;
	size_t start = out->n, more = 0;
	struct buf one;

	buf_init(&one, 512);
	for (size_t i = 0; i < r->nhit; i++) {
		size_t used = out->n - start;

		if (!belongs(&r->hit[i], which))
			continue;
		buf_reset(&one);
		put_name(&one, w->policy, &r->hit[i], which);
		if (more || one.failed || used + one.n + 1 + COUNT_ROOM > max) {
			more++;
			continue;
		}
		buf_printf(out, "%s%.*s", used ? "," : "", SPAN_ARG(buf_span(&one)));
	}
	if (more)
		buf_printf(out, "%s+%zu", out->n > start ? "," : "", more);
	buf_free(&one);
}

static bool has(const struct policy_result *r, enum list which)
{
	for (size_t i = 0; i < r->nhit; i++)
		if (belongs(&r->hit[i], which))
			return true;
	return false;
}

/* --- words --------------------------------------------------------------------- */

/* " name=" and a list, when there is anything in it. */
static void put_named(struct buf *out, const struct policy_write *w, const char *name, enum list which, size_t max)
{
	if (!has(w->result, which))
		return;
	buf_printf(out, " %s=", name);
	put_list(out, w, which, max);
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static const char *failure_of(const struct policy_write *w)
{
	size_t n = 0;
	const struct facts_value *v = w->facts ? facts_values(w->facts, FACT_FAILURE, &n) : NULL;

	if (n)
		return fact_row(FACT_FAILURE)->word[v->num];
	/* The policy itself could not be asked. */
	return is(w->result->because, "failure") && !w->result->would ? "internal" : NULL;
}

/* What stands behind the rules: of bounded length, but for the name of the peer, which the parser bounds. */
static void put_rest(struct buf *out, const struct policy_write *w)
{
	const struct policy_result *r = w->result;

	buf_printf(out, " policy=%s", policy_hash(w->policy));
	if (r->peer)
		buf_printf(out, " peer=%s", r->peer);
	if (is(r->because, "final")) {
		buf_puts(out, " final=");
		buf_put_span(out, policy_rule(w->policy, r->final_rule)->name.text);
	}
	if (failure_of(w))
		buf_printf(out, " failure=%s", failure_of(w));
	if (w->action != r->action)
		buf_printf(out, " cannot=%s", verdict_action_name(r->action));
	put_named(out, w, "shadow", SHADOW, LIST_ROOM);
	put_named(out, w, "lost", LOST, LIST_ROOM);
	put_named(out, w, "error", FAILED, LIST_ROOM);
}

static void put_score(struct buf *out, const struct policy_write *w)
{
	buf_puts(out, "score=");
	policy_write_score(out, w->result->score_milli);
}

/* Everything between the score and what follows the rules, which get what is left of max. */
static void put_rules(struct buf *out, const struct policy_write *w, size_t taken, size_t max)
{
	const char *name = " rules=";

	if (!has(w->result, RULES))
		buf_puts(out, " rules=none");
	else if (taken + strlen(name) < max) {
		buf_puts(out, name);
		put_list(out, w, RULES, max - taken - strlen(name));
	}
}

/* --- the field ------------------------------------------------------------------ */

/* A line end in front of each word that would make its line too long. */
static void fold(struct buf *out, struct span words)
{
	size_t line = sizeof "X-STIR-Policy: " - 1;
	bool first = true;

	while (words.n) {
		struct span word = span_cut(&words, ' ');
		bool over = line + 1 + word.n > LINE_OCTETS;

		if (!first)
			buf_puts(out, over ? "\n " : " ");
		line = over && !first ? 1 + word.n : line + !first + word.n;
		buf_put_span(out, word);
		first = false;
	}
}

void policy_write_field(struct buf *out, const struct policy_write *w)
{
	const size_t folds = 16; /* a line end more than the blank it is for, each */
	struct buf words, rest;

	buf_init(&words, LIMIT_RESULT_FIELD);
	buf_init(&rest, LIMIT_RESULT_FIELD);
	put_rest(&rest, w);
	put_score(&words, w);
	buf_printf(&words, " action=%s would=%s", verdict_action_name(w->action), verdict_action_name(w->result->would_action));
	put_rules(&words, w, words.n + rest.n, LIMIT_RESULT_FIELD - folds);
	buf_put_span(&words, buf_span(&rest));
	if (words.failed || rest.failed)
		out->failed = true;
	fold(out, buf_span(&words));
	buf_free(&words);
	buf_free(&rest);
}

/* --- the log -------------------------------------------------------------------- */

void policy_write_log(struct buf *out, const struct policy_write *w, size_t max)
{
	struct buf words, rest;

	buf_init(&words, max);
	buf_init(&rest, max);
	put_rest(&rest, w);
	buf_printf(&rest, " because=%s", w->result->because);
	buf_putc(&words, ' ');
	put_score(&words, w);
	buf_printf(&words, " would=%s", verdict_action_name(w->result->would_action));
	put_rules(&words, w, words.n + rest.n, max);
	buf_put_span(&words, buf_span(&rest));
	buf_put_span(out, buf_span(&words));
	buf_free(&words);
	buf_free(&rest);
}

/* --- the verdict ------------------------------------------------------------------ */

static struct span hold_reason(const struct policy_write *w, struct arena *a)
{
	struct span copy;
	struct buf text;

	buf_init(&text, 2 * HOLD_MAX);
	buf_puts(&text, "STIR policy: ");
	put_score(&text, w);
	put_rules(&text, w, text.n, HOLD_MAX);
	copy = arena_copy(a, buf_span(&text));
	buf_free(&text);
	return copy;
}

void policy_write_verdict(struct verdict *v, const struct policy *p, const struct policy_result *r, unsigned cannot, struct arena *a)
{
	struct policy_write w = {.policy = p, .result = r};

	v->score_milli = r->score_milli;
	v->would = r->would_action;
	v->action = w.action = policy_write_possible(r->action, cannot);
	switch (v->action) {
	case VERDICT_QUARANTINE:
		v->hold_reason = hold_reason(&w, a);
		break;
	case VERDICT_REDIRECT:
		v->redirect = r->text;
		break;
	case VERDICT_TEMPFAIL:
	case VERDICT_REJECT:
		v->reply_code = v->action == VERDICT_REJECT ? "550" : "451";
		v->reply_xcode = r->code;
		v->reply_text = r->text;
		break;
	default:
		break;
	}
}
