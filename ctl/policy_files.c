/*
 * Opens policies for people: says on standard error what is wrong with them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/policy_files.h"
#include "engine/policy_open.h"

enum { PATH_TEXT_MAX = 4096 };

void policy_files_say(const struct source_report *r)
{
	fflush(stdout);
	fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&r->text)));
}

int policy_files_open(const char *path, bool warnings, struct policy **out)
{
	struct source_report r;
	struct err e;
	int rc;

	*out = NULL;
	err_clear(&e);
	if (access(path, R_OK)) {
		fprintf(stderr, "stirctl policy: %s: %s\n", path, strerror(errno));
		return EX_NOINPUT;
	}
	source_report_init(&r);
	rc = policy_open_file(path, out, &r, &e);
	if (rc || warnings)
		policy_files_say(&r);
	if (rc && r.text.n == 0)
		fprintf(stderr, "stirctl policy: %s\n", e.text);
	source_report_free(&r);
	return rc ? EX_CONFIG : 0;
}

/* --- writing ----------------------------------------------------------------------- */

static int put_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			s = span_skip(s, (size_t)n);
	}
	return fsync(fd);
}

static int fill(int fd, const char *real, struct span text)
{
	struct stat st;

	if (stat(real, &st) || fchmod(fd, st.st_mode & 07777))
		return -1;
	/* Who isn't root keeps what he can: the group. */
	if (fchown(fd, st.st_uid, st.st_gid) && fchown(fd, (uid_t)-1, st.st_gid) && errno != EPERM)
		return -1;
	return put_all(fd, text);
}

int policy_files_replace(const char *path, struct span text, struct err *e)
{
	char part[PATH_TEXT_MAX + 32], *real = realpath(path, NULL);
	int fd = -1, bad = 1;

	if (real && strlen(real) < PATH_TEXT_MAX) {
		snprintf(part, sizeof(part), "%s.%ld.new", real, (long)getpid());
		fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd >= 0) {
		bad = fill(fd, real, text);
		if (close(fd))
			bad = 1;
		if (!bad)
			bad = rename(part, real);
		if (bad) {
			err_set(e, ERR_OS, "%s: can't be replaced: %s", path, strerror(errno));
			unlink(part);
		}
	} else {
		err_set(e, ERR_OS, "%s: can't be replaced: %s", path, strerror(errno));
	}
	free(real);
	return bad ? -1 : 0;
}
