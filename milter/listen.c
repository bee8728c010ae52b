/*
 * Whether a socket is in use, and opening it.  How one is written is checked
 * where the setting is read.
 *
 * libmilter would unlink a socket that another process still answers on, so we
 * look first, with the folder locked against a second starter.
 */
#include "config.h"

#include "milter/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "milter/selfcall.h"

enum { BACKLOG = 1024 };

/* The path of a local socket, or NULL. */
static const char *local_path(const char *spec)
{
	if (strncmp(spec, "local:", 6) == 0)
		return spec + 6;
	return strncmp(spec, "unix:", 5) == 0 ? spec + 5 : NULL;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int check_local(const char *name, const char *path, struct err *e)
{
	char *folder = folder_of(path);
	struct stat st;
	int rc = 0;

	if (!folder)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if (stat(folder, &st))
		rc = err_set(e, ERR_CONFIG, "%s: %s: %s", name, folder, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_CONFIG, "%s: %s is no folder", name, folder);
	free(folder);
	return rc;
}

static int check_fd(const char *name, const char *spec, const char *number, struct err *e)
{
	long fd = strtol(number, NULL, 10);

	if (fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
		return err_set(e, ERR_CONFIG, "%s %s: that descriptor is not open", name, spec);
	return 0;
}

static int check_named(const char *name, const char *spec, struct err *e)
{
	if (local_path(spec))
		return check_local(name, local_path(spec), e);
	return strncmp(spec, "fd:", 3) == 0 ? check_fd(name, spec, spec + 3, e) : 0;
}

int listen_check_socket(const char *name, const char *spec, struct err *e)
{
	return spec ? check_named(name, spec, e) : 0;
}

int listen_check(const char *spec, struct err *e)
{
	if (!spec)
		return err_set(e, ERR_CONFIG, "Socket is not set: say where the MTA reaches us, such as local:PATH or inet:PORT@127.0.0.1");
	return check_named("Socket", spec, e);
}

/* 0 and errno of connect(2); a listener with a full queue answers EAGAIN. */
static int probe(const char *path, int *error)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* settings_syntax.c refuses longer ones. */
	assert(strlen(path) < sizeof sun.sun_path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	*error = connect(fd, (const struct sockaddr *)&sun, sizeof sun) == 0 ? 0 : errno;
	(void)close(fd);
	return 0;
}

static int clear_way(const char *path, struct err *e)
{
	struct stat st;
	int error = 0;

	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return 0;
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_UNAVAILABLE, "%s is in the way, and is no socket", path);
	if (probe(path, &error))
		return err_set(e, ERR_OS, "can't make a socket: %s", strerror(errno));
	if (error == 0 || error == EAGAIN)
		return err_set(e, ERR_UNAVAILABLE, "%s: another process answers on it", path);
	if (error != ECONNREFUSED)
		return err_set(e, ERR_UNAVAILABLE, "%s: can't tell whether anybody uses it: %s", path, strerror(error));
	if (unlink(path))
		return err_set(e, ERR_UNAVAILABLE, "%s: can't remove a left-over socket: %s", path, strerror(errno));
	return 0;
}

static int open_plain(const char *spec, struct err *e)
{
	char *copy = strdup(spec);
	int rc;

	if (!copy)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	rc = smfi_setconn(copy);
	free(copy);
	if (rc != MI_SUCCESS)
		return err_set(e, ERR_CONFIG, "Socket %s: libmilter refuses it", spec);
	if (smfi_setbacklog(BACKLOG) != MI_SUCCESS)
		return err_set(e, ERR_BUG, "libmilter refuses a backlog of %d", BACKLOG);
	errno = 0;
	if (smfi_opensocket(false) != MI_SUCCESS)
		return err_set(e, ERR_UNAVAILABLE, "can't listen on %s: %s", spec, errno ? strerror(errno) : "see libmilter's line in the system log");
	return 0;
}

/* Remembers what was made. */
static int note_local(struct listen *l, const char *path, struct err *e)
{
	struct stat st;

	l->path = strdup(path);
	if (!l->path || lstat(path, &st))
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", path, l->path ? strerror(errno) : "no memory");
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int open_local(struct listen *l, const char *spec, const char *path, struct err *e)
{
	return clear_way(path, e) || open_plain(spec, e) || note_local(l, path, e) ? -1 : 0;
}

enum { LOCK_TRIES = 50 }; /* a tenth of a second each */

/* Anybody who may read the folder may hold its lock: not waited for without end. */
static int flock_briefly(int fd)
{
	const struct timespec pause = {0, 100 * 1000 * 1000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		nanosleep(&pause, NULL);
	}
	errno = EWOULDBLOCK;
	return -1;
}

/* Two starters at once would each take the other's new socket for a left-over one. */
static int lock_folder(const char *path, struct err *e)
{
	char *folder = folder_of(path);
	int fd;

	if (!folder)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock_briefly(fd)) {
		(void)err_set(e, ERR_UNAVAILABLE, "%s: can't lock: %s", folder, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	}
	free(folder);
	return fd;
}

int listen_open(struct listen *l, const char *spec, struct err *e)
{
	const char *path;
	int rc, lock;

	*l = (struct listen){0};
	if (listen_check(spec, e))
		return -1;
	path = local_path(spec);
	if (!path)
		return open_plain(spec, e);
	lock = lock_folder(path, e);
	if (lock < 0)
		return -1;
	rc = open_local(l, spec, path, e);
	(void)close(lock);
	return rc;
}

/* --- without libmilter ----------------------------------------------------------- */

static int bind_local(struct listen *l, const char *path, int *fd, struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	assert(strlen(path) < sizeof sun.sun_path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (clear_way(path, e))
		return -1;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (const struct sockaddr *)&sun, sizeof sun))
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	return note_local(l, path, e);
}

static int bind_inet(const struct sockaddr_storage *addr, socklen_t len, int *fd, struct err *e)
{
	int on = 1;

	*fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(*fd, (const struct sockaddr *)addr, len))
		return err_set(e, ERR_UNAVAILABLE, "can't listen there: %s", strerror(errno));
	return 0;
}

