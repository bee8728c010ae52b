/*
 * Cutting a file of evidence into lines with bounded memory, and finding the
 * chains that later lines refer to.
 */
#include "config.h"

#include "engine/evidence_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"

enum { ROOM = LIMIT_EVIDENCE_LINE + 1, FIRST_SLOTS = 64 };

struct chain_place {
	struct evidence_line_hash hash;
	int64_t at;
	bool used;
};

struct evidence_source {
	char *name;
	int fd;            /* -1: from memory */
	struct span text;  /* from memory: all of it */
	char *room;        /* ROOM octets */
	size_t from, to;   /* what is in it and not handed out */
	int64_t at;        /* place of room[from] in the file */
	bool ended;
	struct chain_place *slot; /* nslot is a power of 2, at most half are used */
	size_t nslot, nused;
};

static struct evidence_source *make(const char *name)
{
	struct evidence_source *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->fd = -1;
	s->name = strdup(name);
	s->room = malloc(ROOM);
	if (s->name && s->room)
		return s;
	evidence_source_close(s);
	return NULL;
}

int evidence_source_open(const char *path, struct evidence_source **out, struct err *e)
{
	struct evidence_source *s = make(path);
	struct stat st;

	*out = NULL;
	if (!s)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->fd < 0) {
		(void)err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	} else if (fstat(s->fd, &st) || !S_ISREG(st.st_mode)) {
		(void)err_set(e, ERR_NOINPUT, "%s: no regular file", path);
	} else {
		*out = s;
		return 0;
	}
	evidence_source_close(s);
	return -1;
}

struct evidence_source *evidence_source_from_text(const char *name, struct span text)
{
	struct evidence_source *s = make(name);

	if (s)
		s->text = text;
	return s;
}

void evidence_source_close(struct evidence_source *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->slot);
	free(s->room);
	free(s->name);
	free(s);
}

const char *evidence_source_name(const struct evidence_source *s)
{
	return s->name;
}

/* --- lines ------------------------------------------------------------------------------ */

/* Up to n octets from a place; how many, or -1 and errno. */
static ssize_t read_at(const struct evidence_source *s, char *p, size_t n, int64_t at)
{
	ssize_t got;

	if (s->fd < 0) {
		struct span rest = span_take(span_skip(s->text, (size_t)at), n);

		if (rest.n)
			memcpy(p, rest.p, rest.n);
		return (ssize_t)rest.n;
	}
	do
		got = pread(s->fd, p, n, at);
	while (got < 0 && errno == EINTR);
	return got;
}

/* As much as there is room for. 0 / -1 and *e. */
static int fill(struct evidence_source *s, struct err *e)
{
	if (s->from) {
		memmove(s->room, s->room + s->from, s->to - s->from);
		s->to -= s->from;
		s->from = 0;
	}
	while (!s->ended && s->to < ROOM) {
		ssize_t n = read_at(s, s->room + s->to, ROOM - s->to, s->at + (int64_t)s->to);

		if (n < 0)
			return err_set(e, ERR_NOINPUT, "%s: %s", s->name, strerror(errno));
		s->ended = n == 0;
		s->to += (size_t)n;
	}
	return 0;
}

static size_t find_end(const struct evidence_source *s)
{
	return span_find(span_make(s->room + s->from, s->to - s->from), '\n');
}

static void hand_out(struct evidence_source *s, size_t n, bool whole)
{
	s->from += n + whole;
	s->at += (int64_t)(n + whole);
}

/* The rest of a line that is too long. */
static int skip_line(struct evidence_source *s, struct evidence_source_line *out, struct err *e)
{
	out->too_long = true;
	for (;;) {
		size_t n = find_end(s);

		out->whole = n < s->to - s->from;
		hand_out(s, n, out->whole);
		if (out->whole || s->ended)
			return 1;
		if (fill(s, e))
			return -1;
	}
}

int evidence_source_next(struct evidence_source *s, struct evidence_source_line *out, struct err *e)
{
	size_t n = find_end(s);

	if (n == s->to - s->from) {
		if (fill(s, e))
			return -1;
		n = find_end(s);
	}
	*out = (struct evidence_source_line){.at = s->at, .whole = n < s->to - s->from};
	if (!out->whole && n == ROOM)
		return skip_line(s, out, e);
	if (!out->whole && n == 0)
		return 0;
	out->text = span_make(s->room + s->from, n);
	hand_out(s, n, out->whole);
	return 1;
}

int evidence_source_read_at(struct evidence_source *s, int64_t at, struct evidence_line *out, struct err *e)
{
	char *p = malloc(ROOM);
	size_t n = 0;
	ssize_t got = 1;
	int rc;

	if (!p)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", s->name);
	while (n < ROOM && (got = read_at(s, p + n, ROOM - n, at + (int64_t)n)) > 0)
		n += (size_t)got;
	if (got < 0)
		rc = err_set(e, ERR_NOINPUT, "%s: %s", s->name, strerror(errno));
	else
		rc = evidence_line_read(span_take(span_make(p, n), span_find(span_make(p, n), '\n')), out, e);
	free(p);
	return rc;
}

/* --- chains ------------------------------------------------------------------------------- */

/* The place of that chain, or the free one where it belongs. */
static struct chain_place *place_of(struct chain_place *slot, size_t nslot, const struct evidence_line_hash *h)
{
	size_t i;

	memcpy(&i, h->octets, sizeof i);
	for (;; i++) {
		struct chain_place *p = &slot[i & (nslot - 1)];

		if (!p->used || evidence_line_hash_eq(&p->hash, h))
			return p;
	}
}

static int grow(struct evidence_source *s)
{
	size_t n = s->nslot ? 2 * s->nslot : FIRST_SLOTS;
	struct chain_place *slot = calloc(n, sizeof *slot);

	if (!slot)
		return -1;
	for (size_t i = 0; i < s->nslot; i++)
		if (s->slot[i].used)
			*place_of(slot, n, &s->slot[i].hash) = s->slot[i];
	free(s->slot);
	s->slot = slot;
	s->nslot = n;
	return 0;
}

int evidence_source_note(struct evidence_source *s, const struct evidence_line *l, int64_t at)
{
	struct chain_place *p;

	if (l->chain_pem.n == 0)
		return 0;
	if (2 * s->nused >= s->nslot && grow(s))
		return -1;
	p = place_of(s->slot, s->nslot, &l->chain);
	if (p->used)
		return 0;
	*p = (struct chain_place){.hash = l->chain, .at = at, .used = true};
	s->nused++;
	return 0;
}

int evidence_source_chain(struct evidence_source *s, struct evidence_line *l, struct buf *keep, struct err *e)
{
	const struct chain_place *p;
	struct evidence_line there;
	int rc;

	if (l->chain_pem.n)
		return 1;
	p = s->nslot ? place_of(s->slot, s->nslot, &l->chain) : NULL;
	if (!p || !p->used)
		return 0;
	if (evidence_source_read_at(s, p->at, &there, e))
		return -1;
	buf_reset(keep);
	rc = evidence_line_hash_eq(&there.chain, &l->chain) && there.chain_pem.n ? 1 : 0;
	if (rc && buf_put_span(keep, there.chain_pem))
		rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory", s->name);
	evidence_line_free(&there);
	if (rc > 0)
		l->chain_pem = buf_span(keep);
	return rc;
}
