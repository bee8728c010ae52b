/*
 * Streams fact logs through one policy or two.
 *
 * The clock is each record's own; rates begin empty; history is what was
 * recorded.  A record that lacks something a rule looks at says nothing about
 * that rule, so it is counted apart and compared with nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/limits.h"
#include "ctl/cmd.h"
#include "ctl/policy_files.h"
#include "ctl/policy_progress.h"
#include "ctl/policy_replay.h"
#include "ctl/run.h"

/* A policy and what it remembers. */
struct side {
	struct policy *policy; /* NULL: the log's own verdict */
	struct counters *counters;
};

struct rerun {
	const struct options *o;
	struct side old, now;
	struct policy_changes *changes;
	struct policy_progress progress;
	struct arena *arena;
	uint64_t bad;
	int status;
};

/* --- what a rule looks at --------------------------------------------------------------- */

static bool looks_at(const struct ast_expr *x, struct span fact)
{
	if ((x->kind == AST_COMPARE || x->kind == AST_PRESENT) && span_eq(x->name.text, fact))
		return true;
	for (size_t i = 0; i < x->nchild; i++)
		if (looks_at(&x->child[i], fact))
			return true;
	return false;
}

static bool rule_looks_at(const struct ast_rule *r, struct span fact)
{
	return looks_at(r->when, fact) || span_eq(r->per.text, fact);
}

/* Rules and peers that look at what is not there; true when there are any. */
static bool blind(struct policy_changes *c, const struct policy *p, struct span fact, bool *failed)
{
	const struct ast_policy *a = policy_ast(p);
	bool any = false;

	for (size_t i = 0; i < policy_rule_count(p); i++) {
		const struct ast_rule *r = policy_rule(p, i);

		if (!rule_looks_at(r, fact))
			continue;
		any = true;
		*failed = policy_changes_doubt(c, r->name.text) || *failed;
	}
	for (size_t i = 0; i < a->npeer; i++) {
		if (!looks_at(a->peer[i].match, fact))
			continue;
		any = true;
		*failed = policy_changes_doubt(c, a->peer[i].name.text) || *failed;
	}
	return any;
}

/* Facts that were there and not written down, and those nobody worked out then. */
static bool lacks(struct policy_changes *c, const struct policy *p, const struct facts *f, const struct factlog_record *rec, bool *failed)
{
	bool any = false;

	for (size_t i = 0; i < rec->nleft_out; i++)
		any = blind(c, p, rec->left_out[i], failed) || any;
	for (enum fact_id id = 0; id < FACT_N; id++) {
		const struct fact_row *row = fact_row(id);

		if (row->need != FACT_NEED_FREE && !(f->worked_out & (unsigned)row->need) && !facts_present(f, id) && policy_asks(p, id))
			any = blind(c, p, span_cstr(row->name), failed) || any;
	}
	return any;
}

/* --- one record ------------------------------------------------------------------------- */

static int action_of(struct span word, enum verdict_action *out)
{
	for (int i = 0; i < POLICY_CHANGES_ACTIONS; i++) {
		if (span_is(word, verdict_action_name((enum verdict_action)i))) {
			*out = (enum verdict_action)i;
			return 0;
		}
	}
	return -1;
}

static int recorded(const struct factlog_record *rec, struct arena *a, struct policy_outcome *out, struct err *e)
{
	*out = (struct policy_outcome){.score_milli = rec->score_milli};
	if (action_of(rec->would, &out->would))
		return err_set(e, ERR_DATA, "would is no verdict");
	out->rule = arena_array(a, rec->nrule + 1, sizeof(*out->rule));
	if (!out->rule)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	for (size_t i = 0; i < rec->nrule; i++) {
		const struct factlog_rule *r = &rec->rule[i];

		/* Which rule was final, a record read back doesn't say: one without a score may have been. */
		if (!r->shadow)
			out->rule[out->nrule++] = (struct policy_outcome_rule){r->name, r->score_milli, r->score_milli == 0 && span_is(rec->because, "final")};
	}
	return 0;
}

