/*
 * The loader that reads policies from the disk: folders in the order of octets,
 * nothing but regular files, never standard input.
 */
#include "config.h"

#include "engine/policy_open.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static char dir[512];

static const char *path(const char *name)
{
	static char text[4][1200];
	static unsigned turn;
	char *p = text[turn++ & 3];

	(void)snprintf(p, sizeof text[0], "%s/%s", dir, name);
	return p;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("can't write %s", name);
}

static void test_list(void)
{
	const struct source_loader l = policy_open_loader();
	struct buf out;
	struct err e = {0};

	buf_init(&out, 65536);
	tap_int(l.list(l.ctx, dir, &out, &e), 0, "an empty folder");
	tap_int((long long)out.n, 0, "... has no names");
	write_text("b.policy", "");
	write_text("a.policy", "");
	write_text("Z.policy", "");
	write_text("10-x.policy", "");
	write_text("9-x.policy", "");
	write_text(".hidden.policy", "");
	write_text("a.policy~", "");
	write_text("policy", "");
	write_text("a\nb.policy", "");
	tap_int(l.list(l.ctx, dir, &out, &e), 0, "a folder");
	tap_str(out.p, "10-x.policy\n9-x.policy\nZ.policy\na.policy\nb.policy\n", "... policies only, in the order of octets");
	tap_int(l.list(l.ctx, path("none"), &out, &e), -1, "no folder: %s", e.text);
	tap_int(l.list(l.ctx, path("policy"), &out, &e), -1, "a file: %s", e.text);
	buf_free(&out);
}

static void test_read(void)
{
	const struct source_loader l = policy_open_loader();
	struct buf out;
	struct err e = {0};

	buf_init(&out, 1000);
	write_text("one", "12345");
	tap_int(l.read(l.ctx, path("one"), 100, &out, &e), 0, "a file");
	tap_int(l.read(l.ctx, path("one"), 100, &out, &e), 0, "and another");
	tap_str(out.p, "1234512345", "... is appended");
	tap_int(l.read(l.ctx, path("one"), 4, &out, &e), -1, "larger than it may be: %s", e.text);
	tap_str(out.p, "1234512345", "... leaves what was there");
	tap_int(l.read(l.ctx, dir, 100, &out, &e), -1, "a folder: %s", e.text);
	if (mkfifo(path("fifo"), 0600))
		tap_bail("no pipe");
	tap_int(l.read(l.ctx, path("fifo"), 100, &out, &e), -1, "a pipe: %s", e.text);
	tap_int(l.read(l.ctx, "-", 100, &out, &e), -1, "standard input: %s", e.text);
	buf_free(&out);
}

static void test_open(void)
{
	struct source_report r;
	struct policy *p = NULL;
	struct err e = {0};

	source_report_init(&r);
	if (mkdir(path("d"), 0700))
		tap_bail("no folder");
	write_text("main.policy", "policy 1\ninclude directory \"d\"\nlist l tn file \"l.tn\"\nrule R { when orig.tn in @l score 1 }\n");
	write_text("d/2.policy", "rule TWO { when ONE score 1 }\n");
	write_text("d/1.policy", "rule ONE { when verify == none score 1 }\n");
	write_text("l.tn", "+15550100001\n");
	tap_int(policy_open_file(path("main.policy"), &p, &r, &e), 0, "a policy with a folder and a list: %s%s", e.text, r.text.n ? r.text.p : "");
	if (p)
		tap_span_is(policy_rule(p, 0)->name.text, "ONE", "... in order");
	policy_free(p);
	write_text("l.tn", "x\n");
	tap_int(policy_open_file(path("main.policy"), &p, &r, &e), -1, "a bad list: %s", e.text);
	tap_ok(e.code == ERR_CONFIG && strstr(e.text, "l.tn:1:1: error: "), "... with its place");
	source_report_free(&r);
	source_report_init(&r);
	tap_int(policy_open_file(path("none.policy"), &p, &r, &e), -1, "none: %s", e.text);
	tap_ok(strstr(e.text, "none.policy"), "... with its name");
	source_report_free(&r);
}

int main(void)
{
	(void)snprintf(dir, sizeof dir, "%s", tap_tempdir());
	test_list();
	test_read();
	test_open();
	return tap_done();
}
