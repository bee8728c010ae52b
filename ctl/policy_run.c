/*
 * Takes labelled mailboxes through the engine and counts what the policy does.
 *
 * What is counted, listed and drawn is in policy_tally, policy_changes and
 * report; here they are put together.
 */
#include "config.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/policy_args.h"
#include "ctl/policy_pair.h"
#include "ctl/policy_progress.h"
#include "ctl/policy_replay.h"
#include "ctl/policy_run.h"
#include "ctl/policy_tally.h"
#include "ctl/report.h"

/* One run from its options to its output. */
struct job {
	struct options o;
	struct policy_args a;
	struct run run;
	bool is_open;
	struct policy_tally tally;
	struct policy_pair pair;        /* with --against, and in diff */
	struct policy_changes *changes; /* NULL without */
	struct report *report;          /* NULL without */
	FILE *facts;                    /* NULL without */
	struct pseudonym *pseudonyms;   /* with facts */
	struct policy_progress progress;
	int status;
};

static void note(struct job *j, int status)
{
	if (j->status <= CMD_SOME_FAILED && status)
		j->status = status;
}

/* --- one message -------------------------------------------------------------------- */

static struct span name_of(const struct policy_message *m)
{
	return arena_printf(m->run.t.arena, "%s:%lu", m->mail.file, m->mail.index);
}

static int record_facts(struct job *j, const struct policy_message *m, struct err *e)
{
	const struct factlog_context c = {.id = name_of(m), .time = m->run.now, .numbers = j->a.numbers, .pseudonyms = j->pseudonyms};
	struct buf line;
	int rc = 0;

	if (!m->run.t.facts)
		return 0;
	buf_init(&line, FACTLOG_LINE_MAX);
	if (factlog_write(&line, m->run.t.facts, engine_policy(j->run.engine), &m->run.t.policy, &c))
		rc = err_set(e, ERR_UNAVAILABLE, "%s: out of memory", m->mail.file);
	else if (fwrite(line.p, 1, line.n, j->facts) != line.n)
		rc = err_set(e, ERR_OS, "%s: can't write: %s", j->a.facts_out, strerror(errno));
	buf_free(&line);
	return rc;
}

static int judge(struct policy_message *m, void *arg, struct err *e)
{
	struct policy_outcome old, now;
	struct job *j = arg;
	int judged;

	if (j->changes) {
		judged = policy_pair_judge(&j->pair, m, &old, &now, e);
	} else {
		engine_judge(j->run.engine, &m->run.t, m->run.now);
		judged = run_judged(&m->run);
	}
	if (judged < 0 || policy_tally_add(&j->tally, m, e))
		return -1;
	policy_progress_one(&j->progress);
	if (!judged)
		return 0;
	if (j->changes && policy_changes_add(j->changes, name_of(m), &old, &now, e))
		return -1;
	if (j->report && report_add(j->report, m, j->changes ? &old : NULL, e))
		return -1;
	return j->facts ? record_facts(j, m, e) : 0;
}

static void unread(const char *file, enum policy_label l, const struct err *e, void *arg)
{
	struct job *j = arg;

	(void)file;
	policy_progress_end(&j->progress);
	policy_tally_unread(&j->tally, l);
	note(j, run_complain(&j->o, e));
}

/* --- before and after ------------------------------------------------------------------ */

/* A slip on the command line must not cost a mailbox. */
static bool may_overwrite(const char *path)
{
	struct stat st;

	return stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size == 0 || policy_replay_is_log(path);
}

/* With a key that nobody has afterwards. */
static int have_pseudonyms(struct job *j, struct err *e)
{
	unsigned char key[PSEUDONYM_KEY_BYTES];

	if (RAND_bytes(key, sizeof key) != 1)
		return err_set(e, ERR_UNAVAILABLE, "no randomness for pseudonyms");
	j->pseudonyms = pseudonym_new(key);
	OPENSSL_cleanse(key, sizeof key);
	return j->pseudonyms ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for pseudonyms");
}

static int open_facts(struct job *j, struct err *e)
{
	if (!j->a.facts_out)
		return 0;
	if (!may_overwrite(j->a.facts_out))
		return err_set(e, ERR_OS, "%s: is no fact log, and so not overwritten; remove it, or give another --facts-out", j->a.facts_out);
	if (have_pseudonyms(j, e))
		return -1;
	j->facts = strcmp(j->a.facts_out, "-") == 0 ? stdout : fopen(j->a.facts_out, "we");
	return j->facts ? 0 : err_set(e, ERR_OS, "%s: %s", j->a.facts_out, strerror(errno));
}

