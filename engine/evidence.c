/*
 * Appending evidence: which file, the lock, the hash of the line before, and what
 * to do when it can't be done.
 *
 * Knows nothing of what a line says (evidence_line.c) but how long it is.
 */
#include "config.h"

#include "engine/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "engine/evidence_files.h"

enum { TICK_EVERY_S = 3600, LOCK_STEP_MS = 5 };

struct evidence {
	atomic_uint refs;
	char *dir;
	unsigned keep_days;
	pthread_mutex_t lock; /* guards what follows */
	int fd;               /* -1: none is open */
	char *path;           /* of the file in use; owned */
	int64_t day;
	dev_t dev;
	ino_t ino;
	int64_t looked;       /* when it was last asked whether the name is still that file's */
	int64_t end;          /* size after our last line; -1: not known */
	struct evidence_files_end before; /* the line before the next one */
	bool stuck;           /* somebody keeps the lock: not waited for again until it was free once */
	bool unsaved;         /* written since the last tick */
	struct evidence_line_hash known[LIMIT_EVIDENCE_CHAINS]; /* chains that this file has */
	bool has[LIMIT_EVIDENCE_CHAINS];
	struct evidence_stats stats;
	uint64_t lost;        /* lines, since it was said last */
	bool said_once;
	int64_t said, ticked;
	char trouble[ERR_TEXT_BYTES]; /* of a tick, to be said; empty: none */
	struct buf line, chain;
};

/* --- opening and closing ------------------------------------------------------------- */

static int check_dir(const char *dir, struct err *e)
{
	struct stat st;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return err_set(e, errno == EACCES ? ERR_RIGHTS : ERR_CONFIG, "EvidenceDir %s: can't be made: %s; the folder it is in must be there", dir, strerror(errno));
	if (stat(dir, &st))
		return err_set(e, ERR_CONFIG, "EvidenceDir %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "EvidenceDir %s: is no folder", dir);
	if (st.st_mode & S_IWOTH)
		return err_set(e, ERR_RIGHTS, "EvidenceDir %s: everybody may write there; chmod o-rwx", dir);
	if (faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, AT_EACCESS))
		return err_set(e, ERR_RIGHTS, "EvidenceDir %s: %s; user %ld must be able to read and write there", dir, strerror(errno), (long)geteuid());
	return 0;
}

int evidence_open(const char *dir, unsigned keep_days, struct evidence **out, struct err *e)
{
	struct evidence *v;

	*out = NULL;
	if (check_dir(dir, e))
		return -1;
	v = calloc(1, sizeof *v);
	if (!v || !(v->dir = strdup(dir)) || pthread_mutex_init(&v->lock, NULL)) {
		if (v)
			free(v->dir);
		free(v);
		return err_set(e, ERR_UNAVAILABLE, "EvidenceDir %s: no memory", dir);
	}
	atomic_init(&v->refs, 1);
	v->keep_days = keep_days;
	v->fd = -1;
	buf_init(&v->line, LIMIT_EVIDENCE_LINE + 2);
	buf_init(&v->chain, LIMIT_CHAIN_BYTES);
	*out = v;
	return 0;
}

