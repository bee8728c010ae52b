/*
 * The loader that policy/ is given: files by engine/file.c, folders by readdir,
 * in the order of octets, whatever the locale.
 *
 * Knows nothing of what is in the files.
 */
#include "config.h"

#include "engine/policy_open.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/file.h"

enum { NAMES_MAX = 4096 /* of one folder; the parser takes far fewer */ };

/* "-" would be standard input to file_read(). */
static const char *on_disk(const char *path)
{
	return strcmp(path, "-") == 0 ? "./-" : path;
}

/* ctx: struct buf, or NULL. */
static void note(void *ctx, const char *path)
{
	if (ctx)
		(void)buf_printf(ctx, "%s\n", path);
}

static int load(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	struct buf text;
	int rc;

	note(ctx, path);
	/* Most often nothing is in it yet, and a list may be large. */
	if (out->n == 0 && out->max >= max)
		return file_read(on_disk(path), max, out, e);
	buf_init(&text, max);
	rc = file_read(on_disk(path), max, &text, e);
	if (rc == 0 && buf_put_span(out, buf_span(&text)))
		rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	buf_free(&text);
	return rc;
}

static bool is_policy(const char *name)
{
	const char ending[] = ".policy";
	size_t n = strlen(name);

	/* A hidden file is an editor's, not the operator's. */
	return name[0] != '.' && n >= sizeof ending && strcmp(name + n - (sizeof ending - 1), ending) == 0 && !strchr(name, '\n');
}

struct names {
	char **name;
	size_t n;
};

static void names_free(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
}

static int names_add(struct names *l, const char *name)
{
	if (!l->name)
		l->name = calloc(NAMES_MAX, sizeof *l->name);
	if (!l->name)
		return -1;
	l->name[l->n] = strdup(name);
	return l->name[l->n] ? (l->n++, 0) : -1;
}

static int names_read(struct names *l, DIR *dir, const char *path, struct err *e)
{
	const struct dirent *d;

	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0) {
		if (!is_policy(d->d_name))
			continue;
		if (l->n == NAMES_MAX)
			return err_set(e, ERR_CONFIG, "%s: more than %d policy files in one folder", path, NAMES_MAX);
		if (names_add(l, d->d_name))
			return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	}
	return errno ? err_set(e, ERR_OS, "%s: %s", path, strerror(errno)) : 0;
}

static int by_octets(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(void *ctx, const char *path, struct buf *out, struct err *e)
{
	struct names l = {0};
	DIR *dir = opendir(path);
	int rc;

	note(ctx, path);
	if (!dir)
		return err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	rc = names_read(&l, dir, path, e);
	(void)closedir(dir);
	if (rc == 0 && l.n)
		qsort(l.name, l.n, sizeof *l.name, by_octets);
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		if (buf_puts(out, l.name[i]) || buf_putc(out, '\n'))
			rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	names_free(&l);
	return rc;
}

struct source_loader policy_open_loader(void)
{
	return (struct source_loader){.read = load, .list = list};
}

int policy_open_noting(const char *path, struct policy **out, struct buf *seen, struct source_report *report, struct err *e)
{
	const struct source_loader loader = {.ctx = seen, .read = load, .list = list};

	if (policy_open(path, &loader, out, report) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "%s%s", report->first[0] ? report->first : path, report->first[0] ? "" : ": could not be opened");
}

int policy_open_file(const char *path, struct policy **out, struct source_report *report, struct err *e)
{
	return policy_open_noting(path, out, NULL, report, e);
}
