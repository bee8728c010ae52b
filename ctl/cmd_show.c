/*
 * stirctl show: sees what kind of thing it was given, and has it shown.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/limits.h"
#include "ctl/cmd.h"
#include "ctl/mail.h"
#include "ctl/show.h"
#include "engine/engine.h"
#include "engine/file.h"

static const char help[] =
	"usage: stirctl show TOKEN | IDENTITY | FILE...\n"
	"Shows a PASSporT, an Identity field (as an argument, or in a file), or\n"
	"certificates (PEM or DER file); '-' is standard input.  Nothing is verified.\n"
	"Status 0 when each could be used, 1 when some could not.\n";

static bool has(struct span s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool is_message(struct span s)
{
	struct span rest = s;
	struct mail_field f;
	size_t n = 0;

	while (mail_field_next(&rest, &f))
		n++;
	return n > 1;
}

/* A token never begins with '0': base64url of '{' is 'e'. */
static bool is_der(struct span s)
{
	return s.n > 4 && s.p[0] == '0' && (s.p[1] & 0x80);
}

/* 0, 1 (it can't be used), or a status of sysexits. */
static int show(const char *name, struct span s)
{
	struct arena *a;
	int rc;

	if (s.n == 0) {
		fprintf(stderr, "stirctl show: %s: empty\n", name);
		return EX_DATAERR;
	}
	if (has(s, "-----BEGIN "))
		return show_pem(stdout, s) ? CMD_SOME_FAILED : 0;
	if (is_der(s))
		return show_der(stdout, s) ? CMD_SOME_FAILED : 0;
	if (is_message(s)) {
		fprintf(stderr, "stirctl show: %s: a message; 'stirctl explain' tells about its Identity fields\n", name);
		return EX_DATAERR;
	}
	a = arena_new(LIMIT_MESSAGE_ARENA);
	if (!a) {
		fprintf(stderr, "stirctl show: out of memory\n");
		return EX_UNAVAILABLE;
	}
	rc = show_token(stdout, s, a);
	arena_free(a);
	return rc ? CMD_SOME_FAILED : 0;
}

/* The argument itself, when no file has that name and it looks like a token. */
static bool is_literal(const char *arg)
{
	struct span s = span_cstr(arg);

	return span_casestarts(s, "Identity:") || (span_starts(s, "eyJ") && access(arg, F_OK) != 0);
}

static int show_argument(const char *arg)
{
	struct buf b;
	struct err e;
	int status;

	if (is_literal(arg))
		return show("the argument", span_cstr(arg));
	err_clear(&e);
	buf_init(&b, LIMIT_ANCHOR_BYTES);
	if (file_read(arg, LIMIT_ANCHOR_BYTES, &b, &e)) {
		fprintf(stderr, "stirctl show: %s\n", e.text);
		status = err_exit_status(e.code);
	} else {
		status = show(strcmp(arg, "-") == 0 ? "standard input" : arg, buf_span(&b));
	}
	buf_free(&b);
	return status;
}

int cmd_show(int argc, char **argv)
{
	int status = 0;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 2 || (argv[1][0] == '-' && argv[1][1])) {
		fputs(help, stderr);
		return EX_USAGE;
	}
	engine_global_init();
	for (int i = 1; i < argc; i++) {
		int one;

		if (i > 1)
			putchar('\n');
		if (argc > 2)
			printf("%.60s:\n", argv[i]);
		one = show_argument(argv[i]);
		if (one && (status == 0 || status == CMD_SOME_FAILED))
			status = one;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "stirctl show: can't write to standard output\n");
		return EX_OSERR;
	}
	return status;
}