struct evidence *evidence_ref(struct evidence *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

static void shut(struct evidence *v)
{
	if (v->fd >= 0)
		(void)close(v->fd);
	v->fd = -1;
	free(v->path);
	v->path = NULL;
}

void evidence_unref(struct evidence *v)
{
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	shut(v);
	buf_free(&v->line);
	buf_free(&v->chain);
	(void)pthread_mutex_destroy(&v->lock);
	free(v->dir);
	free(v);
}

/* --- the file of the day ---------------------------------------------------------------- */

static bool still_there(const struct evidence *v)
{
	struct stat st;

	return stat(v->path, &st) == 0 && st.st_dev == v->dev && st.st_ino == v->ino;
}

static int open_day(struct evidence *v, int64_t day, struct err *e)
{
	struct stat st;

	shut(v);
	v->path = evidence_files_path(v->dir, day);
	if (!v->path)
		return err_set(e, ERR_UNAVAILABLE, "EvidenceDir %s: no memory, or a date that no file can have", v->dir);
	/* Reading, too, for the line before. */
	v->fd = open(v->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0640);
	if (v->fd < 0)
		return err_set(e, ERR_OS, "%s: %s", v->path, strerror(errno));
	if (fstat(v->fd, &st) || !S_ISREG(st.st_mode)) {
		(void)err_set(e, ERR_CONFIG, "%s: no regular file", v->path);
		shut(v);
		return -1;
	}
	v->day = day;
	v->dev = st.st_dev;
	v->ino = st.st_ino;
	v->end = -1;
	memset(v->has, 0, sizeof v->has);
	return 0;
}

/*
 * The day's file, open.  Whether the name is still its own is asked at most once a
 * second: somebody may have moved it away.
 */
static int ready(struct evidence *v, int64_t now, struct err *e)
{
	int64_t day = evidence_files_day(now);

	if (v->fd >= 0 && day == v->day - 1 && now >= v->day * EVIDENCE_FILES_DAY_S - EVIDENCE_LATE_S)
		day = v->day;
	if (v->fd >= 0 && now != v->looked && !still_there(v))
		shut(v);
	v->looked = now;
	return v->fd >= 0 && day == v->day ? 0 : open_day(v, day, e);
}

/* The last line of the newest file before this one, if there is one. 0, or -1 and *e. */
static int find_before(struct evidence *v, struct err *e)
{
	struct evidence_files files;
	struct stat st;
	char *path = NULL;
	int fd, rc = 0;

	if (evidence_files_list(v->dir, &files, e))
		return -1;
	for (size_t i = files.n; i-- > 0 && !path;)
		if (files.day[i] < v->day)
			path = evidence_files_path(v->dir, files.day[i]);
	evidence_files_free(&files);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW) : -1;
	/* One that can't be read is not known: the chain begins anew, which the check tells. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		rc = evidence_files_end(fd, st.st_size, path, &v->before, e);
	if (fd >= 0)
		(void)close(fd);
	v->before.torn = false;
	free(path);
	return rc;
}

/* Somebody else has written, or nobody yet: which line is before ours? With the file locked. */
static int catch_up(struct evidence *v, struct err *e)
{
	struct stat st;

	if (fstat(v->fd, &st))
		return err_set(e, ERR_OS, "%s: %s", v->path, strerror(errno));
	if (st.st_size == v->end)
		return 0;
	/* What was cut off may have had the chains that we referred to. */
	if (st.st_size < v->end)
		memset(v->has, 0, sizeof v->has);
	v->end = -1;
	v->before = (struct evidence_files_end){0};
	if (st.st_size == 0 ? find_before(v, e) : evidence_files_end(v->fd, st.st_size, v->path, &v->before, e))
		return -1;
	v->end = st.st_size;
	return 0;
}

/* --- the lock ------------------------------------------------------------------------------ */

static int lock_file(struct evidence *v, struct err *e)
{
	const struct timespec step = {0, LOCK_STEP_MS * 1000000L};

	for (int waited = 0;; waited += LOCK_STEP_MS) {
		if (flock(v->fd, LOCK_EX | LOCK_NB) == 0) {
			v->stuck = false;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(e, ERR_OS, "%s: can't be locked: %s", v->path, strerror(errno));
		if (v->stuck || waited >= EVIDENCE_LOCK_MS)
			break;
		(void)nanosleep(&step, NULL);
	}
	v->stuck = true;
	return err_set(e, ERR_UNAVAILABLE, "%s: another process keeps it locked", v->path);
}

/* --- one line ---------------------------------------------------------------------------------- */

static bool *place_of(struct evidence *v, const struct evidence_line_hash *chain, struct evidence_line_hash **known)
{
	size_t i = (chain->octets[0] | (size_t)chain->octets[1] << 8) % LIMIT_EVIDENCE_CHAINS;

	*known = &v->known[i];
	return &v->has[i];
}

/* In one write(2); what was not written whole is taken back. */
static int put(struct evidence *v, struct err *e)
{
	ssize_t n;
	int error;

	do
		n = write(v->fd, v->line.p, v->line.n);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)v->line.n) {
		v->end += n;
		return 0;
	}
	error = n < 0 ? errno : ENOSPC;
	/* Where that is not allowed either (chattr +a), the next line begins with a line end. */
	if (n > 0 && ftruncate(v->fd, v->end))
		v->end = -1;
	return err_set(e, ERR_OS, "%s: %s", v->path, strerror(error));
}

static int make_and_put(struct evidence *v, const struct evidence_entry *x, struct err *e)
{
	struct evidence_line_hash chain, *known, self;
	struct span text;
	bool *has;

	buf_reset(&v->line);
	if (v->before.torn)
		buf_putc(&v->line, '\n');
	if (evidence_line_chain(&v->chain, x->check->chain_pem, &chain))
		return err_set(e, ERR_UNAVAILABLE, "no memory for a line of evidence");
	has = place_of(v, &chain, &known);
	text = *has && evidence_line_hash_eq(known, &chain) ? span_make(NULL, 0) : buf_span(&v->chain);
	if (evidence_line_write(&v->line, x, &chain, text, v->before.any ? &v->before.last : NULL))
		return err_set(e, ERR_UNAVAILABLE, "no memory for a line of evidence");
	if (evidence_line_hash(span_make(v->line.p + v->before.torn, v->line.n - v->before.torn - 1), &self))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	if (put(v, e))
		return -1;
	*has = true;
	*known = chain;
	v->before = (struct evidence_files_end){.any = true, .last = self};
	v->unsaved = true;
	v->stats.lines++;
	v->stats.octets += v->line.n;
	return 0;
}

