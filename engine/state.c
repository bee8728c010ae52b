/*
 * A counted pair of counters and a flag, and one file.
 *
 * The counters' form is policy/counters.c's; a file is read and written as octets.
 */
#include "config.h"

#include "engine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file.h"

struct state {
	atomic_uint refs;
	atomic_bool touched;
	struct counters *counters;
};

struct state *state_new(size_t max)
{
	struct state *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	atomic_init(&s->refs, 1);
	atomic_init(&s->touched, false);
	s->counters = counters_new(max);
	if (!s->counters) {
		free(s);
		return NULL;
	}
	return s;
}

struct state *state_ref(struct state *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void state_unref(struct state *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	counters_free(s->counters);
	free(s);
}

struct counters *state_counters(struct state *s)
{
	return s->counters;
}

void state_touch(struct state *s)
{
	/* Mostly it is set already; a store each time would make the line travel between processors. */
	if (!atomic_load_explicit(&s->touched, memory_order_relaxed))
		atomic_store_explicit(&s->touched, true, memory_order_relaxed);
}

/* --- reading ------------------------------------------------------------------- */

/* A name beside the file; NULL without memory. */
static char *beside(const char *path, const char *ending)
{
	struct buf b;

	buf_init(&b, strlen(path) + strlen(ending));
	(void)buf_puts(&b, path);
	(void)buf_puts(&b, ending);
	if (b.failed)
		buf_free(&b);
	return b.p;
}

/* Never the only copy: the file is moved, and who looks for the reason has it. */
static void put_aside(const char *path, struct err *e)
{
	char *aside = beside(path, ".broken");

	if (aside && rename(path, aside) == 0)
		err_prefix(e, "starting without a past; what was there is kept as %s", aside);
	else
		err_prefix(e, "starting without a past");
	free(aside);
}

static bool is_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* 1: read; 0: there is none; -1. */
static int read_file(const char *path, struct buf *out, struct err *e)
{
	struct stat st;

	if (stat(path, &st) && errno == ENOENT)
		return 0;
	return file_read(path, COUNTERS_SNAPSHOT_MAX, out, e) ? -1 : 1;
}

int state_load(struct state *s, const char *path, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, COUNTERS_SNAPSHOT_MAX);
	rc = read_file(path, &text, e);
	if (rc > 0 && counters_load(s->counters, buf_span(&text), e)) {
		err_prefix(e, "%s", path);
		rc = -1;
	}
	/* Also a file that could not be read: the next save would write over it. */
	if (rc < 0 && is_file(path))
		put_aside(path, e);
	else if (rc < 0)
		err_prefix(e, "starting without a past");
	if (rc < 0)
		err_prefix(e, "StateFile");
	buf_free(&text);
	return rc < 0 ? -1 : 0;
}

int state_check(const char *path, struct err *e)
{
	struct counters *c = counters_new(COUNTERS_DEFAULT);
	struct buf text;
	int rc;

	if (!c)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	buf_init(&text, COUNTERS_SNAPSHOT_MAX);
	rc = read_file(path, &text, e);
	if (rc > 0 && counters_load(c, buf_span(&text), e)) {
		err_prefix(e, "StateFile %s", path);
		rc = -1;
	}
	buf_free(&text);
	counters_free(c);
	return rc < 0 ? -1 : 0;
}

/* --- writing ------------------------------------------------------------------- */

static int write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = span_skip(s, (size_t)n);
	}
	return fsync(fd);
}

/* The name of a file is on the disk when its folder is. Not all file systems can; then it is as good as it gets. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(folder);
}

static int write_file(const char *path, const char *fresh, struct span text, struct err *e)
{
	int fd, bad, error;

	/* One that was left by a process that ended in between is in the way. */
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_RIGHTS, "StateFile: %s: %s", fresh, strerror(errno));
	bad = write_all(fd, text);
	error = errno;
	if (close(fd) && !bad) {
		bad = -1;
		error = errno;
	}
	if (!bad && rename(fresh, path)) {
		bad = -1;
		error = errno;
	}
	if (bad) {
		(void)unlink(fresh);
		return err_set(e, ERR_OS, "StateFile: %s could not be written: %s", path, strerror(error));
	}
	sync_folder(path);
	return 0;
}

int state_save(struct state *s, const char *path, struct err *e)
{
	struct buf text;
	char *fresh;
	int rc;

	/* What changes from here on is for the next time. */
	if (!atomic_exchange(&s->touched, false))
		return 0;
	fresh = beside(path, ".new");
	buf_init(&text, COUNTERS_SNAPSHOT_MAX);
	if (!fresh || counters_save(s->counters, &text))
		rc = err_set(e, ERR_UNAVAILABLE, "StateFile: %s could not be written: no memory", path);
	else
		rc = write_file(path, fresh, buf_span(&text), e);
	if (rc)
		state_touch(s);
	buf_free(&text);
	free(fresh);
	return rc;
}
