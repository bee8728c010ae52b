/*
 * The walk: as long as octets agree it goes on in both texts; where they don't, one
 * step after the other is tried, each knowing one kind of change.
 *
 * Every step moves on in at least one text, and looking for a place where both
 * agree again is bounded: the time is linear in the texts, whatever they are.
 */
#include "config.h"

#include "ctl/probe_walk.h"

enum {
	RESYNCS_MAX = 64,
	RESYNC_LINES = 16,         /* of the sent text that are looked for, */
	RESYNC_WINDOW = 32 * 1024, /* this far in what arrived, */
	RESYNC_OCTETS = 48         /* by their beginnings */
};

static unsigned char sent_at(const struct probe_walk *w, size_t k)
{
	return w->i + k < w->o.n ? (unsigned char)w->o.p[w->i + k] : 0;
}

static bool has_sent(const struct probe_walk *w, size_t k)
{
	return w->i + k < w->o.n;
}

static bool arrived_is(const struct probe_walk *w, size_t k, const char *text)
{
	return span_starts(span_skip(w->a, w->j + k), text);
}

static bool sent_is(const struct probe_walk *w, size_t k, const char *text)
{
	return span_starts(span_skip(w->o, w->i + k), text);
}

/* Does the octet k after the arrived one equal the sent one k2 after ours? */
static bool same(const struct probe_walk *w, size_t there, size_t here)
{
	return w->j + there < w->a.n && w->i + here < w->o.n && w->a.p[w->j + there] == w->o.p[w->i + here];
}

static bool at_arrived_line(const struct probe_walk *w)
{
	return w->j == 0 || w->a.p[w->j - 1] == '\n';
}

static bool at_sent_line(const struct probe_walk *w)
{
	return w->i == 0 || w->o.p[w->i - 1] == '\n';
}

/* One of a kind here; then on, in both texts. Always true. */
static bool step(struct probe_walk *w, enum probe_change c, size_t sent, size_t arrived)
{
	if (w->seen[c].count++ == 0) {
		w->seen[c].first = w->i;
		w->seen[c].there = w->j;
	}
	w->i += sent;
	w->j += arrived;
	return true;
}

static bool step_cut(struct probe_walk *w, enum probe_change c, size_t arrived)
{
	if (!w->column)
		w->column = w->i - w->line;
	return step(w, c, 0, arrived);
}

/* A line end within a line. */
static bool try_cut(struct probe_walk *w)
{
	if (at_sent_line(w))
		return false;
	if (arrived_is(w, 0, "!\r\n ") && same(w, 4, 0))
		return step_cut(w, PROBE_CHANGE_CUT_BANG, 4);
	if (arrived_is(w, 0, "\r\n ") && same(w, 3, 0))
		return step_cut(w, PROBE_CHANGE_CUT_BLANK, 3);
	if (arrived_is(w, 0, "\r\n") && same(w, 2, 0))
		return step_cut(w, PROBE_CHANGE_CUT, 2);
	/* The blank of a text makes room for the line end. */
	if (arrived_is(w, 0, "\r\n") && sent_at(w, 0) == ' ' && same(w, 2, 1))
		return step_cut(w, PROBE_CHANGE_CUT, 2) && (w->i++, true);
	return false;
}

/* Octets over 127 from here on, and the characters of UTF-8 that they make. */
static size_t run_of_eight(const struct probe_walk *w, size_t *characters)
{
	size_t n = 0;

	for (*characters = 0; has_sent(w, n) && sent_at(w, n) >= 0x80; n++)
		*characters += (sent_at(w, n) & 0xC0) != 0x80;
	return n;
}

/* n times '?', and then both go on alike. */
static bool are_questions(const struct probe_walk *w, size_t n, size_t sent)
{
	for (size_t k = 0; k < n; k++)
		if (!arrived_is(w, k, "?"))
			return false;
	return same(w, n, sent) || (w->j + n == w->a.n && w->i + sent == w->o.n);
}

