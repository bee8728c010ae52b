/*
 * One descriptor, appended to under a mutex.
 *
 * Knows nothing of what a line says, but that the first octet of such a file
 * is '{': nobody's key or mailbox is appended to for a slip of the pen.
 */
#include "config.h"

#include "engine/factlog_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct factlog_file {
	atomic_uint refs;
	char *path;
	pthread_mutex_t lock; /* guards what follows */
	int fd;               /* -1: closed */
	dev_t dev;
	ino_t ino;
	bool look;            /* is it still the file of that name? */
	int64_t looked;       /* when that was asked last */
	bool torn;            /* the file ends within a line */
	uint64_t lost;        /* lines, since it was said last */
	struct factlog_file_stats stats;
	bool said_once;
	int64_t said;
};

struct factlog_file *factlog_file_new(const char *path)
{
	struct factlog_file *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->path = strdup(path);
	if (!f->path || pthread_mutex_init(&f->lock, NULL)) {
		free(f->path);
		free(f);
		return NULL;
	}
	atomic_init(&f->refs, 1);
	f->fd = -1;
	return f;
}

struct factlog_file *factlog_file_ref(struct factlog_file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

static void shut(struct factlog_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

void factlog_file_unref(struct factlog_file *f)
{
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	shut(f);
	(void)pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f);
}

const char *factlog_file_path(const struct factlog_file *f)
{
	return f->path;
}

/* --- opening -------------------------------------------------------------------- */

/* Is it one of ours, and does it end within a line? */
static int look_into(int fd, const char *path, struct stat *st, bool *torn, struct err *e)
{
	char first = '{', last = '\n';

	if (fstat(fd, st))
		return err_set(e, ERR_OS, "FactLog %s: %s", path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_CONFIG, "FactLog %s: no regular file", path);
	if (st->st_size > 0 && (pread(fd, &first, 1, 0) != 1 || pread(fd, &last, 1, st->st_size - 1) != 1))
		return err_set(e, ERR_OS, "FactLog %s: can not be read", path);
	if (first != '{' && first != '\n')
		return err_set(e, ERR_CONFIG, "FactLog %s: there is a file that holds no facts; it is not written to", path);
	*torn = last != '\n';
	return 0;
}

/* Reading too, for what look_into() wants to know. */
static int open_path(const char *path, int more)
{
	return open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | more, 0640);
}

static int open_file(struct factlog_file *f, struct err *e)
{
	struct stat st;

	f->fd = open_path(f->path, O_CREAT);
	if (f->fd < 0)
		return err_set(e, ERR_OS, "FactLog %s: %s", f->path, strerror(errno));
	if (look_into(f->fd, f->path, &st, &f->torn, e)) {
		shut(f);
		return -1;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

static bool still_there(const struct factlog_file *f)
{
	struct stat st;

	return stat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino;
}

/* Asked at most once a second: a stat() for each line would be felt. */
static int ready(struct factlog_file *f, int64_t now, struct err *e)
{
	if (f->fd >= 0 && (f->look || now != f->looked) && !still_there(f))
		shut(f);
	f->look = false;
	f->looked = now;
	return f->fd >= 0 ? 0 : open_file(f, e);
}

int factlog_file_check(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	int fd = open_path(path, 0), rc;
	bool torn;
	struct stat st;
	char *folder;

	if (fd >= 0) {
		rc = look_into(fd, path, &st, &torn, e);
		(void)close(fd);
		return rc;
	}
	if (errno != ENOENT)
		return err_set(e, ERR_CONFIG, "FactLog %s: %s; user %ld must be able to write it", path, strerror(errno), (long)geteuid());
	folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!folder)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	rc = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
	if (rc)
		(void)err_set(e, ERR_CONFIG, "FactLog %s: %s: %s; user %ld must be able to write there", path, folder, strerror(errno), (long)geteuid());
	free(folder);
	return rc;
}

/* --- writing -------------------------------------------------------------------- */

/* In one write(2), so that another process's lines stay whole too; what a signal or a full disk cut off is tried again. */
static int put(struct factlog_file *f, struct span line)
{
	char end = '\n';
	struct iovec part[2] = {{.iov_base = &end, .iov_len = f->torn}, {.iov_base = (void *)(uintptr_t)line.p, .iov_len = line.n}};
	size_t left = line.n + f->torn;

	for (;;) {
		ssize_t n = writev(f->fd, part, 2);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		for (size_t i = 0, done = (size_t)n; i < 2; i++) {
			size_t k = done < part[i].iov_len ? done : part[i].iov_len;

			part[i].iov_base = (char *)part[i].iov_base + k;
			part[i].iov_len -= k;
			done -= k;
		}
		left -= (size_t)n;
		/* Only the line end that was owed: the file ends with a whole line again. */
		f->torn = left > 0 && left < line.n;
		if (!left)
			return 0;
	}
}

/* -1 and *e when lines were lost and it is time to say so. */
static int say(struct factlog_file *f, int64_t now, const char *why, struct err *e)
{
	/* A clock that was set back must not silence us for years. */
	if (!f->lost || (f->said_once && now >= f->said && now - f->said < FACTLOG_FILE_SAY_S))
		return 0;
	(void)err_set(e, ERR_OS, "%s; lines that were not written: %llu", why, (unsigned long long)f->lost);
	f->said_once = true;
	f->said = now;
	f->lost = 0;
	return -1;
}

int factlog_file_lost(struct factlog_file *f, int64_t now, const char *why, struct err *e)
{
	int rc;

	pthread_mutex_lock(&f->lock);
	f->lost++;
	f->stats.lost++;
	rc = say(f, now, why, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

int factlog_file_append(struct factlog_file *f, struct span line, int64_t now, struct err *e)
{
	struct err why;
	int rc;

	(void)err_set(&why, ERR_OS, "FactLog %s: it can be written again", f->path);
	pthread_mutex_lock(&f->lock);
	if (ready(f, now, &why) || (put(f, line) && err_set(&why, ERR_OS, "FactLog %s: %s", f->path, strerror(errno)))) {
		f->lost++;
		f->stats.lost++;
	} else {
		f->stats.lines++;
	}
	rc = say(f, now, why.text, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

void factlog_file_reopen(struct factlog_file *f)
{
	pthread_mutex_lock(&f->lock);
	f->look = true;
	pthread_mutex_unlock(&f->lock);
}

void factlog_file_stats(struct factlog_file *f, struct factlog_file_stats *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->stats;
	pthread_mutex_unlock(&f->lock);
}
