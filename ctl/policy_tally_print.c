/*
 * The counts of a mailbox as tables for people and as JSON for programs.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ctl/policy_tally.h"

enum { BAR = 30 };

static uint64_t total(const uint64_t n[POLICY_LABELS])
{
	return n[POLICY_UNLABELLED] + n[POLICY_WANTED] + n[POLICY_ABUSE];
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* --- tables ------------------------------------------------------------------------- */

static void put_messages(FILE *f, const struct policy_tally *t)
{
	uint64_t all = total(t->judged);

	fprintf(f, "Policy %s, mode %s, %s\n", policy_ast(t->policy)->file[0]->name, ast_mode_name(policy_mode(t->policy)), policy_hash(t->policy));
	fprintf(f, "Messages %" PRIu64 " judged: %" PRIu64 " wanted, %" PRIu64 " abuse, %" PRIu64 " unlabelled", all, t->judged[POLICY_WANTED],
		t->judged[POLICY_ABUSE], t->judged[POLICY_UNLABELLED]);
	fprintf(f, "; %" PRIu64 " out of scope, %" PRIu64 " not read\n", total(t->out_of_scope), total(t->unread));
	if (total(t->out_of_scope) && total(t->judged) == 0)
		fputs("Out of scope is mail without a number in From or among its recipients, and without an Identity field: see NumberPlan (--plan), "
		      "--rcpt, and VerifyMTA in stir-milter.conf(5)\n", f);
	if (total(t->refused))
		fprintf(f, "Refused %" PRIu64 " without asking the policy: a flood of forged result fields\n", total(t->refused));
}

static void put_doubts(FILE *f, const struct policy_tally *t)
{
	for (enum policy_doubt d = 1; d < POLICY_DOUBTS; d++) {
		struct span rest = buf_span(&t->named[d]);

		if (!t->doubt[d])
			continue;
		fprintf(f, "Not reproducible %" PRIu64 ": %s\n", t->doubt[d], policy_tally_doubt(d));
		while (rest.n) {
			struct span line = span_cut(&rest, '\n');

			fprintf(f, "  %.*s\n", SPAN_ARG(line));
		}
		if (t->doubt[d] > POLICY_TALLY_NAMED)
			fprintf(f, "  and %" PRIu64 " more\n", t->doubt[d] - POLICY_TALLY_NAMED);
	}
}

static void put_verdicts(FILE *f, const struct policy_tally *t)
{
	static const enum policy_label column[] = {POLICY_WANTED, POLICY_ABUSE, POLICY_UNLABELLED};

	fprintf(f, "\n%-26s %17s %17s %17s\n", "VERDICT IF ENFORCED", "WANTED", "ABUSE", "UNLABELLED");
	for (size_t a = 0; a < POLICY_ACTIONS; a++) {
		if (t->would[0][a] + t->would[1][a] + t->would[2][a] == 0)
			continue;
		fprintf(f, "  %-24s", verdict_action_name((enum verdict_action)a));
		for (size_t c = 0; c < POLICY_LABELS; c++)
			fprintf(f, " %8" PRIu64 " %6.2f %%", t->would[column[c]][a], percent(t->would[column[c]][a], t->judged[column[c]]));
		fputc('\n', f);
	}
}

static void put_rule(FILE *f, const struct policy_tally *t, size_t id)
{
	const struct policy_tally_rule *r = &t->rule[id];
	const struct ast_rule *rule = policy_rule(t->policy, id);
	uint64_t hits = total(r->hit);
	double rank = policy_tally_rank(t, id);

	fprintf(f, "  %-24.*s %8" PRIu64 " %9.2f %9.2f", SPAN_ARG(rule->name.text), hits,
		percent(r->hit[POLICY_WANTED], t->judged[POLICY_WANTED]), percent(r->hit[POLICY_ABUSE], t->judged[POLICY_ABUSE]));
	if (rank < 0)
		fprintf(f, " %7s", "-");
	else
		fprintf(f, " %7.3f", rank);
	if (!rule->has_score)
		fprintf(f, " %8s", rule->has_final ? "final" : "none");
	else if (hits)
		fprintf(f, " %8.2f", (double)r->score_milli / (double)hits / 1000.0);
	else
		fprintf(f, " %8s", "-");
	fputs(rule->shadow ? "  shadow" : "", f);
	if (r->error)
		fprintf(f, "  %" PRIu64 " errors", r->error);
	fputc('\n', f);
}