static int append(struct evidence *v, const struct evidence_entry *x, struct err *e)
{
	int rc;

	if (ready(v, x->received, e) || lock_file(v, e))
		return -1;
	rc = catch_up(v, e) ? -1 : make_and_put(v, x, e);
	(void)flock(v->fd, LOCK_UN);
	return rc;
}

/* -1 and *e when there is something to say, and it is time to. */
static int say(struct evidence *v, int64_t now, const struct err *why, struct err *e)
{
	/* A clock that was set back must not silence us for years. */
	if ((!v->lost && !v->trouble[0]) || (v->said_once && now >= v->said && now - v->said < EVIDENCE_SAY_S))
		return 0;
	if (v->lost)
		(void)err_set(e, ERR_OS, "%s; lines that were not written: %llu%s%s", why->text, (unsigned long long)v->lost, v->trouble[0] ? "; " : "", v->trouble);
	else
		(void)err_set(e, ERR_OS, "%s", v->trouble);
	v->said_once = true;
	v->said = now;
	v->lost = 0;
	v->trouble[0] = '\0';
	return -1;
}

int evidence_write(struct evidence *v, const struct evidence_entry *x, struct err *e)
{
	struct err why;
	int rc;

	if (!evidence_line_wanted(x->check))
		return 0;
	(void)err_set(&why, ERR_OS, "EvidenceDir %s: it can be written again", v->dir);
	pthread_mutex_lock(&v->lock);
	if (append(v, x, &why)) {
		v->lost++;
		v->stats.lost++;
	}
	rc = say(v, x->received, &why, e);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

void evidence_stats(struct evidence *v, struct evidence_stats *out)
{
	pthread_mutex_lock(&v->lock);
	*out = v->stats;
	pthread_mutex_unlock(&v->lock);
}

/* --- housekeeping --------------------------------------------------------------------------------- */

/* How many were deleted; -1 and *e when one could not be. */
static int delete_old(const struct evidence *v, int64_t now, struct err *e)
{
	struct evidence_files files;
	int rc = 0, deleted = 0;

	if (evidence_files_list(v->dir, &files, e))
		return -1;
	for (size_t i = 0; i < files.n && (files.day[i] + 1 + (int64_t)v->keep_days) * EVIDENCE_FILES_DAY_S <= now; i++) {
		char *path = evidence_files_path(v->dir, files.day[i]);

		if (path && unlink(path) == 0)
			deleted++;
		else if (!path || errno != ENOENT)
			rc = err_set(e, ERR_OS, "%s: is older than EvidenceKeep and can't be deleted: %s", path ? path : v->dir, path ? strerror(errno) : "no memory");
		free(path);
	}
	evidence_files_free(&files);
	return rc ? rc : deleted;
}

/* A descriptor of the file in use when it wants to go to the disk, or -1. */
static int take_unsaved(struct evidence *v, int64_t now, bool *due)
{
	int fd = -1;

	pthread_mutex_lock(&v->lock);
	*due = v->keep_days && (now < v->ticked || now - v->ticked >= TICK_EVERY_S);
	if (*due)
		v->ticked = now;
	if (v->unsaved && v->fd >= 0)
		fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 0);
	v->unsaved = false;
	pthread_mutex_unlock(&v->lock);
	return fd;
}

void evidence_tick(struct evidence *v, int64_t now)
{
	struct err why;
	bool due;
	/* Not under the lock: a disk may take its time. */
	int fd = take_unsaved(v, now, &due), deleted = 0;

	err_clear(&why);
	if (fd >= 0 && fdatasync(fd))
		(void)err_set(&why, ERR_OS, "EvidenceDir %s: %s", v->dir, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (due)
		deleted = delete_old(v, now, &why);
	pthread_mutex_lock(&v->lock);
	v->stats.deleted += deleted > 0 ? (uint64_t)deleted : 0;
	if (why.text[0])
		memcpy(v->trouble, why.text, sizeof v->trouble);
	pthread_mutex_unlock(&v->lock);
}
