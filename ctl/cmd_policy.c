/*
 * stirctl policy: finds the command about policies and starts it; explain, which
 * is short, is here.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/suggest.h"
#include "ctl/cmd.h"
#include "ctl/explain.h"
#include "ctl/policy_args.h"
#include "ctl/policy_layout.h"
#include "ctl/policy_replay.h"
#include "ctl/policy_run.h"
#include "ctl/policy_text.h"
#include "ctl/policy_words.h"

/* --- explain -------------------------------------------------------------------------- */

static int tell(struct run *r, struct mailbox *mb, const struct mail *m, void *arg, struct err *e)
{
	(void)mb;
	(void)arg;
	(void)e;
	explain_message(stdout, r, m);
	explain_policy(stdout, r, r->options->all);
	if (!run_judged(r))
		fputs("  'stirctl explain' judges it all the same.\n", stdout);
	putchar('\n');
	return 1;
}

static const struct option explain_options[] = {{"all", no_argument, NULL, POLICY_ARGS_ALL}, {NULL, 0, NULL, 0}};
static const struct options_own explain_own = {
	.name = "policy explain", .synopsis = "[-c CONF | --trust F --certs DIR] [--policy FILE] MAIL...",
	.does = "Tell what the policy makes of messages: every fact, every rule and why, the sum, the verdict.",
	.flags = "      --all             name the facts that are absent, too\n",
	.example = "stirctl policy explain -c stir-milter.conf --policy new.policy --env client=192.0.2.9 mail.eml",
	.option = explain_options, .judges = true, .take = policy_args_take,
};

static int explain(int argc, char **argv)
{
	struct policy_args a = {0};
	struct options o;
	struct run r;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse_own(&o, &explain_own, &a, argc, argv, &e);
	if (rc == 0)
		rc = run_open(&r, &o, DIRECTION_VERIFY, &e);
	if (rc) {
		status = rc > 0 ? 0 : run_complain(&o, &e);
		options_free(&o);
		return status;
	}
	o.all = a.all;
	r.as_milter = r.trace = true;
	if (engine_policy(r.engine)) {
		status = run_all(&r, &(struct run_hooks){.message = tell});
	} else {
		err_set(&e, ERR_USAGE, "no policy to judge by: give --policy FILE, or -c CONF that names one");
		status = run_complain(&o, &e);
	}
	run_close(&r);
	options_free(&o);
	return status;
}

/* --- which ------------------------------------------------------------------------------ */

static const struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} subcommands[] = {
	{"check", policy_text_check, "say what is wrong with a policy, its lists and its tests"},
	{"test", policy_text_test, "run the tests in a policy, a line for each"},
	{"fmt", policy_layout_fmt, "lay a policy out"},
	{"facts", policy_words_facts, "list the facts a policy can ask for"},
	{"dump", policy_text_dump, "print a policy as it was understood, as JSON"},
	{"run", policy_run_main, "judge mailboxes and count what each rule did"},
	{"explain", explain, "tell what a policy makes of one message, and why"},
	{"diff", policy_run_diff, "show the messages two policies disagree about"},
	{"replay", policy_replay_main, "judge recorded facts anew"},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(*subcommands) };

static void print_help(FILE *f)
{
	fputs("usage: stirctl policy COMMAND [options] ...\n"
	      "Checks policies and tries them on stored mail; see stir-milter-policy(5).\n\n", f);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(f, "  %-9s %s\n", subcommands[i].name, subcommands[i].does);
	fputs("\n'stirctl policy COMMAND --help' tells more.\n\nFor example:\n  stirctl policy check inbound.policy\n", f);
}

static int unknown(const char *name)
{
	const char *names[SUBCOMMANDS], *near;

	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i] = subcommands[i].name;
	near = suggest_name(span_cstr(name), names, SUBCOMMANDS);
	fprintf(stderr, "stirctl policy: no command '%s'", name);
	if (near)
		fprintf(stderr, "; did you mean '%s'?\n", near);
	else
		fputs("; 'stirctl policy --help' lists them\n", stderr);
	return EX_USAGE;
}

int cmd_policy(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
