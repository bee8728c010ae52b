/*
 * A folder instead of the network.  The kernel keeps the look-up below the
 * folder (openat2 with RESOLVE_BENEATH); where it can't, each component is
 * opened without following symbolic links.
 *
 * The folder is opened once: one that takes its place later is seen after a
 * reload.  No state changes after that, hence no lock.
 */
#include "config.h"

#include "engine/fetch_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/limits.h"
#include "engine/file.h"

struct fetch_dir {
	struct fetch fetch;
	int fd;
	char *name;
};

enum {
	OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	/* The kernel gives EAGAIN when a rename elsewhere disturbed the look-up. */
	OPEN_TRIES = 8
};

/* A component that may be looked for: printable ASCII, not hidden, no '%'. */
static bool component_ok(struct span c)
{
	if (c.n == 0 || c.p[0] == '.')
		return false;
	for (size_t i = 0; i < c.n; i++)
		if (c.p[i] <= 0x20 || c.p[i] >= 0x7F || strchr("%?#\\:@", c.p[i]))
			return false;
	return true;
}

/* https://HOST[:PORT]/PATH as "host/PATH"; -1 when it can't be a file of the folder. */
static int relative_path(struct span url, char *out, size_t size)
{
	struct span rest, host, path;
	size_t n;

	if (!span_casestarts(url, "https://") || url.n > LIMIT_X5U_BYTES || url.n >= size)
		return -1;
	rest = span_skip(url, strlen("https://"));
	path = rest;
	host = span_cut(&path, '/');
	if (host.n == rest.n)
		return -1;
	host = span_cut(&host, ':');
	if (!component_ok(host))
		return -1;
	for (n = 0; n < host.n; n++)
		out[n] = span_lower(host.p[n]);
	out[n++] = '/';
	memcpy(out + n, path.p, path.n);
	out[n + path.n] = '\0';
	do {
		if (path.n && path.p[path.n - 1] == '/')
			return -1;
		if (!component_ok(span_cut(&path, '/')))
			return -1;
	} while (path.n);
	return 0;
}

/* One component after the other, no symbolic link followed. */
static int open_stepwise(int dir, char *path)
{
	char *slash, *step = path;
	int at = dir, fd;

	while ((slash = strchr(step, '/')) != NULL) {
		*slash = '\0';
		fd = openat(at, step, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		*slash = '/';
		if (at != dir)
			close(at);
		if (fd < 0)
			return -1;
		at = fd;
		step = slash + 1;
	}
	fd = openat(at, step, OPEN_FLAGS | O_NOFOLLOW);
	if (at != dir) {
		int error = errno;

		close(at);
		errno = error;
	}
	return fd;
}

static int open_beneath(int dir, char *path)
{
	struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	/* An old kernel, or a filter of system calls that doesn't know it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_stepwise(dir, path);
	return (int)fd;
}

/* It is there, or may be, but not for us. */
static int unreadable(struct fetch_answer *a, struct err *e, const char *name, const char *why)
{
	a->cause = FETCH_UNREADABLE;
	return err_set(e, ERR_UNAVAILABLE, "%s: %s", name, why);
}

static int not_there(struct fetch_answer *a, struct err *e, const char *name)
{
	a->cause = FETCH_NOT_FOUND;
	err_set(e, ERR_NOINPUT, "%s: is not there", name);
	return 0;
}

static int open_failed(const char *name, int error, struct fetch_answer *a, struct err *e)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return not_there(a, e, name);
	case EXDEV:
		return unreadable(a, e, name, "a symbolic link leads out of the folder");
	case ELOOP:
		return unreadable(a, e, name, "a symbolic link that is not followed");
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		a->cause = FETCH_LOCAL; /* says nothing about the file */
		return err_set(e, ERR_UNAVAILABLE, "%s: cannot be opened: %s", name, strerror(error));
	default:
		a->cause = FETCH_UNREADABLE;
		return err_set(e, ERR_UNAVAILABLE, "%s: cannot be opened: %s", name, strerror(error));
	}
}

static int read_found(int fd, const char *name, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct err why;
	struct stat st;

	if (fstat(fd, &st))
		return unreadable(a, e, name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return not_there(a, e, name);
	if (!S_ISREG(st.st_mode))
		return unreadable(a, e, name, "is no regular file");
	if (file_read_fd(fd, name, out->max, out, &why) == 0) {
		a->cause = FETCH_NONE;
		return 1;
	}
	a->cause = why.code == ERR_DATA ? FETCH_TOO_LARGE : why.code == ERR_UNAVAILABLE ? FETCH_LOCAL : FETCH_UNREADABLE;
	return err_set(e, why.code, "%s", why.text);
}

static int dir_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fetch_dir *d = (struct fetch_dir *)f;
	char path[LIMIT_X5U_BYTES + 1], name[ERR_TEXT_BYTES];
	int fd, rc;

	(void)deadline_ms; /* a file is at hand or it isn't */
	a->lifetime_s = -1;
	if (relative_path(url, path, sizeof path))
		return not_there(a, e, "a file of that name");
	fd = open_beneath(d->fd, path);
	rc = errno;
	/* Cut when too long: it is for error texts only. */
	if (snprintf(name, sizeof name, "%s/%s", d->name, path) < 0)
		name[0] = '\0';
	if (fd < 0)
		return open_failed(name, rc, a, e);
	rc = read_found(fd, name, out, a, e);
	close(fd);
	return rc;
}

static void dir_close(struct fetch *f)
{
	struct fetch_dir *d = (struct fetch_dir *)f;

	if (d->fd >= 0)
		close(d->fd);
	free(d->name);
	free(d);
}

static const struct fetch_ops dir_ops = {.get = dir_get, .close = dir_close};

int fetch_dir_open(const char *dir, struct fetch **out, struct err *e)
{
	struct fetch_dir *d = calloc(1, sizeof *d);

	*out = NULL;
	if (!d)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
	d->fetch = (struct fetch){&dir_ops, .at_hand = true};
	d->name = strdup(dir);
	d->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!d->name)
		err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
	else if (d->fd < 0 && errno == ENOTDIR)
		err_set(e, ERR_NOINPUT, "%s: is no folder; name the folder that holds HOST/PATH", dir);
	else if (d->fd < 0)
		err_set(e, ERR_NOINPUT, "%s: the folder cannot be opened: %s", dir, strerror(errno));
	else if (faccessat(d->fd, ".", X_OK, AT_EACCESS))
		err_set(e, ERR_NOINPUT, "%s: the folder cannot be searched: %s", dir, strerror(errno));
	else {
		*out = &d->fetch;
		return 0;
	}
	dir_close(&d->fetch);
	return -1;
}
