/*
 * The walk: octets become lines, a line is a delimiter or it is not, and a
 * delimiter moves the stack of open entities.
 *
 * Never looks back: of a line only what could be a delimiter is held, and of
 * an ended line only that it ended.
 */
#include "config.h"

#include "core/mimewalk.h"

#include <assert.h>

/* --- the stack of entities ------------------------------------------------ */

static struct span boundary_of(const struct mimewalk *w, const struct mimewalk_level *l)
{
	return l->boundary_n ? span_make(w->boundaries.p + l->boundary_at, l->boundary_n) : span_make(NULL, 0);
}

static void keep_boundary(struct mimewalk *w, struct mimewalk_level *l, struct span boundary)
{
	l->boundary_at = w->boundaries.n;
	l->boundary_n = 0;
	w->nopen++;
	if (boundary.n > LIMIT_DELIMITER_LINE - 2)
		return;
	for (unsigned i = 0; i < w->depth; i++) {
		struct span outer = boundary_of(w, &w->level[i]);

		if (outer.n >= boundary.n && span_eq(span_take(outer, boundary.n), boundary))
			w->ambiguous = true;
	}
	if (buf_put_span(&w->boundaries, boundary))
		w->failed = true;
	else
		l->boundary_n = boundary.n;
}

static void push(struct mimewalk *w)
{
	assert(w->depth < LIMIT_MIME_DEPTH);
	w->depth++;
	memset(&w->level[w->depth], 0, sizeof w->level[w->depth]);
	partheader_reset(&w->header);
	w->place = MIMEWALK_HEADER;
	w->eol_pending = false;
}

/* The innermost entity's header is over, this is what it is. */
static void open_entity(struct mimewalk *w, const struct mimewalk_entity *e)
{
	struct mimewalk_level *l = &w->level[w->depth];

	l->kind = e->kind;
	w->eol_pending = false;
	switch (e->kind) {
	case MIMEWALK_LEAF:
		w->dense = e->dense;
		w->place = MIMEWALK_CONTENT;
		break;
	case MIMEWALK_MULTIPART:
		keep_boundary(w, l, e->boundary);
		w->place = MIMEWALK_SKIP;
		break;
	case MIMEWALK_MESSAGE:
		push(w);
		break;
	}
}

static void header_done(struct mimewalk *w)
{
	struct mimewalk_entity e;

	memset(&e, 0, sizeof e);
	w->handler->enter(w->ctx, &w->header, &e);
	open_entity(w, &e);
}

/* Ends the innermost entity, also in its header; the top one stays as depth 0. */
static void pop(struct mimewalk *w)
{
	struct mimewalk_level *l = &w->level[w->depth];

	w->handler->leave(w->ctx, l->closed);
	if (l->kind == MIMEWALK_MULTIPART) {
		if (!l->closed)
			w->nopen--;
		w->boundaries.n = l->boundary_at;
	}
	if (w->depth)
		w->depth--;
}

/* Headers that end before their blank line; a message that has none yet gets its entity. */
static void finish_headers(struct mimewalk *w)
{
	while (w->place == MIMEWALK_HEADER)
		header_done(w);
}

/* --- delimiters ----------------------------------------------------------- */

static bool all_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t')
			return false;
	return true;
}

/* Is the line a delimiter of an open multipart? */
static bool find_delimiter(const struct mimewalk *w, struct span line, unsigned *level, bool *closing)
{
	struct span text = span_skip(line, 2);

	if (!span_starts(line, "--"))
		return false;
	for (unsigned i = 0; i <= w->depth; i++) {
		const struct mimewalk_level *l = &w->level[i];
		struct span boundary = boundary_of(w, l), rest = span_skip(text, boundary.n);

		if (!boundary.n || l->closed || !span_eq(span_take(text, boundary.n), boundary))
			continue;
		*closing = span_starts(rest, "--");
		if (!all_blank(*closing ? span_skip(rest, 2) : rest))
			continue;
		*level = i;
		return true;
	}
	return false;
}

