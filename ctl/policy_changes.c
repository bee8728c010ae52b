/*
 * Collects differences of verdicts and names the rules behind them.
 *
 * Knows names of rules and scores; where the two verdicts come from (two
 * policies, or a log and a policy) is its callers'.
 */
#include "config.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/printable.h"
#include "ctl/policy_changes.h"

enum {
	NAME_SHOWN = 4200, /* a path and an index */
	/* Distinct rules counted: of two policies, or of what a log names. */
	RULES_MAX = 16384
};

struct pair {
	uint64_t n;
	GHashTable *rule; /* name -> uint64_t *, owned; NULL before the first */
	uint64_t no_rule; /* changes no rule explains */
};

struct policy_changes {
	FILE *spool;
	uint64_t judged, changed, doubtful;
	struct pair pair[POLICY_CHANGES_ACTIONS][POLICY_CHANGES_ACTIONS];
	GHashTable *doubt;     /* rule -> messages */
	GHashTable *doubt_now; /* rules of the message in hand, a set */
};

/* Before each name in the spool. */
struct record {
	unsigned char from, to;
	uint16_t n;
	int32_t old_milli, new_milli;
};

int policy_changes_outcome(const struct policy *p, const struct policy_result *r, struct arena *a, struct policy_outcome *out)
{
	*out = (struct policy_outcome){.would = r->would_action, .score_milli = r->score_milli};
	out->rule = arena_array(a, r->nhit + 1, sizeof(*out->rule));
	if (!out->rule)
		return -1;
	for (size_t i = 0; i < r->nhit; i++) {
		const struct policy_hit *h = &r->hit[i];

		if (h->hit && !h->shadow)
			out->rule[out->nrule++] = (struct policy_outcome_rule){policy_rule(p, h->rule)->name.text, h->score_milli, h->final};
	}
	return 0;
}

static GHashTable *counts_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

struct policy_changes *policy_changes_new(struct err *e)
{
	struct policy_changes *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, ERR_UNAVAILABLE, "out of memory");
		return NULL;
	}
	c->spool = tmpfile();
	if (!c->spool) {
		err_set(e, ERR_OS, "can't make a temporary file: %s", strerror(errno));
		free(c);
		return NULL;
	}
	c->doubt = counts_new();
	c->doubt_now = counts_new();
	return c;
}

void policy_changes_free(struct policy_changes *c)
{
	if (!c)
		return;
	fclose(c->spool);
	g_hash_table_destroy(c->doubt);
	g_hash_table_destroy(c->doubt_now);
	for (size_t i = 0; i < POLICY_CHANGES_ACTIONS; i++)
		for (size_t k = 0; k < POLICY_CHANGES_ACTIONS; k++)
			if (c->pair[i][k].rule)
				g_hash_table_destroy(c->pair[i][k].rule);
	free(c);
}

static int count(GHashTable *t, struct span name)
{
	gchar *key = g_strndup(name.n ? name.p : "", name.n);
	uint64_t *n = g_hash_table_lookup(t, key);

	if (!n) {
		if (g_hash_table_size(t) >= RULES_MAX) {
			g_free(key);
			return -1;
		}
		n = g_new0(uint64_t, 1);
		g_hash_table_insert(t, g_strdup(key), n);
	}
	(*n)++;
	g_free(key);
	return 0;
}

static const struct policy_outcome_rule *find(const struct policy_outcome *o, struct span name)
{
	for (size_t i = 0; i < o->nrule; i++)
		if (span_eq(o->rule[i].name, name))
			return &o->rule[i];
	return NULL;
}

/* A rule that scores nothing and decides nothing changes no verdict. */
static bool counts_for(const struct policy_outcome_rule *r)
{
	return r->milli != 0 || r->final;
}

/* Rules that hit in one only, or with another score. */
static int blame(struct pair *p, const struct policy_outcome *old, const struct policy_outcome *now)
{
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < old->nrule; i++) {
		const struct policy_outcome_rule *other = find(now, old->rule[i].name);

		if (other ? other->milli != old->rule[i].milli : counts_for(&old->rule[i])) {
			rc |= count(p->rule, old->rule[i].name);
			any = true;
		}
	}
	for (size_t i = 0; i < now->nrule; i++) {
		if (counts_for(&now->rule[i]) && !find(old, now->rule[i].name)) {
			rc |= count(p->rule, now->rule[i].name);
			any = true;
		}
	}
	p->no_rule += !any;
	return rc;
}