static int put_rules(FILE *f, const struct policy_tally *t)
{
	size_t *order = policy_tally_order(t);

	if (!order)
		return -1;
	fprintf(f, "\n%-26s %8s %9s %9s %7s %8s\n", "RULE", "HITS", "WANTED %", "ABUSE %", "RANK", "SCORE");
	for (size_t i = 0; i < policy_rule_count(t->policy); i++)
		put_rule(f, t, order[i]);
	free(order);
	return 0;
}

/* Wanted against abuse, or, where nothing has a label, all of it. */
static void put_threshold(FILE *f, const struct policy_tally *t, const struct ast_threshold *at, bool labelled)
{
	struct policy_tally_split s = policy_tally_split(t, (int32_t)at->at.num);

	fprintf(f, "  %-12s %8.2f   ", ast_action_name(at->action.kind), (double)at->at.num / 1000.0);
	if (!labelled) {
		fprintf(f, " %12" PRIu64 " %12" PRIu64 "\n", s.below[POLICY_UNLABELLED], s.above[POLICY_UNLABELLED]);
		return;
	}
	fprintf(f, " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64, s.below[POLICY_WANTED], s.above[POLICY_WANTED], s.below[POLICY_ABUSE],
		s.above[POLICY_ABUSE]);
	if (t->judged[POLICY_WANTED])
		fprintf(f, " %7.3f %%\n", percent(s.above[POLICY_WANTED], t->judged[POLICY_WANTED]));
	else
		fprintf(f, " %9s\n", "-");
}

static bool is_labelled(const struct policy_tally *t)
{
	return t->judged[POLICY_WANTED] + t->judged[POLICY_ABUSE] > 0;
}

static void put_thresholds(FILE *f, const struct policy_tally *t)
{
	const struct ast_policy *p = policy_ast(t->policy);
	bool labelled = is_labelled(t);

	if (p->nthreshold == 0)
		return;
	fprintf(f, "\n%-26s %12s %12s", "THRESHOLD (score alone)", labelled ? "WANTED BELOW" : "BELOW", "AT OR ABOVE");
	if (labelled)
		fprintf(f, " %12s %12s %9s", "ABUSE BELOW", "AT OR ABOVE", "FALSE POS");
	fputc('\n', f);
	for (size_t i = 0; i < p->nthreshold; i++)
		put_threshold(f, t, &p->threshold[i], labelled);
}

/* --- the histogram --------------------------------------------------------------------- */

static void put_bar(FILE *f, uint64_t n, uint64_t most)
{
	int len = most ? (int)((n * BAR + most - 1) / most) : 0;

	fprintf(f, " %7" PRIu64 " ", n);
	for (int i = 0; i < BAR; i++)
		fputc(i < len ? '#' : ' ', f);
}

static void put_histogram(FILE *f, const struct policy_tally *t)
{
	bool labelled = is_labelled(t);
	enum policy_label left = labelled ? POLICY_WANTED : POLICY_UNLABELLED;
	struct policy_tally_bins b;
	uint64_t most = 0;

	policy_tally_bins(t, &b);
	for (size_t i = 0; i < b.n; i++)
		for (size_t l = 0; l < POLICY_LABELS; l++)
			if ((l == left || l == POLICY_ABUSE) && b.in[i][l] > most)
				most = b.in[i][l];
	fprintf(f, "\n%-19s %7s %-*s", "SCORE", labelled ? "WANTED" : "ALL", BAR, "");
	fputs(labelled ? "   ABUSE\n" : "\n", f);
	for (size_t i = 0; i < b.n; i++) {
		int64_t from = b.first + (int64_t)i * b.width;

		fprintf(f, "  %7.1f to <%6.1f", (double)from / 1000.0, (double)(from + b.width) / 1000.0);
		put_bar(f, b.in[i][left], most);
		if (labelled)
			put_bar(f, b.in[i][POLICY_ABUSE], most);
		fputc('\n', f);
	}
}

