/*
 * StateFile: what comes back, what is refused, what is left of a write that
 * failed.
 */
#include "config.h"

#include "engine/state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"
#include "tests/lib/tap.h"

enum { NOW = 1793534400 };

static char dir[512];

static const char *path(const char *name)
{
	static char text[4][600];
	static unsigned turn;
	char *p = text[turn++ & 3];

	(void)snprintf(p, sizeof text[0], "%s/%s", dir, name);
	return p;
}

static bool exists(const char *name)
{
	return access(path(name), F_OK) == 0;
}

static void write_octets(const char *name, struct span s)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fwrite(s.p, 1, s.n, f) != s.n || fclose(f))
		tap_bail("can't write %s", name);
}

static void read_octets(const char *name, struct buf *out)
{
	struct err e = {0};

	if (file_read(path(name), 64 * 1024 * 1024, out, &e))
		tap_bail("%s", e.text);
}

static struct state *fresh(void)
{
	struct state *s = state_new(10000);

	if (!s)
		tap_bail("no memory");
	return s;
}

static struct state *filled(void)
{
	struct state *s = fresh();
	char key[32];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof key, "+1555%07d", i);
		counters_note(state_counters(s), COUNTERS_NUMBER, span_cstr(key), false, NOW + i);
	}
	state_touch(s);
	return s;
}

static void test_round_trip(void)
{
	struct state *s = filled(), *other;
	struct counters_seen seen;
	struct err e = {0};
	struct stat st;

	tap_int(state_save(s, path("state"), &e), 0, "written");
	tap_ok(!exists("state.new"), "... and the other file is gone");
	tap_ok(stat(path("state"), &st) == 0 && (st.st_mode & 0777) == 0600, "... for ourselves only");
	(void)unlink(path("state"));
	tap_int(state_save(s, path("state"), &e), 0, "nothing was touched since");
	tap_ok(!exists("state"), "... so nothing is written");
	state_touch(s);
	tap_int(state_save(s, path("state"), &e), 0, "touched, and written again");
	other = fresh();
	tap_int(state_load(other, path("state"), &e), 0, "read");
	seen = counters_look(state_counters(other), COUNTERS_NUMBER, span_cstr("+15550000007"), NOW + 5000);
	tap_ok(seen.known && seen.first_seen == NOW + 7, "... it is what it was");
	tap_int((long long)counters_stat(state_counters(other)).entries, 1000, "... all of it");
	state_unref(state_ref(other));
	tap_int((long long)counters_stat(state_counters(other)).entries, 1000, "one reference less");
	state_unref(other);
	state_unref(s);
	state_unref(NULL);
}

static void test_broken(void)
{
	struct buf good;
	struct err e = {0};
	struct state *s = filled();

	buf_init(&good, 64 * 1024 * 1024);
	if (state_save(s, path("state"), &e))
		tap_bail("%s", e.text);
	state_unref(s);
	read_octets("state", &good);
	for (int i = 0; i < 5; i++) {
		struct span text = buf_span(&good);

		if (i < 3)
			text = span_take(text, i == 0 ? 0 : i == 1 ? text.n / 2 : text.n - 1);
		if (i >= 3)
			good.p[i == 3 ? 0 : good.n / 2] ^= 1;
		write_octets("state", text);
		(void)unlink(path("state.broken"));
		tap_int(state_check(path("state"), &e), -1, "broken in way %d: %s", i, e.text);
		tap_ok(exists("state"), "... looking moves nothing");
		s = fresh();
		tap_int(state_load(s, path("state"), &e), -1, "... not read: %s", e.text);
		tap_ok(strstr(e.text, "starting without a past") && strstr(e.text, "state.broken"), "... and it says what follows");
		tap_int((long long)counters_stat(state_counters(s)).entries, 0, "... nothing of it is taken");
		tap_ok(!exists("state") && exists("state.broken"), "... and it is kept");
		counters_note(state_counters(s), COUNTERS_NUMBER, span_cstr("+1"), false, NOW);
		tap_ok(counters_look(state_counters(s), COUNTERS_NUMBER, span_cstr("+1"), NOW).known, "... what comes after is remembered");
		state_unref(s);
	}
	buf_free(&good);
	s = fresh();
	tap_int(state_load(s, path("none"), &e), 0, "no file is no fault");
	if (mkdir(path("folder"), 0700))
		tap_bail("no folder");
	tap_int(state_load(s, path("folder"), &e), -1, "a folder is: %s", e.text);
	tap_ok(exists("folder"), "... and stays where it is");
	write_octets("huge", span_cstr("x"));
	if (truncate(path("huge"), (off_t)COUNTERS_SNAPSHOT_MAX + 1))
		tap_bail("no huge file");
	tap_int(state_load(s, path("huge"), &e), -1, "one too large to be read: %s", e.text);
	tap_ok(!exists("huge") && exists("huge.broken"), "... is kept too, and not written over");
	tap_int(state_check(path("none"), &e), 0, "looking for one that is not there");
	state_unref(s);
}

/* A full disk, or nearly: the limit of a file's size does the same. */
static void test_full(void)
{
	const struct rlimit small = {2000, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};
	struct state *s = filled(), *other = fresh();
	struct err e = {0};

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || state_save(s, path("kept"), &e))
		tap_bail("%s", e.text);
	state_touch(s);
	if (setrlimit(RLIMIT_FSIZE, &small))
		tap_bail("no limit");
	tap_int(state_save(s, path("kept"), &e), -1, "no room: %s", e.text);
	if (setrlimit(RLIMIT_FSIZE, &large)) {
		/* Only root may raise it again, and the hard one was not lowered. */
		tap_bail("the limit stays");
	}
	tap_ok(!exists("kept.new"), "... nothing half is left");
	tap_int(state_load(other, path("kept"), &e), 0, "... and the last good one is untouched");
	tap_int((long long)counters_stat(state_counters(other)).entries, 1000, "... whole");
	(void)unlink(path("kept"));
	tap_int(state_save(s, path("kept"), &e), 0, "the next time all of it is written");
	tap_ok(exists("kept"), "... there it is");
	write_octets("kept.new", span_cstr("left by a crash"));
	state_touch(s);
	tap_int(state_save(s, path("kept"), &e), 0, "what a crash left is no hindrance");
	state_touch(s);
	tap_int(state_save(s, path("nowhere/kept"), &e), -1, "no such folder: %s", e.text);
	state_unref(s);
	state_unref(other);
}

int main(void)
{
	(void)snprintf(dir, sizeof dir, "%s", tap_tempdir());
	test_round_trip();
	test_broken();
	test_full();
	return tap_done();
}
