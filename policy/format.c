/*
 * Canonical layout.
 *
 * Tokens and comments are put into items (statements at the top, "when ..." or
 * "score ..." within a rule, values within a set) by their first words alone, so
 * what the parser would refuse can be laid out too.  How an item looks depends
 * only on its tokens, its comments and which of its blocks stood on one line,
 * and none of that is changed by laying it out: so a second time changes nothing.
 */
#include "config.h"

#include "policy/format.h"
#include "policy/lexer.h"

#include <stdint.h>
#include <stdlib.h>

enum {
	COLUMNS = 120,
	INDENT = 4,
	NEST_MAX = 32, /* blocks within blocks; a policy has three */
	FIRST_CAP = 256
};
#define TOO_WIDE (SIZE_MAX / 2) /* has a comment or a block that stood on several lines */

struct piece {
	enum lexer_kind kind;
	struct span text;
	struct source_pos at;
	bool blank;    /* a blank line before it */
	bool own_line; /* nothing before it on its line */
	size_t match;  /* "{": index of its "}" */
	bool one_line; /* "{": up to its "}" */
};

/* Which words begin an item. */
enum block { TOP, RULE, PEER, OVERRIDE, ACTIONS, TEST, VALUES };
static const char *const *starters(enum block b)
{
	static const char *const top[] = {"policy", "include", "list", "window", "rate", "peer", "on", "rule", "replace", "group", "actions", "test", NULL};
	static const char *const rule[] = {"when", "score", "final", "describe", "group", "absorb", "tag", NULL};
	static const char *const peer[] = {"match", "expect", "mode", "override", NULL};
	static const char *const override[] = {"score", "final", "off", NULL};
	static const char *const actions[] = {"accept", "discard", "tag", "quarantine", "redirect", "tempfail", "reject", NULL};
	static const char *const test[] = {"given", "expect", NULL};
	static const char *const none[] = {NULL};
	static const char *const *const words[] = {top, rule, peer, override, actions, test, none};

	return words[b];
}

struct format {
	struct piece *v;
	size_t n, cap;
	struct buf *out;
	size_t col; /* columns written on this line */
};

static bool is_word(const struct piece *t, const char *word)
{
	return t->kind == LEXER_WORD && span_is(t->text, word);
}

static bool is_one_of(const struct piece *t, const char *const *words)
{
	for (; *words; words++)
		if (is_word(t, *words))
			return true;
	return false;
}

/* --- the text taken apart ------------------------------------------------------------ */

static int add(struct format *f, const struct lexer_token *t)
{
	const struct piece *last = f->n ? &f->v[f->n - 1] : NULL;
	struct piece *v;

	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : FIRST_CAP;

		v = realloc(f->v, cap * sizeof *v);
		if (!v)
			return -1;
		f->v = v;
		f->cap = cap;
		last = f->n ? &f->v[f->n - 1] : NULL;
	}
	v = &f->v[f->n++];
	memset(v, 0, sizeof *v);
	v->kind = t->kind;
	v->text = t->text;
	v->at = t->at;
	v->own_line = !last || last->at.line != t->at.line;
	v->blank = last && t->at.line > last->at.line + 1;
	while (t->kind == LEXER_COMMENT && v->text.n && span_is_blank(v->text.p[v->text.n - 1]))
		v->text.n--;
	return 0;
}

static int take_apart(struct format *f, const struct source *src, struct source_report *report)
{
	struct lexer lex;
	struct lexer_token t;

	if (lexer_open(&lex, src, true, report))
		return -1;
	for (;;) {
		if (lexer_next(&lex, &t))
			return -1;
		if (t.kind == LEXER_END)
			return 0;
		if (add(f, &t))
			return source_say(report, SOURCE_ERROR, t.at, "no memory");
	}
}

static int pair_braces(struct format *f, struct source_report *report)
{
	size_t open[NEST_MAX], depth = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct piece *t = &f->v[i], *o;

		if (t->kind == LEXER_OPEN) {
			if (depth == NEST_MAX)
				return source_say(report, SOURCE_ERROR, t->at, "blocks nest at most %d deep", NEST_MAX);
			open[depth++] = i;
		} else if (t->kind == LEXER_CLOSE) {
			if (depth == 0)
				return source_say(report, SOURCE_ERROR, t->at, "this \"}\" closes nothing");
			o = &f->v[open[--depth]];
			o->match = i;
			o->one_line = o->at.line == t->at.line || i == open[depth] + 1;
		}
	}
	if (depth)
		return source_say(report, SOURCE_ERROR, f->v[open[depth - 1]].at, "this \"{\" is never closed");
	return 0;
}

/* --- items --------------------------------------------------------------------------- */

