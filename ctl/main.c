/*
 * stirctl: finds the subcommand and starts it.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/suggest.h"
#include "ctl/cmd.h"

static const struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} subcommands[] = {
	{"sign", cmd_sign, "sign messages as the authentication service would"},
	{"verify", cmd_verify, "judge messages, one line for each"},
	{"explain", cmd_explain, "tell step by step how messages were judged"},
	{"show", cmd_show, "show a token, an Identity field or a certificate"},
	{"policy", cmd_policy, "check policies and try them on stored mail"},
	{"evidence", cmd_evidence, "check and show the evidence log"},
	{"probe", cmd_probe, "make a canary message, and tell what its way did to it"},
	{"pki", cmd_pki, "keep a private STI PKI for pilots and tests"},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(*subcommands) };

static void print_help(FILE *f)
{
	fputs("usage: stirctl COMMAND [options] ...\n"
	      "Signs, verifies and explains STIR messaging PASSporTs in e-mail-style MMS, without an MTA.\n\n", f);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(f, "  %-9s %s\n", subcommands[i].name, subcommands[i].does);
	fputs("\n'stirctl COMMAND --help' tells more; so does stirctl(1).\n"
	      "Exit status: 0 every message is well, 1 some are not, else as in sysexits.h.\n", f);
}

static int unknown(const char *name)
{
	const char *names[SUBCOMMANDS], *near;

	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i] = subcommands[i].name;
	near = suggest_name(span_cstr(name), names, SUBCOMMANDS);
	fprintf(stderr, "stirctl: no command '%s'", name);
	if (near)
		fprintf(stderr, "; did you mean '%s'?\n", near);
	else
		fputs("; 'stirctl --help' lists them\n", stderr);
	return EX_USAGE;
}

static bool is(const char *arg, const char *lng, const char *shrt)
{
	return strcmp(arg, lng) == 0 || strcmp(arg, shrt) == 0;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}
	if (is(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (is(argv[1], "--version", "-V")) {
		printf("stirctl (" PACKAGE_NAME ") " PACKAGE_VERSION "\n");
		return 0;
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