/* 1; 0 when it can't be reproduced; -1 and *e. */
static int judge(struct rerun *r, struct side *s, const struct facts *facts, const struct factlog_record *rec, struct policy_outcome *out, struct err *e)
{
	/* An absurd time has no milliseconds. */
	int64_t ms = rec->time > INT64_MAX / 1000 || rec->time < INT64_MIN / 1000 ? 0 : rec->time * 1000;
	struct policy_env env = {.now = rec->time, .now_ms = ms, .counters = s->counters, .take = true};
	struct facts *f = arena_alloc(r->arena, sizeof(*f));
	struct policy_result res;
	bool failed = false, blind_to;

	if (!f)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	*f = *facts;
	if (policy_eval(s->policy, f, &env, NULL, r->arena, &res) || policy_changes_outcome(s->policy, &res, r->arena, out))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	blind_to = lacks(r->changes, s->policy, facts, rec, &failed) || res.peer_in_doubt;
	for (size_t i = 0; i < res.nhit; i++) {
		if (!res.hit[i].error)
			continue;
		blind_to = true;
		failed = policy_changes_doubt(r->changes, policy_rule(s->policy, res.hit[i].rule)->name.text) || failed;
	}
	if (failed)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	return !blind_to;
}

static int record(struct rerun *r, struct span line, struct err *e)
{
	struct policy_outcome old, now;
	struct factlog_record rec;
	struct facts facts;
	int rc;

	arena_reset(r->arena);
	facts_init(&facts, r->arena);
	if (factlog_read(line, r->arena, &facts, &rec, e))
		return -1;
	rc = r->old.policy ? judge(r, &r->old, &facts, &rec, &old, e) : recorded(&rec, r->arena, &old, e) ? -1 : 1;
	if (rc >= 0) {
		int both = judge(r, &r->now, &facts, &rec, &now, e);

		rc = both < 0 ? -1 : both && rc;
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		return policy_changes_doubtful(r->changes) ? err_set(e, ERR_DATA, "too many different rules") : 0;
	return policy_changes_add(r->changes, rec.id, &old, &now, e);
}

/* --- files ----------------------------------------------------------------------------- */

static void complain(struct rerun *r, const struct err *e)
{
	int status;

	policy_progress_end(&r->progress);
	status = run_complain(r->o, e);
	if (r->status <= CMD_SOME_FAILED)
		r->status = status;
}

/* The next line without its end. 1, 0 at the end, -1: it was too long, and is skipped. */
static int next_line(FILE *f, char *line, size_t size, size_t *n)
{
	int c;

	*n = 0;
	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (*n < size)
			line[*n] = (char)c;
		(*n)++;
	}
	if (c == EOF && *n == 0)
		return 0;
	return *n > size ? -1 : 1;
}

static void read_lines(struct rerun *r, const char *path, FILE *f, char *line)
{
	unsigned long number = 0;
	struct err e;
	size_t n;
	int rc;

	err_clear(&e);
	while ((rc = next_line(f, line, FACTLOG_LINE_MAX, &n)) != 0) {
		number++;
		if (rc < 0)
			rc = err_set(&e, ERR_DATA, "longer than %d octets, which no record is", FACTLOG_LINE_MAX);
		else
			rc = n ? record(r, span_make(line, n), &e) : 0;
		if (rc < 0) {
			err_prefix(&e, "%s:%lu", path, number);
			complain(r, &e);
			r->bad++;
		}
		policy_progress_one(&r->progress);
	}
	if (ferror(f)) {
		err_set(&e, ERR_NOINPUT, "%s: can't read: %s", path, strerror(errno));
		complain(r, &e);
	}
}

