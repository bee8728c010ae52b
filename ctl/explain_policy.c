/*
 * The policy's part of an explanation: facts, each rule and why, the running
 * sum, and what the mode makes of the verdict.
 *
 * The sentences about rules are policy/'s own (policy_hit.why).
 */
#include "config.h"

#include <inttypes.h>

#include "core/printable.h"
#include "ctl/explain.h"
#include "ctl/print.h"

enum { SHOWN_MAX = 300, VALUES_MAX = 20 };

static double points(int32_t milli)
{
	return milli / 1000.0;
}

/* --- facts --------------------------------------------------------------------------- */

static void value(FILE *f, enum fact_id id, const struct facts_value *v)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	facts_print_value(&b, id, v);
	if (b.failed)
		fputs("(too long to be shown)", f);
	/* It is escaped already; this is for what may come through all the same. */
	for (size_t i = 0; !b.failed && i < b.n && i < SHOWN_MAX; i++)
		fprintf(f, b.p[i] >= ' ' && b.p[i] < 127 ? "%c" : "\\x%02X", (unsigned char)b.p[i]);
	if (!b.failed && b.n > SHOWN_MAX)
		fputs("...", f);
	buf_free(&b);
}

static bool worked_out(const struct facts *facts, const struct fact_row *row)
{
	return row->need == FACT_NEED_FREE || (facts->worked_out & (unsigned)row->need);
}

static void fact_line(FILE *f, const struct facts *facts, enum fact_id id, bool all)
{
	const struct fact_row *row = fact_row(id);
	const struct facts_value *v;
	size_t n;

	v = facts_values(facts, id, &n);
	if (n == 0 && !all)
		return;
	fprintf(f, "  %-22s ", row->name);
	if (n == 0)
		fputs(worked_out(facts, row) ? "absent" : "not worked out, no rule asks for it", f);
	for (size_t i = 0; i < n && i < VALUES_MAX; i++) {
		fputs(i ? ", " : "= ", f);
		value(f, id, &v[i]);
	}
	if (n > VALUES_MAX)
		fprintf(f, ", and %zu more", n - VALUES_MAX);
	fputc('\n', f);
}

static void facts_part(FILE *f, const struct facts *facts, bool all)
{
	fputs("\nFacts\n", f);
	for (enum fact_id id = 0; id < FACT_N; id++)
		fact_line(f, facts, id, all);
	if (facts->incomplete) {
		fputs("  Not complete: ", f);
		print_quoted(f, facts->incomplete_why, SHOWN_MAX);
		fputc('\n', f);
	}
}

/* --- rules ---------------------------------------------------------------------------- */

static void effects(FILE *f, const struct policy_hit *h, const struct ast_rule *r, int64_t *sum)
{
	if (r->has_score) {
		int32_t left = h->score_milli - h->lost_milli;

		fprintf(f, ", %+g", points(h->score_milli));
		if (h->lost_milli)
			fprintf(f, " absorbed, %+g left", points(left));
		if (!h->shadow) {
			*sum += left;
			fprintf(f, ", sum %g", (double)*sum / 1000.0);
		}
	}
	if (r->group.text.n)
		fprintf(f, ", group %.*s", SPAN_ARG(r->group.text));
	if (h->final)
		fprintf(f, ", final %s", ast_action_name(r->final.kind));
}

static void rule_line(FILE *f, const struct policy *p, const struct policy_hit *h, int64_t *sum)
{
	const struct ast_rule *r = policy_rule(p, h->rule);

	fprintf(f, "  %s %.*s%s", h->error ? "!" : h->hit ? "*" : " ", SPAN_ARG(r->name.text), h->shadow ? " (shadow)" : "");
	if (h->hit)
		effects(f, h, r, sum);
	fputs(h->error ? ": could not be evaluated\n" : h->hit ? "\n" : ": no\n", f);
	if (h->hit && r->describe.text.n) {
		fputs("      ", f);
		print_quoted(f, r->describe.text, SHOWN_MAX);
		fputc('\n', f);
	}
	if (h->why.n) {
		fputs("      ", f);
		print_quoted(f, h->why, 2 * SHOWN_MAX);
		fputc('\n', f);
	}
}

/* --- groups, thresholds, verdict --------------------------------------------------------- */