static bool try_eightbit(struct probe_walk *w)
{
	size_t characters, n;

	if (!has_sent(w, 0) || sent_at(w, 0) < 0x80 || w->j >= w->a.n)
		return false;
	if ((unsigned char)w->a.p[w->j] == (sent_at(w, 0) & 0x7F))
		return step(w, PROBE_CHANGE_BIT8, 1, 1);
	n = run_of_eight(w, &characters);
	if (are_questions(w, n, n))
		return step(w, PROBE_CHANGE_EIGHT_REPLACED, n, n);
	if (are_questions(w, characters, n))
		return step(w, PROBE_CHANGE_EIGHT_REPLACED, n, characters);
	return false;
}

static bool try_nul(struct probe_walk *w)
{
	size_t n = 0;

	if (!has_sent(w, 0) || sent_at(w, 0) != 0)
		return false;
	if (same(w, 0, 1))
		return step(w, PROBE_CHANGE_NUL, 1, 0);
	if (same(w, 1, 1))
		return step(w, PROBE_CHANGE_NUL, 1, 1);
	while (has_sent(w, n) && !sent_is(w, n, "\r\n"))
		n++;
	/* The line ends at the NUL. */
	return (arrived_is(w, 0, "\r\n") || (w->j == w->a.n && w->i + n == w->o.n)) && step(w, PROBE_CHANGE_NUL, n, 0);
}

static bool try_cr(struct probe_walk *w)
{
	/* The CR itself agreed: it became a line end. */
	if (w->i && w->o.p[w->i - 1] == '\r' && sent_at(w, 0) != '\n' && arrived_is(w, 0, "\n") && w->j && w->a.p[w->j - 1] == '\r')
		return step(w, PROBE_CHANGE_BARE_CR, 0, 1);
	if (sent_at(w, 0) != '\r' || sent_at(w, 1) == '\n')
		return false;
	if (same(w, 0, 1))
		return step(w, PROBE_CHANGE_BARE_CR, 1, 0);
	if (same(w, 1, 1))
		return step(w, PROBE_CHANGE_BARE_CR, 1, 1);
	return false;
}

static size_t blanks(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return n;
}

static bool ends_line(struct span s)
{
	return s.n == 0 || span_starts(s, "\r\n");
}

static bool try_trailing(struct probe_walk *w)
{
	struct span o = span_skip(w->o, w->i), a = span_skip(w->a, w->j);
	size_t no = blanks(o), na = blanks(a);

	if ((no == 0 && na == 0) || !ends_line(span_skip(o, no)) || !ends_line(span_skip(a, na)))
		return false;
	return step(w, PROBE_CHANGE_TRAILING, no, na);
}

/* Is all of the line so far, in what was sent, that octet? */
static bool only(const struct probe_walk *w, char c)
{
	for (size_t k = w->line; k < w->i; k++)
		if (w->o.p[k] != c)
			return false;
	return true;
}

/* One octet more or less of those that a line begins with: those before it agree. */
static bool try_beginning_with(struct probe_walk *w, enum probe_change change, char c)
{
	const char one[] = {c, '\0'};

	if (!only(w, c) || (w->i == w->line && !at_arrived_line(w)))
		return false;
	if (arrived_is(w, 0, one) && same(w, 1, 0))
		return step(w, change, 0, 1);
	if (has_sent(w, 0) && sent_at(w, 0) == (unsigned char)c && same(w, 0, 1))
		return step(w, change, 1, 0);
	return false;
}

static bool try_line_beginning(struct probe_walk *w)
{
	return try_beginning_with(w, PROBE_CHANGE_FROM_QUOTED, '>') || try_beginning_with(w, PROBE_CHANGE_DOTS, '.');
}

static bool try_empty_line(struct probe_walk *w)
{
	if (!at_sent_line(w) || !at_arrived_line(w))
		return false;
	if (sent_is(w, 0, "\r\n"))
		return step(w, PROBE_CHANGE_EMPTY, 2, 0);
	if (arrived_is(w, 0, "\r\n"))
		return step(w, PROBE_CHANGE_EMPTY, 0, 2);
	return false;
}

/* --- where they agree again ---------------------------------------------------------- */

static size_t line_end(struct span s, size_t at)
{
	const char *lf = at < s.n ? memchr(s.p + at, '\n', s.n - at) : NULL;

	return lf ? (size_t)(lf - s.p) + 1 : s.n;
}

