/*
 * The command line of the policy commands that look at many messages.
 */
#ifndef STIR_CTL_POLICY_ARGS_H
#define STIR_CTL_POLICY_ARGS_H

#include "ctl/options.h"
#include "ctl/policy_feed.h"
#include "policy/factlog.h"

enum policy_args_option {
	POLICY_ARGS_WANTED = OPTIONS_OWN_FIRST,
	POLICY_ARGS_ABUSE,
	POLICY_ARGS_ON,
	POLICY_ARGS_JOBS,
	POLICY_ARGS_JSON,
	POLICY_ARGS_REPORT,
	POLICY_ARGS_FACTS_OUT,
	POLICY_ARGS_NUMBERS,
	POLICY_ARGS_AGAINST,
	POLICY_ARGS_POLICY, /* of replay, which takes no options of verify */
	POLICY_ARGS_ALL
};

/* Strings are borrowed from argv. */
struct policy_args {
	struct policy_path *path; /* owned; in the order given, those without a flag last */
	size_t npath;
	unsigned jobs;
	bool json, all;
	const char *report, *facts_out, *against, *policy;
	enum factlog_numbers numbers;
	bool numbers_given;
};

/* argc: how many paths there can be. 0 (policy_args_free()), or -1 without memory. */
int policy_args_init(struct policy_args *a, int argc) MUST_USE;
void policy_args_free(struct policy_args *a);
/* struct options_own's take; arg is a struct policy_args. */
int policy_args_take(void *arg, int c, char *value, struct err *e);
/* The files of the options from the first-th on become unlabelled paths. */
void policy_args_paths(struct policy_args *a, const struct options *o, size_t first);

#endif