int policy_changes_add(struct policy_changes *c, struct span name, const struct policy_outcome *old, const struct policy_outcome *now, struct err *e)
{
	struct pair *p = &c->pair[old->would][now->would];
	struct record rec = {.from = (unsigned char)old->would, .to = (unsigned char)now->would, .old_milli = old->score_milli,
		.new_milli = now->score_milli};

	c->judged++;
	if (old->would == now->would)
		return 0;
	name = span_take(name, NAME_SHOWN);
	rec.n = (uint16_t)name.n;
	c->changed++;
	p->n++;
	if (!p->rule)
		p->rule = counts_new();
	if (blame(p, old, now))
		return err_set(e, ERR_DATA, "more than %d different rules", RULES_MAX);
	if (fwrite(&rec, sizeof(rec), 1, c->spool) != 1 || (name.n && fwrite(name.p, 1, name.n, c->spool) != name.n))
		return err_set(e, ERR_OS, "can't write a temporary file: %s", strerror(errno));
	return 0;
}

int policy_changes_doubt(struct policy_changes *c, struct span rule)
{
	return count(c->doubt_now, rule);
}

int policy_changes_doubtful(struct policy_changes *c)
{
	GHashTableIter it;
	gpointer key;
	int rc = 0;

	c->doubtful++;
	g_hash_table_iter_init(&it, c->doubt_now);
	while (g_hash_table_iter_next(&it, &key, NULL))
		rc |= count(c->doubt, span_cstr(key));
	g_hash_table_remove_all(c->doubt_now);
	return rc;
}

uint64_t policy_changes_count(const struct policy_changes *c)
{
	return c->changed;
}

uint64_t policy_changes_judged(const struct policy_changes *c)
{
	return c->judged;
}

/* --- printing ------------------------------------------------------------------------ */

struct tally {
	const char *name;
	uint64_t n;
};

static gint most_first(gconstpointer x, gconstpointer y)
{
	const struct tally *a = x, *b = y;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Names with counts, the most frequent first; g_array_free() it. */
static GArray *sorted(GHashTable *t)
{
	GArray *a = g_array_new(FALSE, FALSE, sizeof(struct tally));
	gpointer key, value;
	GHashTableIter it;

	g_hash_table_iter_init(&it, t);
	while (g_hash_table_iter_next(&it, &key, &value)) {
		struct tally one = {key, *(uint64_t *)value};

		g_array_append_val(a, one);
	}
	g_array_sort(a, most_first);
	return a;
}

static void print_names(FILE *f, GHashTable *t)
{
	GArray *a = sorted(t);

	for (guint i = 0; i < a->len; i++) {
		const struct tally *one = &g_array_index(a, struct tally, i);
		struct buf b;

		buf_init(&b, 4 * NAME_SHOWN);
		printable_put(&b, span_take(span_cstr(one->name), NAME_SHOWN), "");
		fprintf(f, "%s%.*s %" PRIu64, i ? ", " : "", SPAN_ARG(buf_span(&b)), one->n);
		buf_free(&b);
	}
	g_array_free(a, TRUE);
}

/* What is done with each change of one pair. */
typedef int (*each_fn)(FILE *f, const struct record *r, struct span name, bool first);

static int for_pair(struct policy_changes *c, size_t from, size_t to, FILE *f, each_fn each, struct err *e)
{
	char name[NAME_SHOWN];
	struct record r;
	bool first = true;

	if (fflush(c->spool) || fseeko(c->spool, 0, SEEK_SET))
		return err_set(e, ERR_OS, "can't read a temporary file: %s", strerror(errno));
	while (fread(&r, sizeof(r), 1, c->spool) == 1) {
		if (r.n > sizeof(name) || (r.n && fread(name, 1, r.n, c->spool) != r.n))
			return err_set(e, ERR_OS, "can't read a temporary file");
		if (r.from != from || r.to != to)
			continue;
		if (each(f, &r, span_make(name, r.n), first))
			return err_set(e, ERR_UNAVAILABLE, "out of memory");
		first = false;
	}
	if (ferror(c->spool) || fseeko(c->spool, 0, SEEK_END))
		return err_set(e, ERR_OS, "can't read a temporary file: %s", strerror(errno));
	return 0;
}

static int print_one(FILE *f, const struct record *r, struct span name, bool first)
{
	struct buf b;

	(void)first;
	buf_init(&b, 4 * NAME_SHOWN + 16);
	printable_put(&b, name, "");
	fprintf(f, "  %.*s  %.2f -> %.2f\n", SPAN_ARG(buf_span(&b)), r->old_milli / 1000.0, r->new_milli / 1000.0);
	buf_free(&b);
	return 0;
}

static int print_pair(struct policy_changes *c, size_t from, size_t to, FILE *f, struct err *e)
{
	struct pair *p = &c->pair[from][to];

	fprintf(f, "%s -> %s: %" PRIu64 " message%s\n", verdict_action_name((enum verdict_action)from), verdict_action_name((enum verdict_action)to), p->n,
		p->n == 1 ? "" : "s");
	fputs("  because of ", f);
	print_names(f, p->rule);
	if (p->no_rule)
		fprintf(f, "%s%" PRIu64 " by thresholds, groups, absorb or \"on\" alone", g_hash_table_size(p->rule) ? "; " : "", p->no_rule);
	fputc('\n', f);
	if (for_pair(c, from, to, f, print_one, e))
		return -1;
	fputc('\n', f);
	return 0;
}

int policy_changes_print(struct policy_changes *c, FILE *f, struct err *e)
{
	for (size_t i = 0; i < POLICY_CHANGES_ACTIONS; i++)
		for (size_t k = 0; k < POLICY_CHANGES_ACTIONS; k++)
			if (c->pair[i][k].n && print_pair(c, i, k, f, e))
				return -1;
	fprintf(f, "%" PRIu64 " of %" PRIu64 " messages change\n", c->changed, c->judged);
	if (c->doubtful) {
		fprintf(f, "Not reproducible %" PRIu64 ", for what these rules look at was not recorded: ", c->doubtful);
		print_names(f, c->doubt);
		fputs("\n(A fact log has what the policy in force asked for, and with \"FactLogNumbers pseudonym\" no number that a list could be asked about.)\n", f);
	}
	return 0;
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *names_json(GHashTable *t)
{
	json_t *a = json_array();
	GArray *s = t ? sorted(t) : NULL;

	for (guint i = 0; a && s && i < s->len; i++) {
		const struct tally *one = &g_array_index(s, struct tally, i);
		gchar *valid = g_utf8_make_valid(one->name, -1);

		if (json_array_append_new(a, json_pack("{ss sI}", "name", valid, "count", (json_int_t)one->n))) {
			json_decref(a);
			a = NULL;
		}
		g_free(valid);
	}
	if (s)
		g_array_free(s, TRUE);
	return a;
}

static json_t *pair_json(const struct policy_changes *c, size_t from, size_t to)
{
	const struct pair *p = &c->pair[from][to];

	return json_pack("{ss ss sI so sI}", "from", verdict_action_name((enum verdict_action)from), "to", verdict_action_name((enum verdict_action)to),
		"count", (json_int_t)p->n, "rules", names_json(p->rule), "without_rule", (json_int_t)p->no_rule);
}

json_t *policy_changes_pairs(const struct policy_changes *c)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < POLICY_CHANGES_ACTIONS; i++)
		for (size_t k = 0; a && k < POLICY_CHANGES_ACTIONS; k++)
			if (c->pair[i][k].n && json_array_append_new(a, pair_json(c, i, k))) {
				json_decref(a);
				a = NULL;
			}
	return a;
}

