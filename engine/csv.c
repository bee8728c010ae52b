/*
 * Cuts lines into fields and says where something is wrong.  Knows no table.
 */
#include "config.h"

#include "engine/csv.h"

#include <stdarg.h>

void csv_init(struct csv *c, const char *name, struct span text)
{
	memset(c, 0, sizeof *c);
	c->name = name;
	c->rest = span_starts(text, "\xef\xbb\xbf") ? span_skip(text, 3) : text;
}

static int place(const struct csv *c, const char *at, struct err *e)
{
	return err_prefix(e, "%s:%zu:%zu", c->name, c->line, (size_t)(at - c->whole.p) + 1);
}

static int fault_at(const struct csv *c, const char *at, struct err *e, const char *text)
{
	(void)err_set(e, ERR_CONFIG, "%s", text);
	return place(c, at, e);
}

int csv_fault(const struct csv *c, size_t i, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_CONFIG, fmt, ap);
	va_end(ap);
	return place(c, i < c->n ? c->at[i] : c->whole.p, e);
}

static struct span skip_blanks(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_skip(s, 1);
	return s;
}

static bool is_comment(struct span s)
{
	return !s.n || s.p[0] == '#';
}

/* A field in quotes, *s behind the first one; -1 and *e. */
static int take_quoted(struct csv *c, struct span *s, struct err *e)
{
	char *to = c->unquoted[c->n];
	const char *begin = s->p;
	size_t n = 0;

	for (; s->n; *s = span_skip(*s, 1)) {
		if (s->p[0] == '"' && s->n > 1 && s->p[1] == '"')
			*s = span_skip(*s, 1);
		else if (s->p[0] == '"')
			break;
		if (n == CSV_FIELD_BYTES)
			return fault_at(c, begin, e, "the field is too long");
		to[n++] = s->p[0];
	}
	if (!s->n)
		return fault_at(c, begin, e, "the closing quote is missing");
	*s = span_skip(*s, 1);
	c->field[c->n] = span_make(to, n);
	return 0;
}

static int take_plain(struct csv *c, struct span *s, struct err *e)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ',' && !(s->p[n] == '#' && n && span_is_blank(s->p[n - 1])))
		n++;
	if (n > CSV_FIELD_BYTES)
		return fault_at(c, s->p, e, "the field is too long");
	c->field[c->n] = span_trim(span_take(*s, n));
	*s = span_skip(*s, n);
	return 0;
}

static int take_field(struct csv *c, struct span *s, struct err *e)
{
	bool quoted;

	*s = skip_blanks(*s);
	if (c->n == CSV_FIELDS)
		return fault_at(c, s->n ? s->p : c->whole.p, e, "too many fields");
	c->at[c->n] = s->n ? s->p : c->whole.p + c->whole.n;
	quoted = s->n && s->p[0] == '"';
	if (quoted)
		*s = span_skip(*s, 1);
	if (quoted ? take_quoted(c, s, e) : take_plain(c, s, e))
		return -1;
	c->n++;
	*s = skip_blanks(*s);
	return 0;
}

static int cut(struct csv *c, struct err *e)
{
	struct span s = c->whole;

	for (;;) {
		if (take_field(c, &s, e))
			return -1;
		if (is_comment(s))
			return 1;
		if (s.p[0] != ',')
			return fault_at(c, s.p, e, "a comma is missing");
		s = span_skip(s, 1);
	}
}

int csv_next(struct csv *c, struct err *e)
{
	while (c->rest.n) {
		c->whole = span_cut(&c->rest, '\n');
		c->line++;
		c->n = 0;
		if (c->whole.n && c->whole.p[c->whole.n - 1] == '\r')
			c->whole.n--;
		if (!is_comment(skip_blanks(c->whole)))
			return cut(c, e);
	}
	return 0;
}

bool csv_is_heading(const struct csv *c, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && i < c->n; i++)
		if (!span_caseis(c->field[i], names[i]))
			return false;
	return c->n && c->n <= n;
}

int csv_next_row(struct csv *c, const char *const *heading, size_t n, struct err *e)
{
	int rc;

	do
		rc = csv_next(c, e);
	while (rc == 1 && !c->has_row && csv_is_heading(c, heading, n));
	c->has_row = c->has_row || rc == 1;
	return rc;
}
