/*
 * stirctl pki: finds the command about the PKI and starts it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/suggest.h"
#include "ctl/cmd.h"
#include "ctl/pki_expiry.h"
#include "ctl/pki_make.h"
#include "ctl/pki_request.h"
#include "ctl/pki_revoke.h"

static const struct subcommand {
	const char *name;
	/* 0 done, 1 help was printed, PKI_EXPIRY_SOON, -1 and *e */
	int (*run)(int argc, char **argv, struct err *e);
	const char *does;
} subcommands[] = {
	{"init", pki_make_init, "make a root and a CA in a folder"},
	{"issue", pki_make_issue, "make a signer's key and certificate chain"},
	{"delegate", pki_make_delegate, "the same below a delegating certificate (RFC 9060)"},
	{"revoke", pki_revoke, "record that a certificate is revoked"},
	{"crl", pki_revoke_list, "write the revocation lists"},
	{"request", pki_request, "make a certificate request for a real CA"},
	{"expiry", pki_expiry, "tell when certificates and lists end"},
};
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(*subcommands) };

static void print_help(void)
{
	fputs("usage: stirctl pki COMMAND [options] ...\n"
	      "Keeps a small private STI PKI for pilots and tests, asks real CAs for certificates,\n"
	      "and tells when certificates end.\n\n", stdout);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		printf("  %-9s %s\n", subcommands[i].name, subcommands[i].does);
	fputs("\n'stirctl pki COMMAND --help' tells more; so does stirctl(1).\n", stdout);
}

static int unknown(const char *name, struct err *e)
{
	const char *names[SUBCOMMANDS], *near;

	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i] = subcommands[i].name;
	near = suggest_name(span_cstr(name), names, SUBCOMMANDS);
	if (near)
		return err_set(e, ERR_USAGE, "no command '%s'; did you mean '%s'?", name, near);
	return err_set(e, ERR_USAGE, "no command '%s'; 'stirctl pki --help' lists them", name);
}

static int run(int argc, char **argv, struct err *e)
{
	if (argc < 2)
		return err_set(e, ERR_USAGE, "a command is wanted; 'stirctl pki --help' lists them");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return 0;
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1, e);
	return unknown(argv[1], e);
}

int cmd_pki(int argc, char **argv)
{
	struct err e;
	int r;

	err_clear(&e);
	r = run(argc, argv, &e);
	if (r < 0)
		fprintf(stderr, "stirctl pki: %s\n", e.text);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "stirctl pki: standard output cannot be written\n");
		return err_exit_status(ERR_OS);
	}
	if (r < 0)
		return err_exit_status(e.code);
	return r == PKI_EXPIRY_SOON ? CMD_SOME_FAILED : 0;
}
