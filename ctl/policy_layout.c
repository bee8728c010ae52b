/*
 * Lays policy files out: to standard output, into the file, or as a difference.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/limits.h"
#include "ctl/cmd.h"
#include "ctl/policy_files.h"
#include "ctl/policy_layout.h"
#include "ctl/run.h"
#include "engine/file.h"
#include "policy/format.h"

enum {
	OWN_DIFF = OPTIONS_OWN_FIRST,
	OWN_WRITE,
	FILE_MAX = 1024 * 1024,     /* of a policy file */
	LAID_OUT_MAX = 16 * FILE_MAX,
};

struct flags {
	bool diff, write;
};

static int take(void *arg, int c, char *value, struct err *e)
{
	struct flags *f = arg;

	(void)value;
	f->diff = f->diff || c == OWN_DIFF;
	f->write = f->write || c == OWN_WRITE;
	return f->diff && f->write ? err_set(e, ERR_USAGE, "give --diff or --write, not both") : 0;
}

static int put_text(struct span s, struct err *e)
{
	if (s.n && fwrite(s.p, 1, s.n, stdout) != s.n)
		return err_set(e, ERR_OS, "can't write to standard output");
	return 0;
}

/* 1: there is a difference; 0; -1 and *e. */
static int carry_out(const char *path, struct span old, struct span laid_out, const struct flags *f, struct err *e)
{
	int rc;

	if (f->diff) {
		rc = policy_layout_diff(stdout, path, old, laid_out);
		return rc < 0 ? err_set(e, ERR_UNAVAILABLE, "%s: out of memory", path) : rc;
	}
	if (!f->write)
		return put_text(laid_out, e);
	if (strcmp(path, "-") == 0)
		return err_set(e, ERR_USAGE, "--write needs a file");
	return span_eq(old, laid_out) ? 0 : policy_files_replace(path, laid_out, e);
}

static int one(const struct options *o, const char *path, const struct flags *f)
{
	struct buf text, out;
	struct source_report r;
	struct err e;
	int rc, status = 0;

	err_clear(&e);
	buf_init(&text, FILE_MAX);
	buf_init(&out, LAID_OUT_MAX);
	source_report_init(&r);
	if (file_read(path, FILE_MAX, &text, &e)) {
		status = run_complain(o, &e);
	} else if (format_policy(path, buf_span(&text), &out, &r)) {
		policy_files_say(&r);
		status = EX_CONFIG;
	} else {
		rc = carry_out(path, buf_span(&text), buf_span(&out), f, &e);
		status = rc < 0 ? run_complain(o, &e) : rc > 0 ? CMD_SOME_FAILED : 0;
	}
	source_report_free(&r);
	buf_free(&out);
	buf_free(&text);
	return status;
}

int policy_layout_fmt(int argc, char **argv)
{
	static const struct option options[] = {{"diff", no_argument, NULL, OWN_DIFF}, {"write", no_argument, NULL, OWN_WRITE}, {NULL, 0, NULL, 0}};
	static const struct options_own own = {
		.name = "policy fmt", .synopsis = "[--diff | --write] FILE...",
		.does = "Print a policy in the canonical layout; comments and meaning stay.",
		.flags = "      --diff            only print what would change; status 1 if anything would\n"
			 "      --write           put it into the file\n",
		.example = "stirctl policy fmt --diff inbound.policy", .option = options, .take = take,
	};
	struct flags f = {0};
	struct options o;
	struct err e;
	int rc, status = 0;

	err_clear(&e);
	rc = options_parse_own(&o, &own, &f, argc, argv, &e);
	if (rc < 0)
		status = run_complain(&o, &e);
	for (size_t i = 0; rc == 0 && i < o.nfile; i++) {
		int s = one(&o, o.file[i], &f);

		status = status == 0 || (status == CMD_SOME_FAILED && s) ? s : status;
	}
	options_free(&o);
	return status;
}
