/*
 * stirctl policy: finds the command about policies and starts it; explain, which
 * is short, is here.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/explain.h"
#include "ctl/policy_args.h"
#include "ctl/policy_layout.h"
#include "ctl/policy_replay.h"
#include "ctl/policy_run.h"
#include "ctl/policy_text.h"
#include "ctl/policy_words.h"
#include "ctl/subcommand.h"

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

static const struct subcommand subcommands[] = {
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

int cmd_policy(int argc, char **argv)
{
	static const struct subcommand_set set = {
		.program = "stirctl policy",
		.head = "usage: stirctl policy COMMAND [options] ...\n"
			"Checks policies and tries them on stored mail; see stir-milter-policy(5).\n\n",
		.tail = "\n'stirctl policy COMMAND --help' tells more.\n\nFor example:\n  stirctl policy check inbound.policy\n",
		.at = subcommands,
		.n = sizeof subcommands / sizeof *subcommands,
	};

	return subcommand_run(&set, argc, argv);
}
