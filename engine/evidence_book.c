/*
 * Entries of evidence by their token: an index in memory, the lines on the disk.
 */
#include "config.h"

#include "engine/evidence_book.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "engine/evidence_files.h"
#include "engine/evidence_source.h"

struct entry {
	uint64_t key; /* the first octets of the token's SHA-256 */
	int64_t at;
	uint32_t file;
};

struct evidence_book {
	struct evidence_source **file;
	size_t nfile;
	struct entry *entry; /* by key, then as they were written */
	size_t n, cap, faults;
	struct buf pem;
};

static int key_of(struct span token, uint64_t *out)
{
	struct evidence_line_hash h;

	if (evidence_line_hash(token, &h))
		return -1;
	memcpy(out, h.octets, sizeof *out);
	return 0;
}

static int add_entry(struct evidence_book *b, struct span token, uint32_t file, int64_t at, struct err *e)
{
	uint64_t key;

	if (b->n == LIMIT_EVIDENCE_INDEX)
		return err_set(e, ERR_DATA, "more than %d entries: name the file of the day in question, not the folder", LIMIT_EVIDENCE_INDEX);
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 1024;
		struct entry *grown = realloc(b->entry, cap * sizeof *grown);

		if (!grown)
			return err_set(e, ERR_UNAVAILABLE, "no memory for %zu entries of evidence", cap);
		b->entry = grown;
		b->cap = cap;
	}
	if (key_of(token, &key))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	b->entry[b->n++] = (struct entry){key, at, file};
	return 0;
}

/* Looks through the file that was opened last. */
static int index_file(struct evidence_book *b, struct err *e)
{
	struct evidence_source *s = b->file[b->nfile - 1];
	struct evidence_source_line line;
	struct evidence_line l;
	struct err why;
	int rc;

	while ((rc = evidence_source_next(s, &line, e)) > 0) {
		if (line.too_long || evidence_line_read(line.text, &l, &why)) {
			b->faults++;
			continue;
		}
		rc = add_entry(b, l.token, (uint32_t)(b->nfile - 1), line.at, e);
		if (rc == 0 && evidence_source_note(s, &l, line.at))
			rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", evidence_source_name(s));
		evidence_line_free(&l);
		if (rc)
			return -1;
	}
	return rc;
}

static int add_file(struct evidence_book *b, const char *path, struct err *e)
{
	if (evidence_source_open(path, &b->file[b->nfile], e))
		return -1;
	b->nfile++;
	return index_file(b, e);
}

static int add_folder(struct evidence_book *b, const char *dir, struct err *e)
{
	struct evidence_files files;
	int rc = 0;

	if (evidence_files_list(dir, &files, e))
		return -1;
	b->file = calloc(files.n ? files.n : 1, sizeof(struct evidence_source *));
	if (!b->file)
		rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
	for (size_t i = 0; rc == 0 && i < files.n; i++) {
		char *path = evidence_files_path(dir, files.day[i]);

		rc = path ? add_file(b, path, e) : err_set(e, ERR_UNAVAILABLE, "%s: no memory", dir);
		free(path);
	}
	if (rc == 0 && files.n == 0)
		rc = err_set(e, ERR_NOINPUT, "%s: no file evidence-YYYYMMDD.jsonl is in that folder", dir);
	evidence_files_free(&files);
	return rc;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int open_path(struct evidence_book *b, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st))
		return err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_folder(b, path, e);
	b->file = calloc(1, sizeof(struct evidence_source *));
	return b->file ? add_file(b, path, e) : err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
}

int evidence_book_open(const char *path, struct evidence_book **out, struct err *e)
{
	struct evidence_book *b = calloc(1, sizeof *b);

	*out = NULL;
	if (!b)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	buf_init(&b->pem, LIMIT_CHAIN_BYTES);
	if (open_path(b, path, e)) {
		evidence_book_close(b);
		return -1;
	}
	if (b->n)
		qsort(b->entry, b->n, sizeof *b->entry, by_key);
	*out = b;
	return 0;
}

void evidence_book_close(struct evidence_book *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->nfile; i++)
		evidence_source_close(b->file[i]);
	free(b->file);
	free(b->entry);
	buf_free(&b->pem);
	free(b);
}

size_t evidence_book_count(const struct evidence_book *b)
{
	return b->n;
}

size_t evidence_book_faults(const struct evidence_book *b)
{
	return b->faults;
}

/* The first entry of the key, or b->n. */
static size_t first_of(const struct evidence_book *b, uint64_t key)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->entry[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Keeps the entry in *best when it is the first, or the first with that Message-ID. */
static void prefer(struct evidence_line *best, const struct entry **at, struct evidence_line *l, const struct entry *x, struct span message_id)
{
	bool better = !*at || (message_id.n && span_eq(l->message_id, message_id) && !span_eq(best->message_id, message_id));

	if (better) {
		evidence_line_free(best);
		*best = *l;
		*at = x;
	} else {
		evidence_line_free(l);
	}
}

int evidence_book_find(struct evidence_book *b, struct span token, struct span message_id, struct evidence_line *out, size_t *several, struct err *e)
{
	const struct entry *at = NULL;
	struct evidence_line l;
	uint64_t key;
	int rc = 0;

	*several = 0;
	memset(out, 0, sizeof *out);
	if (key_of(token, &key))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	for (size_t i = first_of(b, key); rc == 0 && i < b->n && b->entry[i].key == key; i++) {
		rc = evidence_source_read_at(b->file[b->entry[i].file], b->entry[i].at, &l, e);
		if (rc == 0 && span_eq(l.token, token)) {
			(*several)++;
			prefer(out, &at, &l, &b->entry[i], message_id);
		} else if (rc == 0) {
			evidence_line_free(&l);
		}
	}
	if (rc == 0 && at)
		rc = evidence_source_chain(b->file[at->file], out, &b->pem, e);
	if (rc == 0 && at)
		rc = err_set(e, ERR_DATA, "%s: the chain of that token stands nowhere before it in this file", evidence_source_name(b->file[at->file]));
	if (rc < 0)
		evidence_line_free(out);
	return rc;
}