/* The line of o that begins at `at`: where in a, at a line's beginning, does it stand? SIZE_MAX when nowhere near. */
static size_t find_line(const struct probe_walk *w, size_t at)
{
	size_t n = line_end(w->o, at) - at;
	struct span want = span_make(w->o.p + at, n < RESYNC_OCTETS ? n : RESYNC_OCTETS);
	struct span near = span_take(span_skip(w->a, w->j), RESYNC_WINDOW);

	/* An empty line is everywhere. */
	while (n > 2 && near.n) {
		const char *q = memmem(near.p, near.n, want.p, want.n);

		if (!q)
			break;
		if (q == w->a.p || q[-1] == '\n')
			return (size_t)(q - w->a.p);
		near = span_skip(near, (size_t)(q - near.p) + 1);
	}
	return (size_t)-1;
}

static void agree_again(struct probe_walk *w)
{
	size_t at = at_sent_line(w) ? w->i : line_end(w->o, w->i), from = w->i, there = w->j;
	enum probe_change c;

	if (w->resyncs++ == RESYNCS_MAX) {
		step(w, PROBE_CHANGE_OTHERWISE, w->o.n - w->i, w->a.n - w->j);
		return;
	}
	for (unsigned k = 0; k < RESYNC_LINES && at < w->o.n; k++, at = line_end(w->o, at)) {
		size_t q = find_line(w, at);

		if (q == (size_t)-1)
			continue;
		c = from == 0 && at == 0 && q > there ? PROBE_CHANGE_PREPENDED : PROBE_CHANGE_OTHERWISE;
		if (!w->foreign.n)
			w->foreign = span_make(w->a.p + there, q - there);
		step(w, c, at - from, q - there);
		w->line = at;
		return;
	}
	if (!w->foreign.n)
		w->foreign = span_skip(w->a, w->j);
	step(w, PROBE_CHANGE_OTHERWISE, w->o.n - w->i, w->a.n - w->j);
}

static bool all_line_ends(struct span s)
{
	while (span_starts(s, "\r\n"))
		s = span_skip(s, 2);
	return s.n == 0;
}

/* One text is over, what is left of the other? */
static void finish(struct probe_walk *w)
{
	struct span o = span_skip(w->o, w->i), a = span_skip(w->a, w->j);

	if (o.n)
		step(w, all_line_ends(o) ? PROBE_CHANGE_EMPTY : PROBE_CHANGE_CUT_OFF, o.n, 0);
	if (a.n == 0)
		return;
	if (!w->foreign.n && !all_line_ends(a))
		w->foreign = a;
	step(w, all_line_ends(a) ? PROBE_CHANGE_EMPTY : PROBE_CHANGE_APPENDED, 0, a.n);
}

static void skip_same(struct probe_walk *w)
{
	while (w->i < w->o.n && w->j < w->a.n && w->o.p[w->i] == w->a.p[w->j]) {
		if (w->o.p[w->i] == '\n')
			w->line = w->i + 1;
		w->i++;
		w->j++;
	}
}

void probe_walk(struct probe_walk *w, struct span sent, struct span arrived)
{
	memset(w, 0, sizeof(*w));
	w->o = sent;
	w->a = arrived;
	for (;;) {
		skip_same(w);
		if (w->i == w->o.n || w->j == w->a.n) {
			if (!try_trailing(w) && !try_nul(w))
				break;
			continue;
		}
		if (!try_cut(w) && !try_eightbit(w) && !try_nul(w) && !try_cr(w) && !try_trailing(w) && !try_line_beginning(w) && !try_empty_line(w))
			agree_again(w);
		while (w->line < w->i && memchr(w->o.p + w->line, '\n', w->i - w->line))
			w->line = line_end(w->o, w->line);
	}
	finish(w);
}

bool probe_walk_only_cuts(const struct probe_walk *w)
{
	bool cuts = false;

	for (size_t c = 0; c < PROBE_CHANGES; c++) {
		bool cut = c == PROBE_CHANGE_CUT_BLANK || c == PROBE_CHANGE_CUT_BANG || c == PROBE_CHANGE_CUT;

		if (w->seen[c].count && !cut)
			return false;
		cuts = cuts || w->seen[c].count;
	}
	return cuts;
}
