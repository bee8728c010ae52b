/*
 * Cuts one stored message into fields and body, octet by octet.
 *
 * Knows line ends, folding and mbox quoting; knows nothing of MIME, addresses
 * or what any field means.
 */
#include "config.h"

#include <errno.h>

#include "ctl/mail.h"

enum { DELETED_NAMES_MAX = 8 };

/* Octets up to and with the line end; all when there is none. */
static size_t line_length(struct span s)
{
	size_t i = span_find(s, '\n');

	return i < s.n ? i + 1 : s.n;
}

static struct span without_line_end(struct span s)
{
	if (s.n && s.p[s.n - 1] == '\n') {
		s.n--;
		if (s.n && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

static bool is_fold(struct span s)
{
	return s.n && (s.p[0] == ' ' || s.p[0] == '\t');
}

/* Octets of the field name, blanks before the colon, and the colon; 0 if the line is no field. */
static size_t field_name(struct span line, struct span *name)
{
	size_t n = 0, colon;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 127 && line.p[n] != ':')
		n++;
	colon = n;
	while (colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t'))
		colon++;
	*name = span_take(line, n);
	return n && colon < line.n && line.p[colon] == ':' ? colon + 1 : 0;
}

bool mail_field_next(struct span *rest, struct mail_field *out)
{
	struct span s = *rest;
	size_t colon = field_name(s, &out->name), n = line_length(s);

	if (!colon)
		return false;
	while (is_fold(span_skip(s, n)))
		n += line_length(span_skip(s, n));
	out->raw = span_take(s, n);
	out->value = without_line_end(span_skip(out->raw, colon));
	*rest = span_skip(s, n);
	return true;
}

bool mail_field_find(struct span text, const char *name, size_t nth, struct mail_field *out)
{
	while (mail_field_next(&text, out))
		if (span_caseis(out->name, name) && nth-- == 0)
			return true;
	return false;
}

int mail_value(struct buf *out, const struct mail_field *f)
{
	struct span s = f->value;

	buf_reset(out);
	if (s.n && s.p[0] == ' ')
		s = span_skip(s, 1);
	while (s.n) {
		size_t n = line_length(s);
		struct span line = span_take(s, n);
		bool ended = line.p[n - 1] == '\n';

		buf_put_span(out, without_line_end(line));
		if (ended)
			buf_putc(out, '\n');
		s = span_skip(s, n);
	}
	return out->failed ? -1 : 0;
}

struct span mail_body(struct span rest)
{
	if (span_starts(rest, "\r\n"))
		return span_skip(rest, 2);
	if (span_starts(rest, "\n"))
		return span_skip(rest, 1);
	return rest;
}

static bool is_quoted_from(struct span line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n && span_starts(span_skip(line, n), "From ");
}

struct pieces {
	void (*put)(void *arg, const void *p, size_t n);
	void *arg;
	size_t n;
	char block[65536];
};

static void pieces_add(struct pieces *o, struct span s)
{
	if (s.n > sizeof(o->block) - o->n && o->n) {
		o->put(o->arg, o->block, o->n);
		o->n = 0;
	}
	if (s.n > sizeof(o->block)) {
		o->put(o->arg, s.p, s.n);
	} else if (s.n) {
		memcpy(o->block + o->n, s.p, s.n);
		o->n += s.n;
	}
}

void mail_body_push(const struct mail *m, struct span body, void (*put)(void *arg, const void *p, size_t n), void *arg)
{
	struct pieces o;

	o.put = put;
	o.arg = arg;
	o.n = 0;
	while (body.n) {
		size_t n = line_length(body);
		struct span line = without_line_end(span_take(body, n));

		if (m->mbox && is_quoted_from(line))
			line = span_skip(line, 1);
		pieces_add(&o, line);
		pieces_add(&o, span_cstr("\r\n"));
		body = span_skip(body, n);
	}
	if (o.n)
		put(arg, o.block, o.n);
}

bool mail_is_from_line(struct span line)
{
	struct span name;

	return span_starts(line, "From ") && field_name(line, &name) == 0;
}

void mail_set_text(struct mail *m)
{
	struct span s = m->raw, last;

	if (m->mbox && s.n && s.p[s.n - 1] == '\n') {
		last = without_line_end(s);
		if (last.n && last.p[last.n - 1] == '\n')
			s = last;
	}
	while (mail_is_from_line(s) || is_quoted_from(s))
		s = span_skip(s, line_length(s));
	m->text = s;
}

/* --- writing ----------------------------------------------------------------- */

static int put(FILE *out, struct span s)
{
	return s.n == 0 || fwrite(s.p, 1, s.n, out) == s.n ? 0 : -1;
}

static int put_inserted(FILE *out, const struct edit *ed, const char *eol)
{
	struct span rest = ed->value;

	if (put(out, ed->name) || put(out, span_cstr(": ")))
		return -1;
	do {
		struct span line = span_cut(&rest, '\n');

		if (put(out, line) || put(out, span_cstr(eol)))
			return -1;
	} while (rest.n);
	return 0;
}

/* The one that shall stand on top is the last in the list. */
static int put_insertions(FILE *out, const struct verdict *v, const char *eol)
{
	for (size_t i = v->nedit; i-- > 0;)
		if (v->edit[i].kind == EDIT_INSERT && put_inserted(out, &v->edit[i], eol))
			return -1;
	return 0;
}

/*
 * What is to go, by name.  The edits of one name have the highest number first,
 * so that one walk over the fields meets them from the last to the first: a
 * header full of forged fields costs no more than its length.
 */
struct deletions {
	const struct verdict *v;
	struct deletion {
		struct span name;
		size_t next;   /* the edit that is met next, plus one; 0: no more */
		unsigned seen; /* fields of that name */
	} of[DELETED_NAMES_MAX];
	size_t n;
};

static struct deletion *deletion_of(struct deletions *d, struct span name)
{
	for (size_t i = 0; i < d->n; i++)
		if (span_caseeq(d->of[i].name, name))
			return &d->of[i];
	return NULL;
}

static int deletions_init(struct deletions *d, const struct verdict *v)
{
	*d = (struct deletions){.v = v};
	for (size_t i = 0; i < v->nedit; i++) {
		struct deletion *one = deletion_of(d, v->edit[i].name);

		if (v->edit[i].kind != EDIT_DELETE)
			continue;
		if (!one && d->n == DELETED_NAMES_MAX)
			return -1;
		if (!one) {
			one = &d->of[d->n++];
			one->name = v->edit[i].name;
		}
		one->next = i + 1;
	}
	return 0;
}

static bool is_deleted(struct deletions *d, struct span name)
{
	struct deletion *one = deletion_of(d, name);
	const struct edit *ed = d->v->edit;

	if (!one)
		return false;
	one->seen++;
	if (one->next == 0 || ed[one->next - 1].nth != one->seen)
		return false;
	do {
		one->next--;
	} while (one->next && (ed[one->next - 1].kind != EDIT_DELETE || !span_caseeq(ed[one->next - 1].name, name)));
	return true;
}

int mail_write(const struct mail *m, const struct verdict *v, FILE *out, struct err *e)
{
	struct span first = span_take(m->text, line_length(m->text));
	const char *eol = first.n > 1 && first.p[first.n - 2] == '\r' ? "\r\n" : "\n";
	size_t before = m->raw.n ? (size_t)(m->text.p - m->raw.p) : 0;
	struct span rest = m->text;
	struct deletions d;
	struct mail_field f;
	int bad;

	if (deletions_init(&d, v))
		return err_set(e, ERR_BUG, "edits of more than %d names", DELETED_NAMES_MAX);
	bad = put(out, span_take(m->raw, before)) || put_insertions(out, v, eol);
	while (!bad && mail_field_next(&rest, &f))
		bad = !is_deleted(&d, f.name) && put(out, f.raw);
	if (bad || put(out, span_skip(m->raw, m->raw.n ? (size_t)(rest.p - m->raw.p) : 0)))
		return err_set(e, ERR_OS, "can't write: %s", strerror(errno));
	return 0;
}