static void read_file(struct rerun *r, const char *path, char *line)
{
	bool std = strcmp(path, "-") == 0;
	FILE *f = std ? stdin : fopen(path, "re");
	struct err e;

	if (!f) {
		err_set(&e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
		complain(r, &e);
		return;
	}
	read_lines(r, path, f, line);
	if (!std)
		fclose(f);
}

static int open_side(struct side *s, const char *path)
{
	int status = policy_files_open(path, false, &s->policy);

	if (status)
		return status;
	s->counters = counters_new(COUNTERS_DEFAULT);
	return s->counters ? 0 : err_exit_status(ERR_UNAVAILABLE);
}

static void close_side(struct side *s)
{
	counters_free(s->counters);
	policy_free(s->policy);
}

static int output(struct rerun *r, bool json, struct err *e)
{
	if (json ? policy_changes_json(r->changes, stdout, e) : policy_changes_print(r->changes, stdout, e))
		return -1;
	if (r->bad && !json)
		printf("%llu lines are no record\n", (unsigned long long)r->bad);
	return fflush(stdout) || ferror(stdout) ? err_set(e, ERR_OS, "can't write to standard output") : 0;
}

/* Both sides are open. */
static void replay(struct rerun *r, const char *const *path, size_t npath, bool json)
{
	char *line = malloc(FACTLOG_LINE_MAX);
	struct err e;

	err_clear(&e);
	r->arena = arena_new(LIMIT_MESSAGE_ARENA);
	r->changes = policy_changes_new(&e);
	if (!line || !r->arena)
		err_set(&e, ERR_UNAVAILABLE, "out of memory");
	if (!line || !r->arena || !r->changes) {
		complain(r, &e);
	} else {
		policy_progress_begin(&r->progress, r->o->name, "records");
		for (size_t i = 0; i < npath; i++)
			read_file(r, path[i], line);
		policy_progress_end(&r->progress);
		if (output(r, json, &e))
			complain(r, &e);
		if (r->status == 0 && policy_changes_count(r->changes))
			r->status = CMD_SOME_FAILED;
	}
	policy_changes_free(r->changes);
	arena_free(r->arena);
	free(line);
}

bool policy_replay_is_log(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
	int c = f ? getc(f) : EOF;

	if (f)
		fclose(f);
	return c == '{';
}

int policy_replay_diff(const struct options *o, const struct policy_args *a, const char *old_policy, const char *new_policy)
{
	const char **path = calloc(a->npath + 1, sizeof(*path));
	struct rerun r = {.o = o};

	if (!path)
		return err_exit_status(ERR_UNAVAILABLE);
	for (size_t i = 0; i < a->npath; i++)
		path[i] = a->path[i].path;
	r.status = open_side(&r.old, old_policy);
	if (r.status == 0)
		r.status = open_side(&r.now, new_policy);
	if (r.status == 0)
		replay(&r, path, a->npath, a->json);
	close_side(&r.old);
	close_side(&r.now);
	free(path);
	return r.status;
}

/* --- the command -------------------------------------------------------------------------- */

static const struct option replay_options[] = {{"policy", required_argument, NULL, POLICY_ARGS_POLICY}, {"json", no_argument, NULL, POLICY_ARGS_JSON},
	{NULL, 0, NULL, 0}};

static const struct options_own replay_own = {
	.name = "policy replay", .synopsis = "--policy FILE FACTLOG...",
	.does = "Judge recorded facts anew and show what would be decided otherwise than it was. Status 1 if anything would.",
	.flags = "      --policy FILE     the policy to judge by\n"
		 "      --json            the changes as one JSON object\n",
	.example = "stirctl policy replay --policy new.policy /var/log/stir-milter/facts.log", .option = replay_options, .take = policy_args_take,
};

int policy_replay_main(int argc, char **argv)
{
	struct policy_args a;
	struct rerun r = {0};
	struct options o;
	struct err e;
	int rc;

	err_clear(&e);
	if (policy_args_init(&a, argc))
		return err_exit_status(ERR_UNAVAILABLE);
	rc = options_parse_own(&o, &replay_own, &a, argc, argv, &e);
	r.o = &o;
	if (rc == 0 && !a.policy)
		rc = err_set(&e, ERR_USAGE, "give --policy FILE");
	if (rc < 0)
		r.status = run_complain(&o, &e);
	if (rc == 0)
		r.status = open_side(&r.now, a.policy);
	if (rc == 0 && r.status == 0)
		replay(&r, (const char *const *)o.file, o.nfile, a.json);
	close_side(&r.now);
	policy_args_free(&a);
	options_free(&o);
	return r.status;
}
