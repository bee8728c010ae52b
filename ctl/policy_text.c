/*
 * check, test and dump: what is in a policy file, and is it right?
 *
 * Everything found is policy/'s own words, printed as they are.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/policy_files.h"
#include "ctl/policy_text.h"
#include "ctl/run.h"

#define DEFAULT_CONF SYSCONFDIR "/stir-milter/stir-milter.conf"

enum { OWN_NO_TESTS = OPTIONS_OWN_FIRST, OWN_JSON };

struct flags {
	bool no_tests, json;
};

static int take(void *arg, int c, char *value, struct err *e)
{
	struct flags *f = arg;

	(void)value;
	(void)e;
	f->no_tests = f->no_tests || c == OWN_NO_TESTS;
	f->json = f->json || c == OWN_JSON;
	return 0;
}

/* What a command does with one file: the exit status. */
typedef int (*each_fn)(const char *path, const struct flags *f);

static int worse(int a, int b)
{
	return a == 0 || (a == CMD_SOME_FAILED && b != 0) ? b : a;
}

static int each(const struct options_own *own, int argc, char **argv, each_fn fn, int (*none)(const struct options *o, const struct flags *f))
{
	struct flags f = {0};
	struct options o;
	struct err e;
	int rc, status = 0;

	err_clear(&e);
	rc = options_parse_own(&o, own, &f, argc, argv, &e);
	if (rc) {
		status = rc > 0 ? 0 : run_complain(&o, &e);
	} else if (o.nfile && o.conf) {
		err_set(&e, ERR_USAGE, "give -c CONF or FILE, not both");
		status = run_complain(&o, &e);
	} else if (o.nfile == 0) {
		status = none(&o, &f);
	} else {
		for (size_t i = 0; i < o.nfile; i++)
			status = worse(status, fn(o.file[i], &f));
	}
	options_free(&o);
	return status;
}

/* --- check ---------------------------------------------------------------------------- */

static void summary(const char *path, const struct policy *p, bool tested, size_t ran)
{
	const struct ast_policy *a = policy_ast(p);
	size_t shadow = 0;

	for (size_t i = 0; i < policy_rule_count(p); i++)
		shadow += policy_rule(p, i)->shadow;
	printf("%s: good; mode %s, %zu rules (%zu shadow), %zu lists, %zu rates, %zu peers, ", path, ast_mode_name(policy_mode(p)),
		policy_rule_count(p), shadow, a->nlist, a->nrate, a->npeer);
	if (tested)
		printf("%zu tests passed, ", ran);
	printf("%s\n", policy_hash(p));
}

static int check_file(const char *path, const struct flags *f)
{
	struct source_report r;
	struct policy *p;
	size_t ran = 0, failed = 0;
	int status = policy_files_open(path, true, &p);

	if (status)
		return status;
	source_report_init(&r);
	if (!f->no_tests)
		failed = policy_test(p, &r, &ran);
	policy_files_say(&r);
	if (failed)
		fprintf(stderr, "%s: %zu of %zu tests failed\n", path, failed, ran);
	else
		summary(path, p, !f->no_tests, ran);
	source_report_free(&r);
	policy_free(p);
	return failed ? EX_CONFIG : 0;
}

/* The policy a configuration names. */
static int check_conf(const struct options *o, const struct flags *f)
{
	const char *conf = o->conf ? o->conf : DEFAULT_CONF;
	struct settings s;
	struct err e;
	int status;

	err_clear(&e);
	if (settings_init(&s, &e))
		return run_complain(o, &e);
	if (settings_read(&s, conf, &e)) {
		if (!o->conf)
			err_prefix(&e, "no FILE given, and the configuration can't be read");
		status = run_complain(o, &e);
	} else if (!s.policy) {
		err_set(&e, ERR_USAGE, "%s names no Policy; give FILE", conf);
		status = run_complain(o, &e);
	} else {
		status = check_file(s.policy, f);
	}
	settings_free(&s);
	return status;
}

int policy_text_check(int argc, char **argv)
{
	static const struct option options[] = {{"no-tests", no_argument, NULL, OWN_NO_TESTS}, {NULL, 0, NULL, 0}};
	static const struct options_own own = {
		.name = "policy check", .synopsis = "[--no-tests] [FILE...]",
		.does = "Say everything that is wrong with a policy, its lists and its tests. Status 0 when it is good, else 78.",
		.flags = "      --no-tests        don't run the tests in it\n"
			 "  -c, --config CONF     check the policy this configuration names; the default without FILE,\n"
			 "                        with " DEFAULT_CONF "\n",
		.example = "stirctl policy check inbound.policy", .option = options, .conf = true, .fileless = true, .take = take,
	};

	return each(&own, argc, argv, check_file, check_conf);
}

/* --- test ------------------------------------------------------------------------------ */

static void test_line(const struct policy *p, size_t i, bool good)
{
	const struct ast_value *title = &policy_ast(p)->test[i].title;

	printf("%sok %zu - %.*s\n", good ? "" : "not ", i + 1, SPAN_ARG(title->text));
}

static int test_file(const char *path, const struct flags *f)
{
	struct source_report r;
	struct policy *p;
	size_t n, failed = 0;
	int status = policy_files_open(path, false, &p);

	(void)f;
	if (status)
		return status;
	n = policy_ast(p)->ntest;
	printf("# %s\n1..%zu\n", path, n);
	for (size_t i = 0; i < n; i++) {
		bool good;

		source_report_init(&r);
		good = policy_test_one(p, i, &r);
		test_line(p, i, good);
		policy_files_say(&r);
		source_report_free(&r);
		failed += !good;
	}
	printf("# %zu passed, %zu failed%s\n", n - failed, failed, n ? "" : ": there is no test in it");
	policy_free(p);
	return failed ? CMD_SOME_FAILED : 0;
}

static int no_file(const struct options *o, const struct flags *f)
{
	(void)o;
	(void)f;
	return EX_USAGE;
}

int policy_text_test(int argc, char **argv)
{
	static const struct option options[] = {{NULL, 0, NULL, 0}};
	static const struct options_own own = {
		.name = "policy test", .synopsis = "FILE...",
		.does = "Run the tests in a policy; one line for each. Status 0 when all hold, 1 when some don't, 78 when it is no policy.",
		.flags = "", .example = "stirctl policy test inbound.policy", .option = options, .take = take,
	};

	return each(&own, argc, argv, test_file, no_file);
}

/* --- dump ---------------------------------------------------------------------------------- */

static int dump_file(const char *path, const struct flags *f)
{
	struct policy *p;
	json_t *j;
	int status = policy_files_open(path, false, &p);

	if (status)
		return status;
	j = policy_dump(p);
	if (!j || json_dumpf(j, stdout, (f->json ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(10))) {
		fprintf(stderr, "stirctl policy dump: %s: out of memory, or standard output is closed\n", path);
		status = EX_UNAVAILABLE;
	}
	putchar('\n');
	json_decref(j);
	policy_free(p);
	return status;
}

int policy_text_dump(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, OWN_JSON}, {NULL, 0, NULL, 0}};
	static const struct options_own own = {
		.name = "policy dump", .synopsis = "[--json] FILE...",
		.does = "Print a policy as it was understood, with the place of everything, in JSON.",
		.flags = "      --json            on one line\n", .example = "stirctl policy dump inbound.policy", .option = options, .take = take,
	};

	return each(&own, argc, argv, dump_file, no_file);
}