static int dump(FILE *f, json_t *j)
{
	int bad = !j || json_dumpf(j, f, JSON_COMPACT | JSON_REAL_PRECISION(10));

	json_decref(j);
	return bad ? -1 : 0;
}

static int json_one(FILE *f, const struct record *r, struct span name, bool first)
{
	gchar *valid = g_utf8_make_valid(name.n ? name.p : "", (gssize)name.n);
	json_t *j = json_pack("{ss ss ss sf sf}", "message", valid, "from", verdict_action_name((enum verdict_action)r->from), "to",
		verdict_action_name((enum verdict_action)r->to), "old_score", r->old_milli / 1000.0, "new_score", r->new_milli / 1000.0);

	g_free(valid);
	if (!first)
		fputc(',', f);
	return dump(f, j);
}

int policy_changes_json(struct policy_changes *c, FILE *f, struct err *e)
{
	bool first = true;

	fprintf(f, "{\"judged\":%" PRIu64 ",\"changed\":%" PRIu64 ",\"not_reproducible\":%" PRIu64 ",\"doubtful_rules\":", c->judged, c->changed,
		c->doubtful);
	if (dump(f, names_json(c->doubt)))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	fputs(",\"pairs\":", f);
	if (dump(f, policy_changes_pairs(c)))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	fputs(",\"messages\":[", f);
	for (size_t i = 0; i < POLICY_CHANGES_ACTIONS; i++)
		for (size_t k = 0; k < POLICY_CHANGES_ACTIONS; k++) {
			if (!c->pair[i][k].n)
				continue;
			if (!first)
				fputc(',', f);
			first = false;
			if (for_pair(c, i, k, f, json_one, e))
				return -1;
		}
	fputs("]}\n", f);
	return 0;
}