static void delimiter(struct mimewalk *w, unsigned level, bool closing)
{
	finish_headers(w);
	while (w->depth > level)
		pop(w);
	w->eol_pending = false;
	if (closing) {
		w->level[level].closed = true;
		w->nopen--;
		w->place = MIMEWALK_SKIP;
	} else {
		push(w);
	}
}

/* --- lines ------------------------------------------------------------------ */

static void begin_line(struct mimewalk *w)
{
	w->len = 0;
	w->nheld = 0;
	w->begun = false;
	w->dash = false;
	w->undecided = w->nopen > 0;
}

/* Octets of a line that is no delimiter. */
static void plain(struct mimewalk *w, const char *p, size_t n)
{
	if (w->place == MIMEWALK_CONTENT) {
		if (!w->begun && w->eol_pending) {
			w->eol_pending = false;
			w->handler->eol(w->ctx);
		}
		if (n)
			w->handler->data(w->ctx, p, n);
	} else if (w->place == MIMEWALK_HEADER) {
		partheader_data(&w->header, p, n);
	} else if (n && (memchr(p, '\r', n) || memchr(p, '\n', n))) {
		/* Outside the parts, and covered by nothing: a line end to some reader. */
		w->ambiguous = true;
	}
	w->begun = true;
}

/* The line can't be a delimiter any more. */
static void decide_plain(struct mimewalk *w)
{
	w->undecided = false;
	plain(w, w->held, w->nheld);
}

static void octets(struct mimewalk *w, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (w->len == 0)
		w->dash = w->place == MIMEWALK_SKIP && p[0] == '-';
	if (w->undecided) {
		/* Nearly every line ends up here, so the two hyphens are looked at first. */
		bool hyphens = w->len >= 2 || (p[0] == '-' && (n < 2 || w->len == 1 || p[1] == '-'));

		if (!hyphens || n > sizeof w->held - w->nheld) {
			decide_plain(w);
		} else {
			memcpy(w->held + w->nheld, p, n);
			w->nheld += n;
		}
	}
	if (!w->undecided)
		plain(w, p, n);
	w->len += n;
}

static void measure_length(struct mimewalk *w, unsigned long len, bool dense)
{
	if (len > w->longest_line)
		w->longest_line = len;
	if (len > MIMEWALK_LONG_LINE && !dense)
		w->long_line = true;
}

static void measure(struct mimewalk *w, bool is_delimiter)
{
	measure_length(w, w->len, w->place == MIMEWALK_CONTENT && w->dense && !is_delimiter);
	if (w->len > MIMEWALK_LONG_HEADER_LINE && w->place == MIMEWALK_HEADER && !is_delimiter)
		w->long_header_line = true;
}

/* The line is complete, but for its CRLF; true if it was a delimiter. */
static bool finish_line(struct mimewalk *w)
{
	unsigned level = 0;
	bool closing = false, found;

	found = w->undecided && find_delimiter(w, span_make(w->held, w->nheld), &level, &closing);
	measure(w, found);
	if (found) {
		delimiter(w, level, closing);
		return true;
	}
	/* Outside the parts, and covered by nothing: a delimiter to some reader. */
	if (w->dash)
		w->ambiguous = true;
	if (w->undecided)
		decide_plain(w);
	return false;
}

static void end_line(struct mimewalk *w)
{
	if (!finish_line(w)) {
		if (!w->begun)
			plain(w, NULL, 0);
		if (w->place == MIMEWALK_CONTENT) {
			w->eol_pending = true;
		} else if (w->place == MIMEWALK_HEADER) {
			partheader_end_line(&w->header);
			if (w->len == 0)
				header_done(w);
		}
	}
	begin_line(w);
}

/* --- many lines of content at once ------------------------------------------- */

/* The CR of the first CRLF, or NULL. */
static const char *first_crlf(const char *p, const char *end)
{
	const char *from = p, *lf;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p)))) {
		if (lf > from && lf[-1] == '\r')
			return lf - 1;
		p = lf + 1;
	}
	return NULL;
}

