/*
 * Files of a PKI on disk.  Knows nothing of what is in them but whether it is
 * secret.
 */
#include "config.h"

#include "ctl/pki_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int os_failed(struct err *e, const char *path, const char *what)
{
	int error = errno;
	enum err_code code = error == EACCES || error == EPERM ? ERR_RIGHTS : ERR_OS;

	return err_set(e, code, "%s: %s: %s", path, what, strerror(error));
}

static int write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t k = write(fd, s.p, s.n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		s = span_skip(s, (size_t)k);
	}
	return fsync(fd);
}

static int in_the_way(struct err *e, const struct pki_file *f)
{
	if (f->fixed)
		return err_set(e, ERR_DATA, "%s: is there already, and is never replaced; move it away, or choose another --out", f->path);
	return err_set(e, ERR_DATA, "%s: is there already; --force replaces it", f->path);
}

/* A new file of that name with the content; leaves none when it fails. */
static int create(const char *path, const struct pki_file *f, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, f->secret ? 0600 : 0644);
	int bad;

	if (fd < 0 && errno == EEXIST)
		return in_the_way(e, f);
	if (fd < 0)
		return os_failed(e, path, "cannot be made");
	bad = write_all(fd, f->content);
	if (bad)
		(void)os_failed(e, path, "cannot be written");
	if (close(fd) && !bad) {
		bad = -1;
		(void)os_failed(e, path, "cannot be written");
	}
	if (bad)
		(void)unlink(path);
	return bad;
}

static int part_name(char out[PATH_MAX], const char *path, struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s.%ld.part", path, (long)getpid());

	return n < PATH_MAX ? 0 : err_set(e, ERR_USAGE, "%s: the name is too long", path);
}

static void remove_parts(const struct pki_file *files, size_t n)
{
	char part[PATH_MAX];

	for (size_t i = 0; i < n; i++)
		if (part_name(part, files[i].path, NULL) == 0)
			(void)unlink(part);
}

static int check_free(const struct pki_file *files, size_t n, bool all, struct err *e)
{
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if ((all || files[i].fixed) && lstat(files[i].path, &st) == 0)
			return in_the_way(e, &files[i]);
	return 0;
}

/* Under its own name; a fixed one not even over a file that came a moment ago. */
static int publish(const char *part, const struct pki_file *f, struct err *e)
{
	if (!f->fixed)
		return rename(part, f->path) ? os_failed(e, f->path, "cannot be replaced") : 0;
	if (link(part, f->path))
		return errno == EEXIST ? in_the_way(e, f) : os_failed(e, f->path, "cannot be made");
	(void)unlink(part);
	return 0;
}

/* All contents are on the disk before the first name changes. */
static int replace_all(const struct pki_file *files, size_t n, struct err *e)
{
	char part[PATH_MAX];
	size_t i;

	if (check_free(files, n, false, e))
		return -1;
	for (i = 0; i < n; i++) {
		if (part_name(part, files[i].path, e) || create(part, &files[i], e)) {
			remove_parts(files, i);
			return -1;
		}
	}
	for (i = 0; i < n; i++) {
		if (part_name(part, files[i].path, e))
			return -1;
		if (publish(part, &files[i], e)) {
			remove_parts(files + i, n - i);
			return -1;
		}
	}
	return 0;
}

static int create_all(const struct pki_file *files, size_t n, struct err *e)
{
	size_t i;

	if (check_free(files, n, true, e))
		return -1;
	for (i = 0; i < n; i++) {
		if (create(files[i].path, &files[i], e) == 0)
			continue;
		while (i--)
			(void)unlink(files[i].path);
		return -1;
	}
	return 0;
}

int pki_files_write(const struct pki_file *files, size_t n, bool replace, struct err *e)
{
	return replace ? replace_all(files, n, e) : create_all(files, n, e);
}

int pki_files_folder(const char *dir, struct err *e)
{
	struct stat st;

	if (mkdir(dir, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return os_failed(e, dir, "the folder cannot be made");
	if (stat(dir, &st) || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_DATA, "%s: is there already, and is no folder", dir);
	return 0;
}

int pki_files_folders(const char *dir, const char *path, struct err *e)
{
	char name[PATH_MAX];
	const char *slash;

	if (pki_files_folder(dir, e))
		return -1;
	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int n = snprintf(name, sizeof name, "%s/%.*s", dir, (int)(slash - path), path);

		if (n >= (int)sizeof name)
			return err_set(e, ERR_USAGE, "%s: the name is too long", dir);
		if (pki_files_folder(name, e))
			return -1;
	}
	return 0;
}
