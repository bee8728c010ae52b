/*
 * Counts verdicts.  Prints nothing (policy_tally_print.c does).
 */
#include "config.h"

#include <stdlib.h>

#include "ctl/policy_tally.h"

enum { NAMED_BYTES = 64 * 1024 };

const char *policy_tally_doubt(enum policy_doubt d)
{
	static const char *const text[] = {
		[POLICY_NO_DOUBT] = "none",
		[POLICY_DOUBT_TIME] = "the token's age decided, and no Received date tells when the message came",
		[POLICY_DOUBT_CERT] = "the certificate is not in --certs (CertificateDir), and nothing is had from the network here",
		[POLICY_DOUBT_CRL] = "no revocation list that was current then is at hand, and hard revocation asks for one",
		[POLICY_DOUBT_RULE] = "a rule could not be evaluated",
	};

	return text[d];
}

int policy_tally_init(struct policy_tally *t, const struct policy *p, struct err *e)
{
	memset(t, 0, sizeof(*t));
	t->policy = p;
	for (size_t i = 0; i < POLICY_DOUBTS; i++)
		buf_init(&t->named[i], NAMED_BYTES);
	t->rule = calloc(policy_rule_count(p) + 1, sizeof(*t->rule));
	return t->rule ? 0 : err_set(e, ERR_UNAVAILABLE, "out of memory");
}

void policy_tally_free(struct policy_tally *t)
{
	for (size_t i = 0; i < POLICY_DOUBTS; i++)
		buf_free(&t->named[i]);
	free(t->rule);
	free(t->score);
	memset(t, 0, sizeof(*t));
}

/* Where that score is, or belongs. */
static size_t score_place(const struct policy_tally *t, int32_t milli)
{
	size_t low = 0, high = t->nscore;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->score[mid].milli < milli)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int add_score(struct policy_tally *t, int32_t milli, enum policy_label l, struct err *e)
{
	size_t i = score_place(t, milli);

	if (i < t->nscore && t->score[i].milli == milli) {
		t->score[i].n[l]++;
		return 0;
	}
	if (t->nscore == t->score_cap) {
		size_t cap = t->score_cap ? 2 * t->score_cap : 64;
		struct policy_tally_score *s = reallocarray(t->score, cap, sizeof(*s));

		if (!s)
			return err_set(e, ERR_UNAVAILABLE, "out of memory");
		t->score = s;
		t->score_cap = cap;
	}
	memmove(&t->score[i + 1], &t->score[i], (t->nscore - i) * sizeof(*t->score));
	t->nscore++;
	t->score[i] = (struct policy_tally_score){.milli = milli};
	t->score[i].n[l] = 1;
	return 0;
}

enum policy_doubt policy_tally_doubt_of(const struct policy_message *m)
{
	const struct transaction *t = &m->run.t;
	enum stir_reason r = t->result.reason;
	bool guessed = strcmp(m->run.now_from, "Date") == 0 || strcmp(m->run.now_from, "the clock") == 0;

	if ((r == STIR_STALE || r == STIR_FROM_FUTURE) && guessed)
		return POLICY_DOUBT_TIME;
	if (r == STIR_CERT_UNREACHABLE)
		return POLICY_DOUBT_CERT;
	if (r == STIR_REVOCATION_UNKNOWN)
		return POLICY_DOUBT_CRL;
	return t->policy.error ? POLICY_DOUBT_RULE : POLICY_NO_DOUBT;
}

static void count_doubt(struct policy_tally *t, const struct policy_message *m)
{
	enum policy_doubt d = policy_tally_doubt_of(m);

	if (d == POLICY_NO_DOUBT)
		return;
	if (t->doubt[d]++ < POLICY_TALLY_NAMED)
		buf_printf(&t->named[d], "%s:%lu\n", m->mail.file, m->mail.index);
}

static void count_rule(struct policy_tally_rule *r, const struct policy_hit *h, enum policy_label l)
{
	r->error += h->error;
	if (!h->hit)
		return;
	r->hit[l]++;
	r->score_milli += h->score_milli;
	r->lost += h->lost_milli != 0;
}

