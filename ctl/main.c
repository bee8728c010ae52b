/*
 * stirctl: finds the subcommand and starts it.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/subcommand.h"

static const struct subcommand subcommands[] = {
	{"sign", cmd_sign, "sign messages as the authentication service would"},
	{"verify", cmd_verify, "judge messages, one line for each"},
	{"explain", cmd_explain, "tell step by step how messages were judged"},
	{"show", cmd_show, "show a token, an Identity field or a certificate"},
	{"policy", cmd_policy, "check policies and try them on stored mail"},
	{"evidence", cmd_evidence, "check and show the evidence log"},
	{"probe", cmd_probe, "make a canary message, and tell what its way did to it"},
	{"pki", cmd_pki, "keep a private STI PKI for pilots and tests"},
};

int main(int argc, char **argv)
{
	static const struct subcommand_set set = {
		.program = "stirctl",
		.head = "usage: stirctl COMMAND [options] ...\n"
			"Signs, verifies and explains STIR messaging PASSporTs in e-mail-style MMS, without an MTA.\n\n",
		.tail = "\n'stirctl COMMAND --help' tells more; so does stirctl(1).\n"
			"Exit status: 0 every message is well, 1 some are not, else as in sysexits.h.\n",
		.at = subcommands,
		.n = sizeof subcommands / sizeof *subcommands,
	};

	setlocale(LC_CTYPE, "");
	if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		printf("stirctl (" PACKAGE_NAME ") " PACKAGE_VERSION "\n");
		return 0;
	}
	return subcommand_run(&set, argc, argv);
}
