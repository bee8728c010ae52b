/*
 * Finds the command that is meant.  Knows none.
 */
#include "config.h"

#include "ctl/subcommand.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/suggest.h"

enum { NAMES_MAX = 16 };

static void print_help(const struct subcommand_set *set, FILE *f)
{
	fputs(set->head, f);
	for (size_t i = 0; i < set->n; i++)
		fprintf(f, "  %-9s %s\n", set->at[i].name, set->at[i].does);
	fputs(set->tail, f);
}

static int unknown(const struct subcommand_set *set, const char *name)
{
	const char *names[NAMES_MAX], *near;
	size_t n = set->n < NAMES_MAX ? set->n : NAMES_MAX;

	for (size_t i = 0; i < n; i++)
		names[i] = set->at[i].name;
	near = suggest_name(span_cstr(name), names, n);
	fprintf(stderr, "%s: no command '%s'", set->program, name);
	if (near)
		fprintf(stderr, "; did you mean '%s'?\n", near);
	else
		fprintf(stderr, "; '%s --help' lists them\n", set->program);
	return EX_USAGE;
}

int subcommand_run(const struct subcommand_set *set, int argc, char **argv)
{
	if (argc < 2) {
		print_help(set, stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(set, stdout);
		return 0;
	}
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(argv[1], set->at[i].name) == 0)
			return set->at[i].run(argc - 1, argv + 1);
	return unknown(set, argv[1]);
}