int policy_tally_add(struct policy_tally *t, const struct policy_message *m, struct err *e)
{
	const struct policy_result *p = &m->run.t.policy;

	if (!run_judged(&m->run)) {
		(m->run.t.verdict.action == VERDICT_REJECT ? t->refused : t->out_of_scope)[m->label]++;
		return 0;
	}
	t->judged[m->label]++;
	t->would[m->label][p->would_action]++;
	t->action[m->label][p->action]++;
	count_doubt(t, m);
	for (size_t i = 0; i < p->nhit; i++)
		count_rule(&t->rule[p->hit[i].rule], &p->hit[i], m->label);
	return add_score(t, p->score_milli, m->label, e);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* A width of 1, 2 or 5 times a power of ten, so that there are bins enough. */
static int64_t bin_width(int64_t low, int64_t high)
{
	static const int64_t step[] = {500, 1000, 2000, 5000, 10000, 20000, 50000};

	for (size_t i = 0; i < sizeof(step) / sizeof(*step); i++)
		if (floor_div(high, step[i]) - floor_div(low, step[i]) < POLICY_TALLY_BINS)
			return step[i];
	return (high - low) / (POLICY_TALLY_BINS - 1) + 1;
}

void policy_tally_bins(const struct policy_tally *t, struct policy_tally_bins *out)
{
	int64_t low, high;

	memset(out, 0, sizeof(*out));
	if (t->nscore == 0)
		return;
	out->width = bin_width(t->score[0].milli, t->score[t->nscore - 1].milli);
	low = floor_div(t->score[0].milli, out->width);
	high = floor_div(t->score[t->nscore - 1].milli, out->width);
	out->first = low * out->width;
	out->n = (size_t)(high - low + 1);
	for (size_t i = 0; i < t->nscore; i++)
		for (size_t l = 0; l < POLICY_LABELS; l++)
			out->in[floor_div(t->score[i].milli, out->width) - low][l] += t->score[i].n[l];
}

void policy_tally_unread(struct policy_tally *t, enum policy_label l)
{
	t->unread[l]++;
}

struct policy_tally_split policy_tally_split(const struct policy_tally *t, int32_t milli)
{
	struct policy_tally_split s = {0};

	for (size_t i = 0; i < t->nscore; i++)
		for (size_t l = 0; l < POLICY_LABELS; l++)
			*(t->score[i].milli < milli ? &s.below[l] : &s.above[l]) += t->score[i].n[l];
	return s;
}

double policy_tally_rank(const struct policy_tally *t, size_t rule)
{
	const uint64_t *hit = t->rule[rule].hit;
	double wanted, abuse;

	if (!t->judged[POLICY_WANTED] || !t->judged[POLICY_ABUSE])
		return -1;
	wanted = (double)hit[POLICY_WANTED] / (double)t->judged[POLICY_WANTED];
	abuse = (double)hit[POLICY_ABUSE] / (double)t->judged[POLICY_ABUSE];
	return wanted + abuse > 0 ? abuse / (abuse + wanted) : -1;
}

struct ranked {
	size_t rule;
	double rank;
	uint64_t hits;
};

static int better(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if ((a->hits == 0) != (b->hits == 0))
		return a->hits == 0 ? 1 : -1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->hits != b->hits)
		return a->hits > b->hits ? -1 : 1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

size_t *policy_tally_order(const struct policy_tally *t)
{
	size_t n = policy_rule_count(t->policy), *order = calloc(n + 1, sizeof(*order));
	struct ranked *r = calloc(n + 1, sizeof(*r));

	for (size_t i = 0; r && i < n; i++) {
		const uint64_t *hit = t->rule[i].hit;

		r[i] = (struct ranked){i, policy_tally_rank(t, i), hit[POLICY_UNLABELLED] + hit[POLICY_WANTED] + hit[POLICY_ABUSE]};
	}
	if (r)
		qsort(r, n, sizeof(*r), better);
	for (size_t i = 0; r && order && i < n; i++)
		order[i] = r[i].rule;
	if (!r) {
		free(order);
		order = NULL;
	}
	free(r);
	return order;
}
