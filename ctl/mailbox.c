/*
 * Finds messages in files and folders.
 *
 * The mbox is split here and not by a MIME library: GMime tells where a message
 * begins but not where its octets end, builds a tree of every part on the way,
 * and takes any line with "From " for a boundary.  Here a boundary is what RFC
 * 4155 calls one: a From_ line with a time of day, after an empty line.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "ctl/mailbox.h"

struct mailbox {
	enum mailbox_kind kind;
	char **path; /* files to read, owned */
	size_t npath, path_cap, next_path;

	const char *file; /* the one being read */
	FILE *in;
	bool borrowed; /* in is the caller's */
	bool mbox;
	unsigned long index;

	struct buf raw;
	size_t pos, len; /* in block */
	bool eof;
	char block[65536];
};

/* --- the list of files ---------------------------------------------------------- */

static struct mailbox *mailbox_new(enum mailbox_kind kind)
{
	struct mailbox *mb = calloc(1, sizeof(*mb));

	if (mb) {
		mb->kind = kind;
		buf_init(&mb->raw, MAILBOX_MESSAGE_MAX);
	}
	return mb;
}

static int add_path(struct mailbox *mb, char *path)
{
	if (!path)
		return -1;
	if (mb->npath == mb->path_cap) {
		size_t cap = mb->path_cap ? 2 * mb->path_cap : 64;
		char **p = reallocarray(mb->path, cap, sizeof(*p));

		if (!p) {
			free(path);
			return -1;
		}
		mb->path = p;
		mb->path_cap = cap;
	}
	mb->path[mb->npath++] = path;
	return 0;
}

static char *join(const char *dir, const char *name)
{
	char *s = NULL;

	return asprintf(&s, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name) < 0 ? NULL : s;
}

