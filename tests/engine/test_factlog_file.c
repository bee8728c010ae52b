/*
 * Appending: whole lines from many threads, log rotation, a full disk, and what
 * is no fact log.
 */
#include "config.h"

#include "engine/factlog_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "tests/lib/tap.h"

enum { NOW = 1793534400, THREADS = 8, EACH = 500 };

static char dir[512];

static const char *path(const char *name)
{
	static char text[4][600];
	static unsigned turn;
	char *p = text[turn++ & 3];

	(void)snprintf(p, sizeof text[0], "%s/%s", dir, name);
	return p;
}

static const char *content(const char *name)
{
	static struct buf b;
	struct err e = {0};

	if (!b.max)
		buf_init(&b, 16 * 1024 * 1024);
	if (file_read(path(name), b.max, &b, &e))
		tap_bail("%s", e.text);
	return b.p;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("can't write %s", name);
}

static struct factlog_file *file(const char *name)
{
	struct factlog_file *f = factlog_file_new(path(name));

	if (!f)
		tap_bail("no memory");
	return f;
}

static int append(struct factlog_file *f, const char *line, int64_t now, struct err *e)
{
	return factlog_file_append(f, span_cstr(line), now, e);
}

static void test_rotation(void)
{
	struct factlog_file *f = file("log");
	struct err e = {0};
	struct stat st;

	tap_int(append(f, "{1}\n", NOW, &e), 0, "the first line makes the file");
	tap_ok(stat(path("log"), &st) == 0 && !(st.st_mode & 0007), "... which is nobody else's");
	(void)rename(path("log"), path("log.1"));
	tap_int(append(f, "{2}\n", NOW, &e), 0, "renamed, within the same second");
	tap_int(append(f, "{3}\n", NOW + 1, &e), 0, "... and a second later");
	tap_str(content("log.1"), "{1}\n{2}\n", "the old file has what came in between");
	tap_str(content("log"), "{3}\n", "the new one what came after");
	(void)rename(path("log"), path("log.2"));
	factlog_file_reopen(f);
	tap_int(append(f, "{4}\n", NOW + 1, &e), 0, "after a reload at once");
	tap_str(content("log"), "{4}\n", "... in a new one");
	(void)unlink(path("log"));
	tap_int(append(f, "{5}\n", NOW, &e), 0, "removed, and the clock set back");
	tap_str(content("log"), "{5}\n", "... in a new one");
	factlog_file_unref(factlog_file_ref(f));
	tap_int(append(f, "{6}\n", NOW, &e), 0, "one reference less");
	factlog_file_unref(f);
	factlog_file_unref(NULL);
}

/* --- trouble ---------------------------------------------------------------------- */

static void limit(rlim_t n)
{
	const struct rlimit r = {n, RLIM_INFINITY};

	if (setrlimit(RLIMIT_FSIZE, &r))
		tap_bail("no limit");
}

static void test_full(void)
{
	struct factlog_file *f = file("full");
	struct err e = {0};

	tap_int(append(f, "{1234567}\n", NOW, &e), 0, "ten octets");
	limit(15);
	tap_int(append(f, "{abcdefgh}\n", NOW, &e), -1, "a line that does not fit: %s", e.text);
	tap_ok(strstr(e.text, "not written: 1"), "... is counted");
	tap_int(append(f, "{b}\n", NOW + 1, &e), 0, "the next one is not said");
	tap_int(append(f, "{b}\n", NOW + 59, &e), 0, "... nor this");
	tap_int(append(f, "{b}\n", NOW + 60, &e), -1, "but a minute later: %s", e.text);
	tap_ok(strstr(e.text, "not written: 3"), "... all three");
	tap_int(append(f, "{b}\n", NOW + 61, &e), 0, "one more");
	tap_int(append(f, "{b}\n", NOW - 100, &e), -1, "a clock that was set back does not silence it");
	tap_int(append(f, "{b}\n", NOW - 99, &e), 0, "and one more");
	limit(RLIM_INFINITY);
	tap_int(append(f, "{c}\n", NOW - 98, &e), 0, "room again");
	tap_str(content("full"), "{1234567}\n{abcd\n{c}\n", "what was cut is ended, and the next line is whole");
	tap_int(append(f, "{d}\n", NOW, &e), -1, "and later it is said how many were lost: %s", e.text);
	tap_ok(strstr(e.text, "it can be written again") && strstr(e.text, "not written: 1"), "... %s", e.text);
	tap_int(append(f, "{e}\n", NOW + 100, &e), 0, "then no more");
	tap_str(content("full"), "{1234567}\n{abcd\n{c}\n{d}\n{e}\n", "every line that came after is there");
	factlog_file_unref(f);
	write_text("torn", "{1}\n{2");
	f = file("torn");
	tap_int(append(f, "{3}\n", NOW, &e), 0, "a file that a crash left within a line");
	tap_str(content("torn"), "{1}\n{2\n{3}\n", "... is ended too");
	factlog_file_unref(f);
}

