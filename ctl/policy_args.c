/*
 * Reads what run, diff and replay add to the options of verify.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/suggest.h"
#include "ctl/policy_args.h"

int policy_args_init(struct policy_args *a, int argc)
{
	*a = (struct policy_args){.numbers = FACTLOG_PSEUDONYM};
	a->path = calloc((size_t)argc + 1, sizeof(*a->path));
	return a->path ? 0 : -1;
}

void policy_args_free(struct policy_args *a)
{
	free(a->path);
	*a = (struct policy_args){0};
}

static int add(struct policy_args *a, const char *path, enum policy_label l)
{
	a->path[a->npath++] = (struct policy_path){path, l};
	return 0;
}

static int jobs(struct policy_args *a, const char *text, struct err *e)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || n < 1 || n > POLICY_FEED_JOBS_MAX)
		return err_set(e, ERR_USAGE, "--jobs %s: give a number from 1 to %d", text, POLICY_FEED_JOBS_MAX);
	a->jobs = (unsigned)n;
	return 0;
}

static int numbers(struct policy_args *a, const char *text, struct err *e)
{
	static const char *const word[] = {"pseudonym", "full"};
	const char *near = suggest_name(span_cstr(text), word, 2);

	for (size_t i = 0; i < 2; i++) {
		if (strcmp(text, word[i]) == 0) {
			a->numbers = i ? FACTLOG_FULL : FACTLOG_PSEUDONYM;
			a->numbers_given = true;
			return 0;
		}
	}
	if (near)
		return err_set(e, ERR_USAGE, "--numbers %s: did you mean '%s'?", text, near);
	return err_set(e, ERR_USAGE, "--numbers %s: give 'pseudonym' or 'full'", text);
}

static int once(const char **to, const char *value, const char *name, struct err *e)
{
	if (*to)
		return err_set(e, ERR_USAGE, "%s twice", name);
	*to = value;
	return 0;
}

int policy_args_take(void *arg, int c, char *value, struct err *e)
{
	struct policy_args *a = arg;

	switch ((enum policy_args_option)c) {
	case POLICY_ARGS_WANTED:
		return add(a, value, POLICY_WANTED);
	case POLICY_ARGS_ABUSE:
		return add(a, value, POLICY_ABUSE);
	case POLICY_ARGS_ON:
		return add(a, value, POLICY_UNLABELLED);
	case POLICY_ARGS_JOBS:
		return jobs(a, value, e);
	case POLICY_ARGS_JSON:
		a->json = true;
		return 0;
	case POLICY_ARGS_ALL:
		a->all = true;
		return 0;
	case POLICY_ARGS_REPORT:
		return once(&a->report, value, "--report", e);
	case POLICY_ARGS_FACTS_OUT:
		return once(&a->facts_out, value, "--facts-out", e);
	case POLICY_ARGS_NUMBERS:
		return numbers(a, value, e);
	case POLICY_ARGS_AGAINST:
		return once(&a->against, value, "--against", e);
	case POLICY_ARGS_POLICY:
		return once(&a->policy, value, "--policy", e);
	}
	return err_set(e, ERR_BUG, "an option without a meaning");
}

void policy_args_paths(struct policy_args *a, const struct options *o, size_t first)
{
	for (size_t i = first; i < o->nfile; i++)
		a->path[a->npath++] = (struct policy_path){o->file[i], POLICY_UNLABELLED};
}