static bool is_folder(const char *dir, const char *name)
{
	struct stat st;
	char *p = join(dir, name);
	bool yes = p && stat(p, &st) == 0 && S_ISDIR(st.st_mode);

	free(p);
	return yes;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n > k && strcmp(s + n - k, tail) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(const char *name, bool all)
{
	if (name[0] == '.')
		return false;
	return all || ends_with(name, ".eml") || ends_with(name, ".mail") || ends_with(name, ".mbox");
}

static int list_folder(struct mailbox *mb, const char *path, bool all, struct err *e)
{
	size_t first = mb->npath;
	struct dirent *d;
	DIR *dir = opendir(path);

	if (!dir)
		return err_set(e, ERR_NOINPUT, "%s: can't list the folder: %s", path, strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		if (is_listed(d->d_name, all) && add_path(mb, join(path, d->d_name))) {
			closedir(dir);
			return err_set(e, ERR_UNAVAILABLE, "%s: out of memory", path);
		}
	}
	closedir(dir);
	if (mb->npath > first)
		qsort(mb->path + first, mb->npath - first, sizeof(*mb->path), by_name);
	return 0;
}

static int open_folder(struct mailbox *mb, const char *path, struct err *e)
{
	static const char *const sub[] = {"new", "cur"};

	mb->kind = is_folder(path, "new") && is_folder(path, "cur") ? MAILBOX_MAILDIR : MAILBOX_FOLDER;
	if (mb->kind == MAILBOX_FOLDER) {
		if (list_folder(mb, path, false, e))
			return -1;
	} else {
		for (size_t i = 0; i < 2; i++) {
			char *p = join(path, sub[i]);
			int rc = p ? list_folder(mb, p, true, e) : err_set(e, ERR_UNAVAILABLE, "%s: out of memory", path);

			free(p);
			if (rc)
				return -1;
		}
	}
	if (mb->npath == 0)
		return err_set(e, ERR_NOINPUT, mb->kind == MAILBOX_MAILDIR ? "%s: a Maildir without messages in new/ and cur/" :
			"%s: no Maildir (new/ and cur/), and no .eml, .mail or .mbox file in it; folders within are not looked into", path);
	return 0;
}

int mailbox_open(const char *path, struct mailbox **out, struct err *e)
{
	struct mailbox *mb = mailbox_new(MAILBOX_FILE);
	struct stat st;
	int rc = 0;

	*out = NULL;
	if (!mb)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (strcmp(path, "-") == 0)
		rc = add_path(mb, strdup(path)) ? err_set(e, ERR_UNAVAILABLE, "out of memory") : 0;
	else if (stat(path, &st))
		rc = err_set(e, ERR_NOINPUT, "%s: %s", *path ? path : "(an empty file name)", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		rc = open_folder(mb, path, e);
	else if (add_path(mb, strdup(path)))
		rc = err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (rc) {
		mailbox_close(mb);
		return -1;
	}
	*out = mb;
	return 0;
}

struct mailbox *mailbox_from_stream(const char *name, FILE *in)
{
	struct mailbox *mb = mailbox_new(MAILBOX_FILE);

	if (mb) {
		mb->file = name;
		mb->in = in;
		mb->borrowed = true;
	}
	return mb;
}

static void close_file(struct mailbox *mb)
{
	if (mb->in && !mb->borrowed && mb->in != stdin)
		fclose(mb->in);
	mb->in = NULL;
}

void mailbox_close(struct mailbox *mb)
{
	if (!mb)
		return;
	close_file(mb);
	for (size_t i = 0; i < mb->npath; i++)
		free(mb->path[i]);
	free(mb->path);
	buf_free(&mb->raw);
	free(mb);
}

enum mailbox_kind mailbox_kind(const struct mailbox *mb)
{
	return mb->kind;
}

bool mailbox_is_mbox(const struct mailbox *mb)
{
	return mb->mbox;
}

/* --- one file -------------------------------------------------------------------- */

static int open_file(struct mailbox *mb, struct err *e)
{
	struct stat st;
	int fd;

	mb->file = mb->path[mb->next_path++];
	mb->pos = mb->len = 0;
	mb->eof = mb->mbox = false;
	mb->index = 0;
	if (strcmp(mb->file, "-") == 0) {
		mb->in = stdin;
		return 0;
	}
	/* A FIFO among the files of a folder must not hold us up. */
	fd = open(mb->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | (mb->kind == MAILBOX_FILE ? 0 : O_NONBLOCK));
	if (fd < 0)
		return err_set(e, ERR_NOINPUT, "%s: %s", mb->file, strerror(errno));
	if (fstat(fd, &st) || (mb->kind != MAILBOX_FILE && !S_ISREG(st.st_mode))) {
		close(fd);
		return err_set(e, ERR_NOINPUT, "%s: no regular file", mb->file);
	}
	mb->in = fdopen(fd, "rb");
	if (!mb->in) {
		close(fd);
		return err_set(e, ERR_OS, "%s: %s", mb->file, strerror(errno));
	}
	return 0;
}

/* --- messages in it -------------------------------------------------------------- */

/*
 * A look at the next octets: up to and with a line end if there is one in the
 * block, which is filled up first so that every line shorter than it is whole.
 */
static struct span peek_line(struct mailbox *mb)
{
	struct span s = span_make(mb->block + mb->pos, mb->len - mb->pos);
	size_t i = span_find(s, '\n');

	if (i == s.n && !mb->eof) {
		memmove(mb->block, s.p, s.n);
		mb->pos = 0;
		mb->len = s.n;
		while (mb->len < sizeof(mb->block) && !mb->eof) {
			size_t n = fread(mb->block + mb->len, 1, sizeof(mb->block) - mb->len, mb->in);

			mb->len += n;
			mb->eof = n == 0;
		}
		s = span_make(mb->block, mb->len);
		i = span_find(s, '\n');
	}
	return span_take(s, i < s.n ? i + 1 : s.n);
}

/* "From sender Tue Nov 24 16:57:24 2026": RFC 4155 asks for a time of day. */
static bool is_boundary(struct span line)
{
	if (!mail_is_from_line(line))
		return false;
	for (size_t i = 5; i + 4 < line.n; i++)
		if (line.p[i + 2] == ':' && isdigit((unsigned char)line.p[i]) && isdigit((unsigned char)line.p[i + 1]) &&
		    isdigit((unsigned char)line.p[i + 3]) && isdigit((unsigned char)line.p[i + 4]))
			return true;
	return false;
}

/* Where in a message the reader is. */
struct place {
	bool line_start, after_empty;
	unsigned long long octets;
};

static void begin_message(struct mailbox *mb, struct span first)
{
	if (mb->index++ == 0)
		mb->mbox = mb->kind != MAILBOX_MAILDIR && mail_is_from_line(first);
}

static bool ends_here(const struct mailbox *mb, const struct place *at, struct span next)
{
	return at->octets && mb->mbox && at->line_start && at->after_empty && is_boundary(next);
}

static void advance(struct place *at, struct span s)
{
	at->after_empty = at->line_start && (span_is(s, "\n") || span_is(s, "\r\n"));
	at->line_start = s.p[s.n - 1] == '\n';
	at->octets += s.n;
}

static int judge_raw(const struct mailbox *mb, const struct place *at, struct err *e)
{
	if (ferror(mb->in))
		return err_set(e, ERR_NOINPUT, "%s: can't read: %s", mb->file, strerror(errno));
	if (at->octets > MAILBOX_MESSAGE_MAX)
		return err_set(e, ERR_DATA, "%s: message %lu is larger than %d MiB, the most that is read", mb->file, mb->index,
			MAILBOX_MESSAGE_MAX >> 20);
	if (mb->raw.failed)
		return err_set(e, ERR_UNAVAILABLE, "%s: out of memory for message %lu", mb->file, mb->index);
	return at->octets > 0;
}

/* All octets of the next message into raw. 1, 0 at the end of the file, -1 and *e. */
static int read_raw(struct mailbox *mb, struct err *e)
{
	struct place at = {.line_start = true};
	struct span s;

	buf_reset(&mb->raw);
	while ((s = peek_line(mb)).n && !ends_here(mb, &at, s)) {
		if (at.octets == 0)
			begin_message(mb, s);
		advance(&at, s);
		mb->pos += s.n;
		if (at.octets <= MAILBOX_MESSAGE_MAX)
			buf_put_span(&mb->raw, s);
		else if (!mb->mbox)
			break;
	}
	return judge_raw(mb, &at, e);
}

/* A message begins with a field; anything else is another kind of file. */
static int check_mail(const struct mailbox *mb, const struct mail *m, struct err *e)
{
	struct span rest = m->text, head = span_take(m->text, 512);
	struct mail_field f;
	struct buf found;

	if (mail_field_next(&rest, &f))
		return 0;
	buf_init(&found, 256);
	log_quote(&found, span_take(m->text, span_find(span_take(m->text, 40), '\n')), 40);
	if (m->text.n == 0)
		err_set(e, ERR_DATA, "%s: message %lu is no mail message: it is empty", mb->file, m->index);
	else if (m->text.p[0] == '\n' || m->text.p[0] == '\r')
		err_set(e, ERR_DATA, "%s: message %lu is no mail message: it begins with an empty line instead of a header field", mb->file, m->index);
	else
		err_set(e, ERR_DATA, "%s: message %lu is no mail message: it begins with %s%.*s instead of a header field; "
			"give a message (.eml), an mbox or a Maildir", mb->file, m->index,
			span_find(head, '\0') < head.n ? "binary data, " : "", SPAN_ARG(buf_span(&found)));
	buf_free(&found);
	return -1;
}

int mailbox_next(struct mailbox *mb, struct mail *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	for (;;) {
		int rc;

		if (!mb->in) {
			if (mb->next_path == mb->npath)
				return 0;
			out->file = mb->path[mb->next_path];
			if (open_file(mb, e))
				return -1;
		}
		out->file = mb->file;
		rc = read_raw(mb, e);
		/* After an error of reading, or in what is one message, nothing follows. */
		if (rc <= 0 && (rc == 0 || !mb->mbox || ferror(mb->in)))
			close_file(mb);
		if (rc < 0)
			return -1;
		if (rc == 0 && mb->index == 0) {
			mb->index = 1;
			return err_set(e, ERR_DATA, "%s: empty, no message in it", mb->file);
		}
		if (rc == 0)
			continue;
		*out = (struct mail){.file = mb->file, .index = mb->index, .raw = buf_span(&mb->raw), .mbox = mb->mbox};
		mail_set_text(out);
		return check_mail(mb, out, e) ? -1 : 1;
	}
}
