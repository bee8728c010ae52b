/*
 * Commands of a command: which are there, and which is meant.
 */
#ifndef STIR_CTL_SUBCOMMAND_H
#define STIR_CTL_SUBCOMMAND_H

#include <stddef.h>

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is its name; the exit status */
	const char *does;
};

struct subcommand_set {
	const char *program;       /* "stirctl policy" */
	const char *head, *tail;   /* of the help, around the list of commands */
	const struct subcommand *at;
	size_t n;
};

/*
 * Runs the one that argv[1] names, or prints help (--help, -h, help; to standard
 * error without any), or says that there is none of that name.  The exit status.
 */
int subcommand_run(const struct subcommand_set *set, int argc, char **argv);

#endif