static void test_refused(void)
{
	struct factlog_file *f;
	struct err e = {0};

	write_text("key", "-----BEGIN\n");
	f = file("key");
	tap_int(append(f, "{1}\n", NOW, &e), -1, "what is no fact log: %s", e.text);
	tap_str(content("key"), "-----BEGIN\n", "... is not written to");
	tap_int(factlog_file_check(path("key"), &e), -1, "... and a check says so");
	factlog_file_unref(f);
	if (mkdir(path("folder"), 0700) || mkfifo(path("fifo"), 0600))
		tap_bail("no folder or fifo");
	f = file("fifo");
	tap_int(append(f, "{1}\n", NOW, &e), -1, "a pipe: %s", e.text);
	factlog_file_unref(f);
	tap_int(factlog_file_check(path("fifo"), &e), -1, "... a check: %s", e.text);
	tap_int(factlog_file_check(path("folder"), &e), -1, "a folder: %s", e.text);
	tap_int(factlog_file_check(path("none/log"), &e), -1, "no such folder: %s", e.text);
	tap_int(factlog_file_check(path("new"), &e), 0, "a file that could be made");
	tap_int(access(path("new"), F_OK), -1, "... is not");
	f = file("none/log");
	tap_int(append(f, "{1}\n", NOW, &e), -1, "no such folder, at a line: %s", e.text);
	tap_int(factlog_file_lost(f, NOW, "no memory", &e), 0, "a line that could not be made, in the same minute");
	tap_int(factlog_file_lost(f, NOW + 60, "no memory", &e), -1, "... %s", e.text);
	tap_ok(strstr(e.text, "not written: 2"), "... both");
	if (mkdir(path("none"), 0700))
		tap_bail("no folder");
	tap_int(append(f, "{2}\n", NOW + 61, &e), 0, "the folder is there now");
	tap_str(content("none/log"), "{2}\n", "... and the next line in it");
	factlog_file_unref(f);
}

/* --- many ------------------------------------------------------------------------- */

static void *writer(void *arg)
{
	struct factlog_file *f = arg;
	struct err e = {0};
	char line[600];

	for (int i = 0; i < EACH; i++) {
		int n = snprintf(line, sizeof line, "{%0*d}\n", 20 + i % 500, i);

		if (factlog_file_append(f, span_make(line, (size_t)n), NOW + i / 50, &e))
			return arg;
		if (i % 100 == 0)
			factlog_file_reopen(f);
	}
	return NULL;
}

static void test_threads(void)
{
	struct factlog_file *f = file("many");
	pthread_t thread[THREADS];
	size_t lines = 0, bad = 0;
	void *failed;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, writer, f))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(thread[i], &failed);
		bad += failed != NULL;
	}
	factlog_file_unref(f);
	for (struct span rest = span_cstr(content("many")); rest.n; lines++) {
		struct span line = span_cut(&rest, '\n');

		bad += line.n < 22 || line.p[0] != '{' || line.p[line.n - 1] != '}' || span_find(span_skip(line, 1), '{') < line.n - 1;
	}
	tap_int((long long)lines, THREADS * EACH, "%d threads, every line", THREADS);
	tap_int((long long)bad, 0, "... whole");
}

int main(void)
{
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		tap_bail("no signal");
	(void)snprintf(dir, sizeof dir, "%s", tap_tempdir());
	test_rotation();
	test_full();
	test_refused();
	test_threads();
	return tap_done();
}
