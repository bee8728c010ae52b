/*
 * The difference of two texts, line by line: the longest common subsequence of
 * what lies between the common beginning and the common end.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "ctl/policy_layout.h"

enum {
	CONTEXT = 3,
	TABLE_MAX = 16 * 1024 * 1024 /* cells; texts that differ in more are shown as replaced whole */
};

struct lines {
	struct span *line; /* with their ends */
	size_t n;
};

struct diff {
	struct lines a, b;
	size_t *match; /* of each line of a: the line of b it is the same as, or b.n */
};

static int cut(struct span text, struct lines *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	out->line = calloc(n + 2, sizeof(*out->line));
	if (!out->line)
		return -1;
	for (out->n = 0; text.n; out->n++) {
		size_t i = span_find(text, '\n');

		out->line[out->n] = span_take(text, i + 1);
		text = span_skip(text, i + 1);
	}
	return 0;
}

/* Matches within a[from..from+n) and b[from..from+m) by dynamic programming, from the end. */
static int match_middle(struct diff *d, size_t from, size_t n, size_t m)
{
	uint16_t *t;
	size_t i = 0, k = 0;

	if (n == 0 || m == 0 || (n + 1) > TABLE_MAX / (m + 1))
		return 0;
	t = calloc((n + 1) * (m + 1), sizeof(*t));
	if (!t)
		return -1;
#define CELL(x, y) t[(x) * (m + 1) + (y)]
	for (size_t x = n; x-- > 0;)
		for (size_t y = m; y-- > 0;) {
			uint16_t skip = CELL(x + 1, y) > CELL(x, y + 1) ? CELL(x + 1, y) : CELL(x, y + 1);
			bool same = span_eq(d->a.line[from + x], d->b.line[from + y]);

			CELL(x, y) = same && CELL(x + 1, y + 1) + 1 > skip ? (uint16_t)(CELL(x + 1, y + 1) + 1) : skip;
		}
	while (i < n && k < m) {
		if (span_eq(d->a.line[from + i], d->b.line[from + k]) && CELL(i, k) == CELL(i + 1, k + 1) + 1) {
			d->match[from + i] = from + k;
			i++;
			k++;
		} else if (CELL(i + 1, k) >= CELL(i, k + 1)) {
			i++;
		} else {
			k++;
		}
	}
#undef CELL
	free(t);
	return 0;
}

static int match(struct diff *d)
{
	size_t n = d->a.n, m = d->b.n, head = 0, tail = 0;

	for (size_t i = 0; i < n; i++)
		d->match[i] = m;
	while (head < n && head < m && span_eq(d->a.line[head], d->b.line[head])) {
		d->match[head] = head;
		head++;
	}
	while (tail < n - head && tail < m - head && span_eq(d->a.line[n - tail - 1], d->b.line[m - tail - 1])) {
		d->match[n - tail - 1] = m - tail - 1;
		tail++;
	}
	return match_middle(d, head, n - head - tail, m - head - tail);
}

static void put(FILE *f, char mark, struct span line)
{
	bool ended = line.n && line.p[line.n - 1] == '\n';

	fprintf(f, "%c%.*s%s", mark, SPAN_ARG(line), ended ? "" : "\n\\ No newline at end of file\n");
}

/* A place in both texts. */
struct place {
	size_t a, b;
};

static bool at_end(const struct diff *d, struct place p)
{
	return p.a == d->a.n && p.b == d->b.n;
}

static bool is_same(const struct diff *d, struct place p)
{
	return p.a < d->a.n && d->match[p.a] == p.b;
}

/* One line further: '-', '+' or ' '. */
static char step(const struct diff *d, struct place *p)
{
	if (is_same(d, *p)) {
		p->a++;
		p->b++;
		return ' ';
	}
	if (p->a < d->a.n && d->match[p->a] == d->b.n) {
		p->a++;
		return '-';
	}
	p->b++;
	return '+';
}

/* From the first change at or after p: where the hunk ends, with its context; changes closer than two contexts belong together. */
static struct place hunk_end(const struct diff *d, struct place p)
{
	size_t same = 0;

	while (!at_end(d, p) && same <= 2 * CONTEXT)
		same = step(d, &p) == ' ' ? same + 1 : 0;
	if (same > CONTEXT) {
		p.a -= same - CONTEXT;
		p.b -= same - CONTEXT;
	}
	return p;
}

static void put_hunk(FILE *f, const struct diff *d, struct place from, struct place to)
{
	size_t na = to.a - from.a, nb = to.b - from.b;

	fprintf(f, "@@ -%zu,%zu +%zu,%zu @@\n", from.a + (na > 0), na, from.b + (nb > 0), nb);
	while (from.a != to.a || from.b != to.b) {
		struct place at = from;
		char mark = step(d, &from);

		put(f, mark, mark == '+' ? d->b.line[at.b] : d->a.line[at.a]);
	}
}

static void put_hunks(FILE *f, const struct diff *d)
{
	struct place p = {0, 0}, from, to;

	while (!at_end(d, p)) {
		if (is_same(d, p)) {
			p.a++;
			p.b++;
			continue;
		}
		from = p;
		for (size_t i = 0; i < CONTEXT && from.a && from.b && d->match[from.a - 1] == from.b - 1; i++) {
			from.a--;
			from.b--;
		}
		to = hunk_end(d, p);
		put_hunk(f, d, from, to);
		p = to;
	}
}

int policy_layout_diff(FILE *f, const char *name, struct span old, struct span new_text)
{
	struct diff d = {0};
	int rc = -1;

	if (span_eq(old, new_text))
		return 0;
	if (cut(old, &d.a) == 0 && cut(new_text, &d.b) == 0) {
		d.match = calloc(d.a.n + 1, sizeof(*d.match));
		if (d.match && match(&d) == 0) {
			fprintf(f, "--- %s\n+++ %s (laid out)\n", name, name);
			put_hunks(f, &d);
			rc = 1;
		}
	}
	free(d.match);
	free(d.a.line);
	free(d.b.line);
	return rc;
}
