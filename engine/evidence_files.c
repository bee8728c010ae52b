/*
 * Names and ends of evidence files.  Knows nothing of what a line says.
 */
#include "config.h"

#include "engine/evidence_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"

#define PREFIX "evidence-"
#define SUFFIX ".jsonl"

enum { DATE_DIGITS = 8, LAST_YEAR = 9999 };

int64_t evidence_files_day(int64_t t)
{
	return t >= 0 ? t / EVIDENCE_FILES_DAY_S : -1;
}

int evidence_files_name(int64_t day, char out[EVIDENCE_FILES_NAME])
{
	time_t t = (time_t)(day * EVIDENCE_FILES_DAY_S);
	struct tm tm;
	int n;

	if (day < 0 || day > INT32_MAX || !gmtime_r(&t, &tm) || tm.tm_year + 1900 > LAST_YEAR)
		return -1;
	n = snprintf(out, EVIDENCE_FILES_NAME, PREFIX "%04d%02d%02d" SUFFIX, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	return n > 0 && n < EVIDENCE_FILES_NAME ? 0 : -1;
}

bool evidence_files_is(const char *name, int64_t *day)
{
	struct span s = span_cstr(name), digits;
	char again[EVIDENCE_FILES_NAME];
	struct tm tm = {0};
	int number = 0;

	if (s.n != strlen(PREFIX) + DATE_DIGITS + strlen(SUFFIX) || !span_starts(s, PREFIX))
		return false;
	digits = span_take(span_skip(s, strlen(PREFIX)), DATE_DIGITS);
	for (size_t i = 0; i < DATE_DIGITS; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		number = number * 10 + (digits.p[i] - '0');
	}
	tm.tm_year = number / 10000 - 1900;
	tm.tm_mon = number / 100 % 100 - 1;
	tm.tm_mday = number % 100;
	*day = timegm(&tm) / EVIDENCE_FILES_DAY_S;
	/* No 31 February, and nothing but our suffix. */
	return evidence_files_name(*day, again) == 0 && span_is(s, again);
}

static int by_day(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_day(struct evidence_files *f, size_t *cap, int64_t day, const char *dir, struct err *e)
{
	if (f->n == LIMIT_EVIDENCE_FILES)
		return err_set(e, ERR_DATA, "%s: more than %d files of evidence", dir, LIMIT_EVIDENCE_FILES);
	if (f->n == *cap) {
		size_t more = *cap ? 2 * *cap : 64;
		int64_t *grown = realloc(f->day, more * sizeof *grown);

		if (!grown)
			return err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
		f->day = grown;
		*cap = more;
	}
	f->day[f->n++] = day;
	return 0;
}

int evidence_files_list(const char *dir, struct evidence_files *out, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t cap = 0;
	int64_t day;
	int rc = 0;

	*out = (struct evidence_files){0};
	if (!d)
		return err_set(e, errno == EACCES ? ERR_RIGHTS : ERR_NOINPUT, "%s: the folder can't be read: %s", dir, strerror(errno));
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (evidence_files_is(entry->d_name, &day))
			rc = add_day(out, &cap, day, dir, e);
	(void)closedir(d);
	if (rc)
		evidence_files_free(out);
	else if (out->n)
		qsort(out->day, out->n, sizeof *out->day, by_day);
	return rc;
}

void evidence_files_free(struct evidence_files *f)
{
	free(f->day);
	*f = (struct evidence_files){0};
}

char *evidence_files_path(const char *dir, int64_t day)
{
	size_t n = strlen(dir) + 1 + EVIDENCE_FILES_NAME;
	char name[EVIDENCE_FILES_NAME], *path = malloc(n);

	if (!path)
		return NULL;
	if (evidence_files_name(day, name) || snprintf(path, n, "%s/%s", dir, name) < 0) {
		free(path);
		return NULL;
	}
	return path;
}

/* --- how a file ends ------------------------------------------------------------------ */

static int read_at(int fd, char *p, size_t n, int64_t at)
{
	while (n) {
		ssize_t got = pread(fd, p, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

/* The octets of the last line, cut out of the last ones of the file; whole says that nothing is before them. */
static int cut_last(struct span tail, bool whole, struct evidence_files_end *out, const char *name, struct err *e)
{
	size_t from;

	out->torn = tail.p[tail.n - 1] != '\n';
	if (!out->torn)
		tail.n--;
	for (from = tail.n; from > 0 && tail.p[from - 1] != '\n'; from--)
		;
	if (from == 0 && !whole)
		return err_set(e, ERR_DATA, "%s: its last line is longer than any of ours; it is not written to", name);
	out->any = true;
	if (evidence_line_hash(span_skip(tail, from), &out->last))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	return 0;
}

int evidence_files_end(int fd, int64_t size, const char *name, struct evidence_files_end *out, struct err *e)
{
	/* One octet more than a line and its end, to see where it begins. */
	size_t n = size < LIMIT_EVIDENCE_LINE + 2 ? (size_t)size : LIMIT_EVIDENCE_LINE + 2;
	char *tail;
	int rc;

	*out = (struct evidence_files_end){0};
	if (n == 0)
		return 0;
	tail = malloc(n);
	if (!tail)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", name);
	if (read_at(fd, tail, n, size - (int64_t)n))
		rc = err_set(e, ERR_OS, "%s: can't be read: %s", name, strerror(errno));
	else
		rc = cut_last(span_make(tail, n), (int64_t)n == size, out, name, e);
	free(tail);
	return rc;
}