static bool is_of_this_host(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	if (a->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return a->ss_family == AF_UNIX;
}

static int bind_any(struct listen *l, const char *spec, int *fd, struct err *e)
{
	struct selfcall where;
	const char *path = local_path(spec);
	int lock, rc;

	if (path) {
		lock = lock_folder(path, e);
		if (lock < 0)
			return -1;
		rc = bind_local(l, path, fd, e);
		(void)close(lock);
		return rc;
	}
	if (selfcall_aim(&where, spec, e))
		return -1;
	if (!is_of_this_host(&where.addr))
		return err_set(e, ERR_CONFIG, "%s is not an address of this host alone", spec);
	if (strncmp(spec, "fd:", 3) != 0)
		return bind_inet(&where.addr, where.len, fd, e);
	/* Whoever handed it in may want to keep it. */
	*fd = fcntl((int)strtol(spec + 3, NULL, 10), F_DUPFD_CLOEXEC, 3);
	return *fd < 0 ? err_set(e, ERR_OS, "%s: %s", spec, strerror(errno)) : 0;
}

int listen_socket(struct listen *l, const char *name, const char *spec, int *fd, struct err *e)
{
	*l = (struct listen){0};
	*fd = -1;
	if (listen_check_socket(name, spec, e))
		return -1;
	if (bind_any(l, spec, fd, e) == 0 && listen(*fd, BACKLOG) == 0)
		return 0;
	if (e->code == ERR_NONE)
		(void)err_set(e, ERR_UNAVAILABLE, "can't listen there: %s", strerror(errno));
	if (*fd >= 0)
		(void)close(*fd);
	listen_close(l);
	return err_prefix(e, "%s", name);
}

void listen_close(struct listen *l)
{
	struct stat st;

	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);
	free(l->path);
	*l = (struct listen){0};
}