static int close_facts(struct job *j, struct err *e)
{
	FILE *f = j->facts;
	int bad;

	pseudonym_free(j->pseudonyms);
	j->pseudonyms = NULL;
	j->facts = NULL;
	if (!f)
		return 0;
	bad = fflush(f) || ferror(f);
	if (f != stdout)
		bad = fclose(f) || bad;
	return bad ? err_set(e, ERR_OS, "%s: can't write: %s", j->a.facts_out, strerror(errno)) : 0;
}

static int open_job(struct job *j, const char *against, struct err *e)
{
	if (run_open(&j->run, &j->o, DIRECTION_VERIFY, e))
		return -1;
	j->is_open = true;
	j->run.as_milter = true;
	if (!engine_policy(j->run.engine))
		return err_set(e, ERR_USAGE, "no policy to judge by: give --policy FILE, or -c CONF that names one");
	if (policy_tally_init(&j->tally, engine_policy(j->run.engine), e))
		return -1;
	if (against) {
		if (policy_pair_open(&j->pair, &j->run, against, e))
			return -1;
		j->changes = policy_changes_new(e);
		if (!j->changes)
			return -1;
	}
	if (j->a.report && report_open(j->a.report, engine_policy(j->run.engine), j->a.numbers == FACTLOG_FULL, against, &j->report, e))
		return -1;
	return open_facts(j, e);
}

static void close_job(struct job *j)
{
	struct err e;

	(void)close_facts(j, &e);
	report_free(j->report);
	policy_changes_free(j->changes);
	policy_pair_close(&j->pair);
	policy_tally_free(&j->tally);
	if (j->is_open)
		run_close(&j->run);
	policy_args_free(&j->a);
	options_free(&j->o);
}

static int feed(struct job *j, struct err *e)
{
	const struct policy_feed f = {.run = &j->run, .path = j->a.path, .npath = j->a.npath, .jobs = j->a.jobs,
		.examined = j->changes ? policy_pair_examined : NULL, .judge = judge, .unread = unread, .arg = j, .examined_arg = &j->pair};
	int rc;

	policy_progress_begin(&j->progress, j->o.name, "messages");
	rc = policy_feed_run(&f, e);
	policy_progress_end(&j->progress);
	return rc;
}

static int print_json(struct job *j, struct err *e)
{
	json_t *o = policy_tally_json(&j->tally);
	int bad = !o || (j->changes && json_object_set_new(o, "changes", policy_changes_pairs(j->changes))) ||
		json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));

	json_decref(o);
	putchar('\n');
	return bad ? err_set(e, ERR_UNAVAILABLE, "out of memory, or standard output is closed") : 0;
}

static int print(struct job *j, struct err *e)
{
	if (j->facts == stdout)
		return 0;
	if (j->a.json)
		return print_json(j, e);
	if (policy_tally_print(stdout, &j->tally))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (!j->changes)
		return 0;
	printf("\nAgainst %s\n", j->a.against);
	return policy_changes_print(j->changes, stdout, e);
}

static int flush(struct err *e)
{
	return fflush(stdout) || ferror(stdout) ? err_set(e, ERR_OS, "can't write to standard output") : 0;
}

/* --- run ------------------------------------------------------------------------------- */

static const struct option run_options[] = {
	{"wanted", required_argument, NULL, POLICY_ARGS_WANTED}, {"ham", required_argument, NULL, POLICY_ARGS_WANTED},
	{"abuse", required_argument, NULL, POLICY_ARGS_ABUSE}, {"jobs", required_argument, NULL, POLICY_ARGS_JOBS},
	{"json", no_argument, NULL, POLICY_ARGS_JSON}, {"report", required_argument, NULL, POLICY_ARGS_REPORT},
	{"facts-out", required_argument, NULL, POLICY_ARGS_FACTS_OUT}, {"numbers", required_argument, NULL, POLICY_ARGS_NUMBERS},
	{"against", required_argument, NULL, POLICY_ARGS_AGAINST}, {NULL, 0, NULL, 0}};

static const struct options_own run_own = {
	.name = "policy run", .synopsis = "[-c CONF | --trust F --certs DIR] --policy FILE [--wanted PATH]... [--abuse PATH]... [PATH...]",
	.does = "Judge stored messages in their order, as the milter would have, and count what each rule did.",
	.flags = "      --wanted PATH     messages that should pass (also --ham); may be repeated\n"
		 "      --abuse PATH      messages that should not; may be repeated\n"
		 "      --report FILE     write an HTML page as well, for a browser, without network\n"
		 "      --against OLD     compare with this policy, too\n"
		 "      --facts-out FILE  write each message's facts, as FactLog does\n"
		 "      --numbers full    whole numbers and texts in these files; default: pseudonym\n"
		 "      --jobs N          messages examined at once; default: one for each processor\n"
		 "      --json            the counts as one JSON object\n",
	.example = "stirctl policy run --trust anchors.pem --certs certs --policy new.policy \\\n"
		   "    --wanted wanted.mbox --abuse abuse.mbox --report report.html",
	.option = run_options, .judges = true, .fileless = true, .take = policy_args_take,
};