static void groups_part(FILE *f, const struct policy *p, const struct policy_result *r, int64_t sum)
{
	const struct ast_policy *a = policy_ast(p);

	for (size_t g = 0; g < a->ngroup; g++) {
		int64_t up = 0, down = 0;

		for (size_t i = 0; i < r->nhit; i++) {
			const struct policy_hit *h = &r->hit[i];
			int32_t left = h->score_milli - h->lost_milli;

			if (!h->hit || h->shadow || !span_eq(policy_rule(p, h->rule)->group.text, a->group[g].name.text))
				continue;
			*(left > 0 ? &up : &down) += left;
		}
		if (up == 0 && down == 0)
			continue;
		fprintf(f, "  group %.*s: %+g", SPAN_ARG(a->group[g].name.text), (double)up / 1000.0);
		if (down)
			fprintf(f, " and %+g", (double)down / 1000.0);
		fprintf(f, ", at most %g%s\n", (double)a->group[g].max.num / 1000.0,
			up > a->group[g].max.num || -down > a->group[g].max.num ? ": capped" : "");
	}
	if (sum != r->score_milli - r->ceiling_milli)
		fprintf(f, "  after the caps: %g instead of %g\n", points(r->score_milli - r->ceiling_milli), (double)sum / 1000.0);
	if (r->ceiling_milli)
		fprintf(f, "  the trust domain's score ceiling: %g instead of %g\n", points(r->score_milli), points(r->score_milli - r->ceiling_milli));
}

static void thresholds_part(FILE *f, const struct policy *p, const struct policy_result *r)
{
	const struct ast_policy *a = policy_ast(p);

	for (size_t i = 0; i < a->nthreshold; i++)
		fprintf(f, "  %-10s at %g: %s\n", ast_action_name(a->threshold[i].action.kind), (double)a->threshold[i].at.num / 1000.0,
			r->score_milli >= a->threshold[i].at.num ? "reached" : "not reached");
	if (a->nthreshold == 0)
		fputs("  no thresholds: a score alone does nothing\n", f);
}

static void because(FILE *f, const struct policy *p, const struct policy_result *r)
{
	if (strcmp(r->because, "final") == 0)
		fprintf(f, ", by the final rule %.*s", SPAN_ARG(policy_rule(p, r->final_rule)->name.text));
	else if (strcmp(r->because, "failure") == 0)
		fputs(", by \"on\" a failure", f);
	else if (strcmp(r->because, "score") == 0)
		fprintf(f, ", by the score %g", points(r->score_milli));
	else
		fputs(", nothing asks for more", f);
}

static void verdict_part(FILE *f, const struct policy *p, const struct policy_result *r)
{
	fprintf(f, "  Verdict       %s", verdict_action_name(r->would_action));
	because(f, p, r);
	fputc('\n', f);
	if (r->code || r->text.n) {
		fprintf(f, "                %s%s", r->code ? r->code : "", r->code ? " " : "");
		print_quoted(f, r->text, SHOWN_MAX);
		fputc('\n', f);
	}
	fprintf(f, "  Mode          %s", ast_mode_name(r->mode));
	if (r->mode != policy_mode(p) && r->peer)
		fprintf(f, " (peer %s says less than the file's %s)", r->peer, ast_mode_name(policy_mode(p)));
	if (r->action == r->would_action)
		fprintf(f, ": %s is done\n", verdict_action_name(r->action));
	else
		fprintf(f, ": %s is done instead of %s\n", verdict_action_name(r->action), verdict_action_name(r->would_action));
}

void explain_policy(FILE *f, const struct run *run, bool all)
{
	const struct policy *p = engine_policy(run->engine);
	const struct policy_result *r = &run->t.policy;
	int64_t sum = 0;

	if (!p)
		return;
	if (!run_judged(run)) {
		fprintf(f, "\nPolicy  not asked: the message is left alone (%s)\n", run->t.why ? run->t.why : "out of scope");
		return;
	}
	if (run->t.facts)
		facts_part(f, run->t.facts, all);
	fputs("\nPolicy  ", f);
	print_quoted(f, span_cstr(policy_ast(p)->file[0]->name), SHOWN_MAX);
	fprintf(f, ", %s\n", policy_hash(p));
	fprintf(f, "  Peer          %s\n", r->peer ? r->peer : "none matches");
	fputs("Rules, in the file's order; * hit, ! failed\n", f);
	for (size_t i = 0; i < r->nhit; i++)
		rule_line(f, p, &r->hit[i], &sum);
	fprintf(f, "Score   %g", points(r->score_milli));
	if (r->shadow_milli)
		fprintf(f, "; shadow rules %g", points(r->shadow_milli));
	fputc('\n', f);
	groups_part(f, p, r, sum);
	thresholds_part(f, p, r);
	verdict_part(f, p, r);
}