/* The last token before i that is no comment, or NULL. */
static const struct piece *before(const struct format *f, size_t i)
{
	while (i-- > 0)
		if (f->v[i].kind != LEXER_COMMENT)
			return &f->v[i];
	return NULL;
}

static const struct piece *behind(const struct format *f, size_t i)
{
	for (i++; i < f->n; i++)
		if (f->v[i].kind != LEXER_COMMENT)
			return &f->v[i];
	return NULL;
}

/* Behind these a word is a value, a name or a part, whatever it reads. */
static bool wants_more(const struct piece *t)
{
	static const char *const words[] = {
		"and", "or", "not", "in", "final", "key", "per", "replace", "when", "score", "describe", "group", "absorb", "match", "expect", "given", NULL,
	};

	switch (t->kind) {
	case LEXER_EQ: case LEXER_NE: case LEXER_LT: case LEXER_LE: case LEXER_GT: case LEXER_GE: case LEXER_MATCH: case LEXER_NO_MATCH:
	case LEXER_COMMA: case LEXER_PAREN_OPEN: case LEXER_RANGE:
		return true;
	default:
		return is_one_of(t, words);
	}
}

/* The "on" of a window, not of a failure. */
static bool on_days(const struct format *f, size_t first, size_t i)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
	const struct piece *next = behind(f, i);

	return is_word(&f->v[first], "window") && is_word(&f->v[i], "on") && next && (next->kind == LEXER_OPEN || is_one_of(next, days));
}

static bool starts_item(const struct format *f, enum block b, size_t first, size_t i)
{
	const struct piece *last = before(f, i);

	if (b == VALUES)
		return last && last->kind == LEXER_COMMA;
	return is_one_of(&f->v[i], starters(b)) && last && !wants_more(last) && !on_days(f, first, i);
}

/* Behind a token, or behind the block that it opens. */
static size_t step(const struct format *f, size_t i)
{
	return f->v[i].kind == LEXER_OPEN ? f->v[i].match + 1 : i + 1;
}

/* Behind the last token of the item; comments behind that are the next one's, or stand on its line. */
static size_t item_end(const struct format *f, enum block b, size_t first, size_t to)
{
	size_t end = step(f, first);

	for (size_t i = end; i < to; i = step(f, i)) {
		if (f->v[i].kind == LEXER_COMMENT)
			continue;
		if (starts_item(f, b, first, i))
			break;
		end = step(f, i);
	}
	return end;
}

static enum block block_of(const struct format *f, enum block outer, size_t first)
{
	const struct piece *t = &f->v[first];

	if (outer == PEER && is_word(t, "override"))
		return OVERRIDE;
	if (outer != TOP)
		return VALUES;
	if (is_word(t, "rule") || is_word(t, "replace"))
		return RULE;
	if (is_word(t, "peer"))
		return PEER;
	if (is_word(t, "actions"))
		return ACTIONS;
	return is_word(t, "test") ? TEST : VALUES;
}

/* --- writing -------------------------------------------------------------------------- */

