/*
 * Operators' files: opened without waiting and without side effects (a FIFO or
 * a device is refused, not read), never more of them than the cap.
 *
 * Knows nothing of what is in them, and nothing of key files' rights.
 */
#include "config.h"

#include "engine/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16384 };

static int too_large(const char *name, size_t max, struct err *e)
{
	return err_set(e, ERR_DATA, "%s: larger than %zu octets, which is all that is read of such a file", name, max);
}

int file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	char piece[PIECE];
	ssize_t n;

	buf_reset(out);
	if (max > out->max)
		max = out->max;
	/* So that also an empty file is a string. */
	if (buf_put(out, "", 0))
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", name);
	for (;;) {
		n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = errno;

			buf_reset(out);
			return err_set(e, ERR_OS, "%s: cannot be read: %s", name, strerror(error));
		}
		if (n == 0)
			return 0;
		if ((size_t)n > max - out->n) {
			buf_reset(out);
			return too_large(name, max, e);
		}
		if (buf_put(out, piece, (size_t)n)) {
			buf_reset(out);
			return err_set(e, ERR_UNAVAILABLE, "%s: no memory", name);
		}
	}
}

static int open_failed(const char *path, int error, struct err *e)
{
	switch (error) {
	case ENOENT:
		return err_set(e, ERR_NOINPUT, "%s: there is no such file; check the spelling of the path", path);
	case ENOTDIR:
		return err_set(e, ERR_NOINPUT, "%s: a part of the path before the last is no folder", path);
	case EACCES:
		return err_set(e, ERR_NOINPUT, "%s: permission denied; user %ld needs read access to it and search access to its folders",
			       path, (long)geteuid());
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return err_set(e, ERR_OS, "%s: cannot be opened: %s", path, strerror(error));
	default:
		return err_set(e, ERR_NOINPUT, "%s: cannot be opened: %s", path, strerror(error));
	}
}

static int read_regular(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, ERR_OS, "%s: cannot be looked at: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_NOINPUT, "%s: is a folder; name a file", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_NOINPUT, "%s: is no regular file; name a regular file", path);
	return file_read_fd(fd, path, max, out, e);
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	int fd, rc;

	buf_reset(out);
	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, "standard input", max, out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return open_failed(path, errno, e);
	rc = read_regular(fd, path, max, out, e);
	if (close(fd) && !rc)
		return err_set(e, ERR_OS, "%s: cannot be closed: %s", path, strerror(errno));
	return rc;
}

int file_check_place(const char *name, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int rc;

	if (!folder)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	rc = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
	if (rc)
		(void)err_set(e, ERR_CONFIG, "%s %s: %s: %s; user %ld must be able to write there", name, path, folder, strerror(errno), (long)geteuid());
	free(folder);
	return rc;
}