int policy_tally_print(FILE *f, const struct policy_tally *t)
{
	put_messages(f, t);
	put_doubts(f, t);
	if (total(t->judged) == 0)
		return 0;
	put_verdicts(f, t);
	if (put_rules(f, t))
		return -1;
	put_thresholds(f, t);
	put_histogram(f, t);
	return 0;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *counts(const uint64_t n[POLICY_LABELS])
{
	return json_pack("{sIsIsI}", "wanted", (json_int_t)n[POLICY_WANTED], "abuse", (json_int_t)n[POLICY_ABUSE], "unlabelled",
		(json_int_t)n[POLICY_UNLABELLED]);
}

static json_t *by_action(const uint64_t n[POLICY_LABELS][POLICY_ACTIONS])
{
	json_t *o = json_object();

	for (size_t a = 0; a < POLICY_ACTIONS; a++) {
		uint64_t of[POLICY_LABELS] = {n[0][a], n[1][a], n[2][a]};

		if (json_object_set_new(o, verdict_action_name((enum verdict_action)a), counts(of))) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *appended(json_t *a, json_t *value)
{
	if (json_array_append_new(a, value) == 0)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *text(struct span s)
{
	json_t *j = json_stringn(s.n ? s.p : "", s.n);

	return j ? j : json_string("(not UTF-8)");
}

static json_t *rules_json(const struct policy_tally *t)
{
	size_t *order = policy_tally_order(t);
	json_t *a = order ? json_array() : NULL;

	for (size_t i = 0; a && i < policy_rule_count(t->policy); i++) {
		const struct policy_tally_rule *r = &t->rule[order[i]];
		const struct ast_rule *rule = policy_rule(t->policy, order[i]);
		double rank = policy_tally_rank(t, order[i]);
		uint64_t hits = total(r->hit);

		a = appended(a, json_pack("{sI so sb so sI so sf sf so so sI sI}", "id", (json_int_t)order[i], "name", text(rule->name.text), "shadow", rule->shadow, "describe",
			rule->describe.text.n ? text(rule->describe.text) : json_null(), "hits", (json_int_t)hits, "by", counts(r->hit), "wanted_percent",
			percent(r->hit[POLICY_WANTED], t->judged[POLICY_WANTED]), "abuse_percent", percent(r->hit[POLICY_ABUSE], t->judged[POLICY_ABUSE]),
			"rank", rank < 0 ? json_null() : json_real(rank), "mean_score",
			hits && rule->has_score ? json_real((double)r->score_milli / (double)hits / 1000.0) : json_null(), "absorbed", (json_int_t)r->lost, "errors",
			(json_int_t)r->error));
	}
	free(order);
	return a;
}

static json_t *thresholds_json(const struct policy_tally *t)
{
	const struct ast_policy *p = policy_ast(t->policy);
	json_t *a = json_array();

	for (size_t i = 0; a && i < p->nthreshold; i++) {
		struct policy_tally_split s = policy_tally_split(t, (int32_t)p->threshold[i].at.num);
		uint64_t wanted = t->judged[POLICY_WANTED];

		a = appended(a, json_pack("{ss sf so so so}", "action", ast_action_name(p->threshold[i].action.kind), "at",
			(double)p->threshold[i].at.num / 1000.0, "below", counts(s.below), "at_or_above", counts(s.above), "false_positive_rate",
			wanted ? json_real((double)s.above[POLICY_WANTED] / (double)wanted) : json_null()));
	}
	return a;
}

static json_t *scores_json(const struct policy_tally *t)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < t->nscore; i++)
		a = appended(a, json_pack("[fIII]", t->score[i].milli / 1000.0, (json_int_t)t->score[i].n[POLICY_WANTED],
			(json_int_t)t->score[i].n[POLICY_ABUSE], (json_int_t)t->score[i].n[POLICY_UNLABELLED]));
	return a;
}

static json_t *doubts_json(const struct policy_tally *t)
{
	return json_pack("{sI sI sI sI}", "time", (json_int_t)t->doubt[POLICY_DOUBT_TIME], "certificate", (json_int_t)t->doubt[POLICY_DOUBT_CERT], "revocation",
		(json_int_t)t->doubt[POLICY_DOUBT_CRL], "rule", (json_int_t)t->doubt[POLICY_DOUBT_RULE]);
}

json_t *policy_tally_json(const struct policy_tally *t)
{
	return json_pack("{s{so ss ss} so so so so so so so so so so}", "policy", "name", text(span_cstr(policy_ast(t->policy)->file[0]->name)), "mode",
		ast_mode_name(policy_mode(t->policy)), "hash", policy_hash(t->policy), "judged", counts(t->judged), "out_of_scope",
		counts(t->out_of_scope), "refused", counts(t->refused), "unread", counts(t->unread), "would", by_action(t->would), "action",
		by_action(t->action), "rules", rules_json(t), "thresholds", thresholds_json(t), "scores", scores_json(t), "not_reproducible", doubts_json(t));
}