static int run_job(struct job *j, struct err *e)
{
	policy_args_paths(&j->a, &j->o, 0);
	if (j->a.npath == 0)
		return err_set(e, ERR_USAGE, "no messages: give --wanted PATH, --abuse PATH, or PATH ('-' is standard input)");
	if (j->a.numbers_given && !j->a.report && !j->a.facts_out)
		return err_set(e, ERR_USAGE, "--numbers is for --report and --facts-out");
	if (j->a.report && strcmp(j->a.report, "-") == 0)
		return err_set(e, ERR_USAGE, "--report needs a file");
	if (open_job(j, j->a.against, e) || feed(j, e) || print(j, e) || close_facts(j, e) || flush(e))
		return -1;
	return j->report ? report_write(j->report, &j->tally, j->changes, (int64_t)time(NULL), e) : 0;
}

static int start(struct job *j, const struct options_own *own, int argc, char **argv, struct err *e)
{
	*j = (struct job){0};
	err_clear(e);
	if (policy_args_init(&j->a, argc)) {
		j->o.name = own->name;
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	return options_parse_own(&j->o, own, &j->a, argc, argv, e);
}

int policy_run_main(int argc, char **argv)
{
	struct job j;
	struct err e;
	int rc = start(&j, &run_own, argc, argv, &e);

	if (rc == 0)
		rc = run_job(&j, &e);
	if (rc < 0)
		note(&j, run_complain(&j.o, &e));
	close_job(&j);
	return j.status;
}

/* --- diff ------------------------------------------------------------------------------- */

static const struct option diff_options[] = {{"on", required_argument, NULL, POLICY_ARGS_ON}, {"jobs", required_argument, NULL, POLICY_ARGS_JOBS},
	{"json", no_argument, NULL, POLICY_ARGS_JSON}, {NULL, 0, NULL, 0}};

static const struct options_own diff_own = {
	.name = "policy diff", .synopsis = "[-c CONF | --trust F --certs DIR] OLD NEW --on PATH...",
	.does = "Judge messages by two policies and show those whose verdict changes. Status 1 if any does.",
	.flags = "      --on PATH         stored messages, or a fact log; may be repeated\n"
		 "      --jobs N          messages examined at once; default: one for each processor\n"
		 "      --json            the changes as one JSON object\n",
	.example = "stirctl policy diff -c stir-milter.conf inbound.policy new.policy --on wanted.mbox",
	.option = diff_options, .judges = true, .take = policy_args_take,
};

static int diff_print(struct job *j, struct err *e)
{
	const enum ast_mode old = policy_mode(engine_policy(j->pair.old)), now = policy_mode(engine_policy(j->pair.now));
	uint64_t n = j->tally.out_of_scope[0], lost = j->tally.unread[0];

	if (j->a.json)
		return policy_changes_json(j->changes, stdout, e);
	if (old != now)
		printf("mode %s -> %s: what is done changes, too\n\n", ast_mode_name(old), ast_mode_name(now));
	if (policy_changes_print(j->changes, stdout, e))
		return -1;
	if (n || lost)
		printf("%lu out of scope, %lu not read\n", (unsigned long)n, (unsigned long)lost);
	return 0;
}

static int diff_job(struct job *j, struct err *e)
{
	size_t logs = 0;

	if (j->o.nfile < 2)
		return err_set(e, ERR_USAGE, "give two policies, OLD and NEW, and --on PATH");
	policy_args_paths(&j->a, &j->o, 2);
	if (j->a.npath == 0)
		return err_set(e, ERR_USAGE, "no messages: give --on PATH");
	for (size_t i = 0; i < j->a.npath; i++)
		logs += policy_replay_is_log(j->a.path[i].path);
	if (logs && logs < j->a.npath)
		return err_set(e, ERR_USAGE, "give mail or fact logs, not both at once");
	if (logs) {
		note(j, policy_replay_diff(&j->o, &j->a, j->o.file[0], j->o.file[1]));
		return 0;
	}
	j->o.policy = j->o.file[1];
	if (open_job(j, j->o.file[0], e) || feed(j, e) || diff_print(j, e) || flush(e))
		return -1;
	if (policy_changes_count(j->changes) && j->status == 0)
		j->status = CMD_SOME_FAILED;
	return 0;
}

int policy_run_diff(int argc, char **argv)
{
	struct job j;
	struct err e;
	int rc = start(&j, &diff_own, argc, argv, &e);

	if (rc == 0)
		rc = diff_job(&j, &e);
	if (rc < 0)
		note(&j, run_complain(&j.o, &e));
	close_job(&j);
	return j.status;
}