static const char *last_crlf(const char *p, const char *end)
{
	const char *lf;

	while (p < end && (lf = memrchr(p, '\n', (size_t)(end - p)))) {
		if (lf > p && lf[-1] == '\r')
			return lf - 1;
		end = lf;
	}
	return NULL;
}

/* Whole lines from p that can't be delimiters: the CR of the last one's end, or NULL. */
static const char *lines_of_text(struct mimewalk *w, const char *p, const char *end)
{
	const char *cr, *last = NULL;

	while (p < end && !(w->nopen && *p == '-') && (cr = first_crlf(p, end))) {
		measure_length(w, (unsigned long)(cr - p), false);
		last = cr;
		p = cr + 2;
	}
	return last;
}

/* The same where a hyphen is rare, and a line's length matters only if it is the longest. */
static const char *lines_of_base64(struct mimewalk *w, const char *p, const char *end)
{
	const char *stop = w->nopen ? memchr(p, '-', (size_t)(end - p)) : NULL;
	const char *last = last_crlf(p, stop ? stop : end);

	while (last && p <= last) {
		const char *cr = p + w->longest_line;

		if ((size_t)(last - p) < w->longest_line)
			break;
		if (cr[0] != '\r' || cr[1] != '\n') {
			cr = first_crlf(p, last + 2);
			measure_length(w, (unsigned long)(cr - p), true);
		}
		p = cr + 2;
	}
	return last;
}

/* At the beginning of a line of content: goes past lines that can't be delimiters. */
static size_t lines(struct mimewalk *w, const char *p, const char *end)
{
	const char *last = w->dense ? lines_of_base64(w, p, end) : lines_of_text(w, p, end);

	if (!last)
		return 0;
	if (w->eol_pending)
		w->handler->eol(w->ctx);
	if (last > p)
		w->handler->data(w->ctx, p, (size_t)(last - p));
	w->eol_pending = true;
	return (size_t)(last + 2 - p);
}

/* ------------------------------------------------------------------------------ */

void mimewalk_begin(struct mimewalk *w, const struct mimewalk_handler *handler, void *ctx, const struct mimewalk_entity *top)
{
	memset(w, 0, sizeof *w);
	w->handler = handler;
	w->ctx = ctx;
	buf_init(&w->boundaries, (LIMIT_MIME_DEPTH + 1) * LIMIT_DELIMITER_LINE);
	partheader_init(&w->header);
	open_entity(w, top);
	begin_line(w);
}

/* One octet after a CR held back; how many were taken. */
static size_t after_cr(struct mimewalk *w, char c)
{
	w->cr = false;
	if (c == '\n') {
		end_line(w);
		return 1;
	}
	octets(w, "\r", 1);
	return 0;
}

void mimewalk_feed(struct mimewalk *w, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *lf;

		if (w->cr) {
			p += after_cr(w, *p);
			continue;
		}
		if (w->len == 0 && w->place == MIMEWALK_CONTENT)
			p += lines(w, p, end);
		if (p == end)
			return;
		lf = memchr(p, '\n', (size_t)(end - p));
		if (!lf) {
			w->cr = end[-1] == '\r';
			octets(w, p, (size_t)(end - p) - w->cr);
			return;
		}
		if (lf > p && lf[-1] == '\r') {
			octets(w, p, (size_t)(lf - 1 - p));
			end_line(w);
		} else {
			octets(w, p, (size_t)(lf + 1 - p));
		}
		p = lf + 1;
	}
}

void mimewalk_end(struct mimewalk *w)
{
	if (w->cr)
		octets(w, "\r", 1);
	w->cr = false;
	if (!finish_line(w)) {
		if (!w->begun)
			plain(w, NULL, 0);
		if (w->place == MIMEWALK_HEADER)
			partheader_end_line(&w->header);
	}
	finish_headers(w);
	while (w->depth)
		pop(w);
	pop(w);
}

void mimewalk_free(struct mimewalk *w)
{
	partheader_free(&w->header);
	buf_free(&w->boundaries);
}
