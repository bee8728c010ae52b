/*
 * Walking through evidence files in their order: is every line bound to the one
 * before it, and does every chain that is referred to stand in its own file?
 */
#include "config.h"

#include "engine/evidence_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "engine/evidence_files.h"
#include "engine/evidence_source.h"

struct walk {
	const struct evidence_read_hooks *h;
	struct evidence_read_summary *sum;
	struct evidence_source *source;
	uint64_t line;       /* of this file, from 1 */
	/* the line before, in whichever file */
	bool has_last, first_of_file;
	struct evidence_line_hash last;
	/* the line before can't be read; it was torn if the next one is bound to it */
	uint64_t bad_line;   /* 0: it can */
	char bad_why[ERR_TEXT_BYTES];
	/* the next file's first line names this one */
	bool wanted, wanted_seen;
	struct evidence_line_hash want;
	uint64_t want_line;
	/* the same of the file before, about this one */
	bool named_earlier;
	struct buf pem;
};

static void fault(struct walk *w, uint64_t line, const char *text)
{
	w->sum->faults++;
	if (w->h->fault)
		w->h->fault(w->h->arg, evidence_source_name(w->source), line, text);
}

/* What could not be read, and nobody noticed when it was written. */
static void blame_bad(struct walk *w)
{
	if (w->bad_line)
		fault(w, w->bad_line, w->bad_why);
	w->bad_line = 0;
}

static void judge_first(struct walk *w, const struct evidence_line *l)
{
	if (!w->has_last) {
		w->sum->bound = l->has_prev;
		return;
	}
	if (l->has_prev && (evidence_line_hash_eq(&l->prev, &w->last) || w->named_earlier))
		return;
	fault(w, w->line, l->has_prev ? "it is not bound to the end of the file before: lines, or a whole file, are missing or were changed" :
					"it names no line before it, although there is a file before");
}

/* Is the line bound to the one before it? */
static void judge_binding(struct walk *w, const struct evidence_line *l)
{
	bool bound = l->has_prev && w->has_last && evidence_line_hash_eq(&l->prev, &w->last);

	if (w->first_of_file) {
		judge_first(w, l);
		return;
	}
	if (bound && w->bad_line) {
		w->sum->torn++;
		w->bad_line = 0;
	}
	blame_bad(w);
	if (!bound)
		fault(w, w->line, "it is not bound to the line before: something was changed, added or taken away there");
}

static int take_entry(struct walk *w, struct evidence_line *l, int64_t at, struct err *e)
{
	struct evidence_read_summary *sum = w->sum;
	int rc;

	if (evidence_source_note(w->source, l, at))
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", evidence_source_name(w->source));
	if (sum->entries++ == 0)
		sum->first = sum->last = l->received;
	sum->first = l->received < sum->first ? l->received : sum->first;
	sum->last = l->received > sum->last ? l->received : sum->last;
	rc = w->h->entry || l->chain_pem.n == 0 ? evidence_source_chain(w->source, l, &w->pem, e) : 1;
	if (rc < 0)
		return -1;
	if (rc == 0)
		fault(w, w->line, "its chain stands nowhere before it in this file");
	return w->h->entry ? w->h->entry(w->h->arg, l, evidence_source_name(w->source), w->line, e) : 0;
}

static void note_bad(struct walk *w, const struct evidence_source_line *s, const char *why)
{
	/* The file ends there: a crash, or a writer at work. */
	if (!s->whole) {
		w->sum->open_end = true;
		w->bad_line = 0;
		return;
	}
	w->bad_line = w->line;
	memcpy(w->bad_why, why, sizeof w->bad_why);
}

