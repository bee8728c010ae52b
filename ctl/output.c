/*
 * Files of messages, written so that a crash or an error leaves no half of one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/output.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_folder(const char *path, struct err *e)
{
	if (mkdir(path, 0777) && (errno != EEXIST || !is_folder(path)))
		return err_set(e, ERR_OS, "%s: can't make the folder: %s", path, strerror(errno));
	return 0;
}

int output_open(struct output *o, const struct options *opt, struct err *e)
{
	size_t n;
	bool many = opt->nfile > 1;

	*o = (struct output){.path = opt->out && strcmp(opt->out, "-") != 0 ? opt->out : NULL};
	for (size_t i = 0; i < opt->nfile; i++)
		many = many || is_folder(opt->file[i]);
	if (!o->path)
		return many ? err_set(e, ERR_USAGE, "several inputs can't be told apart on standard output: give --out FOLDER") : 0;
	n = strlen(o->path);
	if (n == 0)
		return err_set(e, ERR_USAGE, "--out needs the name of a file or folder");
	o->folder = many || o->path[n - 1] == '/' || is_folder(o->path);
	return o->folder ? make_folder(o->path, e) : 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A Maildir stays one: its message in new/ or cur/ goes to the same place below ours. */
static int maildir_name(struct output *o, const char *file, struct err *e)
{
	static const char *const sub[] = {"tmp", "new", "cur"};
	const char *name = last_part(file), *in = name - file >= 4 && strncmp(name - 4, "new/", 4) == 0 ? "new" : "cur";

	for (size_t i = 0; i < 3; i++) {
		char *dir = NULL;
		int rc = asprintf(&dir, "%s/%s", o->path, sub[i]) < 0 ? err_set(e, ERR_UNAVAILABLE, "out of memory") : make_folder(dir, e);

		free(dir);
		if (rc)
			return -1;
	}
	return asprintf(&o->final, "%s/%s/%s", o->path, in, name) < 0 ? -1 : 0;
}

static int choose_names(struct output *o, const struct mailbox *mb, const char *file, struct err *e)
{
	int rc;

	o->final = o->part = NULL;
	o->from = strdup(file);
	if (!o->folder)
		rc = asprintf(&o->final, "%s", o->path);
	else if (mailbox_kind(mb) == MAILBOX_MAILDIR)
		rc = maildir_name(o, file, e);
	else
		rc = asprintf(&o->final, "%s/%s", o->path, strcmp(file, "-") == 0 ? "stdin.eml" : last_part(file));
	if (rc < 0)
		o->final = NULL;
	if (o->final && asprintf(&o->part, o->folder ? "%s" : "%s.part", o->final) < 0)
		o->part = NULL;
	return o->from && o->part ? 0 : err_set(e, ERR_UNAVAILABLE, "%s: no name for what is written of it", file);
}

static void forget(struct output *o)
{
	free(o->from);
	free(o->part);
	free(o->final);
	o->f = NULL;
	o->from = o->part = o->final = NULL;
}

static int begin(struct output *o, const struct mailbox *mb, const char *file, struct err *e)
{
	int fd, error;

	if (choose_names(o, mb, file, e)) {
		forget(o);
		return -1;
	}
	/* In a folder two inputs of one name would overwrite each other. */
	fd = open(o->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	o->f = fd < 0 ? NULL : fdopen(fd, "wb");
	error = errno;
	o->incomplete = o->lost && strcmp(o->lost, file) == 0;
	if (o->f)
		return 0;
	if (fd >= 0)
		close(fd);
	err_set(e, ERR_OS, "%s: can't write it: %s%s", o->part, strerror(error), error == EEXIST ? "; remove it, or give another --out" : "");
	forget(o);
	return -1;
}

static int finish(struct output *o, struct err *e)
{
	int rc = 0;

	if (!o->f)
		return 0;
	/* What is replaced must not be gone before its successor is on the disk. */
	if (ferror(o->f) || fflush(o->f) || (!o->folder && access(o->final, F_OK) == 0 && fsync(fileno(o->f))))
		rc = err_set(e, ERR_OS, "%s: can't write it: %s", o->part, strerror(errno));
	if (fclose(o->f) && rc == 0)
		rc = err_set(e, ERR_OS, "%s: can't write it: %s", o->part, strerror(errno));
	if (rc == 0 && o->incomplete)
		rc = err_set(e, ERR_DATA, "%s: not written, since messages of %s could not be read", o->final, o->from);
	if (rc == 0 && !o->folder && rename(o->part, o->final))
		rc = err_set(e, ERR_OS, "%s: can't rename it to %s: %s", o->part, o->final, strerror(errno));
	if (rc)
		unlink(o->part);
	forget(o);
	return rc;
}

int output_message(struct output *o, const struct mailbox *mb, const struct mail *m, const struct verdict *v, struct err *e)
{
	if (!o->path)
		return mail_write(m, v, stdout, e);
	if (o->f && strcmp(o->from, m->file) != 0 && finish(o, e))
		return -1;
	if (!o->f && begin(o, mb, m->file, e))
		return -1;
	return mail_write(m, v, o->f, e);
}

void output_lost(struct output *o, const char *file)
{
	if (o->f && strcmp(o->from, file) == 0) {
		o->incomplete = true;
		return;
	}
	free(o->lost);
	o->lost = strdup(file);
}

int output_close(struct output *o, struct err *e)
{
	int rc = finish(o, e);

	free(o->lost);
	o->lost = NULL;
	return rc;
}