static size_t columns(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

/* Is there a blank between this token and the one before it? */
static bool spaced(const struct format *f, size_t i)
{
	static const char *const calls[] = {"any", "all", "over", "present", NULL};
	const struct piece *a = &f->v[i - 1], *b = &f->v[i];

	if (b->kind == LEXER_COMMA || b->kind == LEXER_PAREN_CLOSE || b->kind == LEXER_RANGE)
		return false;
	if (a->kind == LEXER_PAREN_OPEN || a->kind == LEXER_RANGE)
		return false;
	return !(b->kind == LEXER_PAREN_OPEN && is_one_of(a, calls));
}

/* Columns of the tokens on one line; TOO_WIDE when they can't be on one. */
static size_t width(const struct format *f, size_t from, size_t to)
{
	size_t w = 0;

	for (size_t i = from; i < to; i++) {
		if (f->v[i].kind == LEXER_COMMENT || (f->v[i].kind == LEXER_OPEN && !f->v[i].one_line))
			return TOO_WIDE;
		w += columns(f->v[i].text) + (i > from && spaced(f, i));
	}
	return w;
}

static void put(struct format *f, struct span s)
{
	buf_put_span(f->out, s);
	f->col += columns(s);
}

static void new_line(struct format *f, size_t indent)
{
	buf_putc(f->out, '\n');
	for (f->col = 0; f->col < indent; f->col++)
		buf_putc(f->out, ' ');
}

/* All on this line. first: nothing of the item stands on it yet. */
static void put_flat(struct format *f, size_t from, size_t to, bool first)
{
	for (size_t i = from; i < to; i++) {
		if ((i > from || !first) && spaced(f, i))
			put(f, span_make(" ", 1));
		put(f, f->v[i].text);
	}
}

static void put_items(struct format *f, enum block b, size_t from, size_t to, size_t indent);

/* A block over several lines, braces and all. */
static void put_block(struct format *f, enum block inner, size_t open, size_t indent)
{
	size_t from = open + 1, close = f->v[open].match;

	put(f, f->v[open].text);
	if (f->v[from].kind == LEXER_COMMENT && !f->v[from].own_line) {
		put(f, span_make(" ", 1));
		put(f, f->v[from++].text);
	}
	put_items(f, inner, from, close, indent + INDENT);
	new_line(f, indent);
	put(f, f->v[close].text);
}

/* The end of a part of an item that is never divided but by a block: breaks are before and, or, behind commas, and around comments. */
static size_t part_end(const struct format *f, size_t from, size_t to)
{
	size_t i = step(f, from);

	if (f->v[from].kind == LEXER_COMMENT)
		return i;
	for (; i < to; i = step(f, i)) {
		const struct piece *t = &f->v[i];

		if (t->kind == LEXER_COMMENT || is_word(t, "and") || is_word(t, "or") || f->v[i - 1].kind == LEXER_COMMA)
			break;
	}
	return i;
}

/* Columns up to and with the first brace. */
static size_t head_width(const struct format *f, size_t from, size_t to)
{
	size_t i = from;

	while (i < to && f->v[i].kind != LEXER_OPEN)
		i++;
	return width(f, from, i) + 2;
}

/* A part that doesn't fit on a line: its blocks are opened where they must be. */
static void put_part(struct format *f, enum block inner, size_t from, size_t to, size_t indent, bool first)
{
	for (size_t i = from; i < to;) {
		size_t next = step(f, i);

		if ((i > from || !first) && spaced(f, i))
			put(f, span_make(" ", 1));
		if (f->v[i].kind == LEXER_OPEN && f->col + width(f, i, next) > COLUMNS)
			put_block(f, inner, i, indent);
		else
			put_flat(f, i, next, true);
		i = next;
	}
}

/* An item that doesn't fit on a line, or has a comment or an open block: filled line by line. */
static void put_filled(struct format *f, enum block inner, size_t from, size_t to, size_t indent)
{
	size_t line = indent; /* indentation of the line that is being written */
	bool first = true;    /* nothing of the item is on it yet */
	bool full = false;    /* a comment ended it */

	for (size_t i = from, end; i < to; i = end) {
		size_t w, least;
		bool comment = f->v[i].kind == LEXER_COMMENT;

		end = part_end(f, i, to);
		w = width(f, i, end);
		/* A block may be opened where it stands; what is in front of it may not. */
		least = w >= TOO_WIDE || indent + INDENT + w > COLUMNS ? head_width(f, i, end) : w;
		if (full || (comment ? f->v[i].own_line : !first && f->col + 1 + least > COLUMNS)) {
			line = indent + INDENT;
			new_line(f, line);
			first = true;
		}
		full = comment;
		if (comment) {
			if (!first)
				put(f, span_make(" ", 1));
			put(f, f->v[i].text);
		} else {
			put_part(f, inner, i, end, line, first);
		}
		first = false;
	}
}

static void put_item(struct format *f, enum block b, size_t from, size_t to, size_t indent)
{
	if (f->col + width(f, from, to) <= COLUMNS)
		put_flat(f, from, to, true);
	else
		put_filled(f, block_of(f, b, from), from, to, indent);
}

/* Each on a line of its own, comments with it, at most one blank line between two. */
static void put_items(struct format *f, enum block b, size_t from, size_t to, size_t indent)
{
	for (size_t i = from, end; i < to; i = end) {
		if (i > from && f->v[i].blank)
			buf_putc(f->out, '\n');
		if (i > 0)
			new_line(f, indent);
		end = i + 1;
		if (f->v[i].kind == LEXER_COMMENT) {
			put(f, f->v[i].text);
			continue;
		}
		end = item_end(f, b, i, to);
		put_item(f, b, i, end, indent);
		if (end < to && f->v[end].kind == LEXER_COMMENT && !f->v[end].own_line) {
			put(f, span_make(" ", 1));
			put(f, f->v[end++].text);
		}
	}
}

int format_policy(const char *name, struct span text, struct buf *out, struct source_report *report)
{
	struct source src = {name, text};
	struct source_pos nowhere = {NULL, 0, 0};
	struct format f;
	int rc;

	memset(&f, 0, sizeof f);
	f.out = out;
	rc = take_apart(&f, &src, report) || pair_braces(&f, report) ? -1 : 0;
	if (rc == 0) {
		put_items(&f, TOP, 0, f.n, 0);
		if (f.n)
			buf_putc(out, '\n');
		if (out->failed)
			rc = source_say(report, SOURCE_ERROR, nowhere, "%s: no memory for the result", name);
	}
	free(f.v);
	return rc;
}