static int take_line(struct walk *w, const struct evidence_source_line *s, struct err *e)
{
	struct evidence_line l = {0};
	struct err why;
	int rc = 0;

	err_clear(&why);
	if (s->too_long)
		(void)err_set(&why, ERR_DATA, "it is longer than any line of ours");
	if (!s->too_long && evidence_line_read(s->text, &l, &why) == 0) {
		judge_binding(w, &l);
		rc = take_entry(w, &l, s->at, e);
		evidence_line_free(&l);
	} else {
		blame_bad(w);
		note_bad(w, s, why.text);
	}
	w->has_last = !s->too_long;
	if (w->has_last && evidence_line_hash(s->text, &w->last))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	w->first_of_file = false;
	w->sum->end = w->last;
	if (w->has_last && w->wanted && evidence_line_hash_eq(&w->last, &w->want)) {
		w->wanted_seen = true;
		w->want_line = w->line;
	}
	return rc;
}

static int walk_source(struct walk *w, struct err *e)
{
	struct evidence_source_line s;
	int rc;

	w->line = 0;
	w->first_of_file = true;
	w->sum->files++;
	/* It was not a writer at work: the log goes on in this file. */
	w->sum->torn += w->sum->open_end;
	w->sum->open_end = false;
	while ((rc = evidence_source_next(w->source, &s, e)) > 0) {
		w->line++;
		w->sum->lines++;
		w->sum->octets += s.text.n + s.whole;
		if (take_line(w, &s, e))
			return -1;
	}
	blame_bad(w);
	if (rc == 0 && w->wanted_seen)
		w->sum->late += w->line - w->want_line;
	return rc;
}

/* Which line does the file's first one name? */
static void peek(struct walk *w, const char *path)
{
	struct evidence_source *source;
	struct evidence_source_line s;
	struct evidence_line l;
	struct err e;

	w->wanted = w->wanted_seen = false;
	if (!path || evidence_source_open(path, &source, &e))
		return;
	if (evidence_source_next(source, &s, &e) > 0 && !s.too_long && evidence_line_read(s.text, &l, &e) == 0) {
		w->wanted = l.has_prev;
		w->want = l.prev;
		evidence_line_free(&l);
	}
	evidence_source_close(source);
}

static int walk_file(struct walk *w, const char *path, const char *next, struct err *e)
{
	int rc;

	w->named_earlier = w->wanted_seen;
	peek(w, next);
	if (evidence_source_open(path, &w->source, e))
		return -1;
	rc = walk_source(w, e);
	evidence_source_close(w->source);
	return rc;
}

static int walk_folder(struct walk *w, const char *dir, struct err *e)
{
	struct evidence_files files;
	char *path = NULL, *next = NULL;
	int rc = evidence_files_list(dir, &files, e);

	if (rc == 0 && files.n)
		next = evidence_files_path(dir, files.day[0]);
	for (size_t i = 0; rc == 0 && i < files.n; i++) {
		free(path);
		path = next;
		next = i + 1 < files.n ? evidence_files_path(dir, files.day[i + 1]) : NULL;
		if (!path || (!next && i + 1 < files.n))
			rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
		else
			rc = walk_file(w, path, next, e);
	}
	free(path);
	free(next);
	if (rc == 0 && files.n == 0)
		rc = err_set(e, ERR_NOINPUT, "%s: no file evidence-YYYYMMDD.jsonl is in that folder", dir);
	evidence_files_free(&files);
	return rc;
}

int evidence_read_all(const char *path, const struct evidence_read_hooks *h, struct evidence_read_summary *out, struct err *e)
{
	struct walk w = {.h = h, .sum = out};
	struct stat st;
	int rc;

	*out = (struct evidence_read_summary){0};
	if (stat(path, &st))
		return err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	buf_init(&w.pem, LIMIT_CHAIN_BYTES);
	rc = S_ISDIR(st.st_mode) ? walk_folder(&w, path, e) : walk_file(&w, path, NULL, e);
	buf_free(&w.pem);
	return rc;
}

int evidence_read_text(struct span text, const struct evidence_read_hooks *h, struct evidence_read_summary *out, struct err *e)
{
	struct walk w = {.h = h, .sum = out, .source = evidence_source_from_text("text", text)};
	int rc;

	*out = (struct evidence_read_summary){0};
	if (!w.source)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	buf_init(&w.pem, LIMIT_CHAIN_BYTES);
	rc = walk_source(&w, e);
	buf_free(&w.pem);
	evidence_source_close(w.source);
	return rc;
}
