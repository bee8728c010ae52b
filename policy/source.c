/*
 * Reports: "name:line:col: error: ...", the line and a caret.
 *
 * Knows how foreign octets are shown harmlessly and how much is said before it
 * is enough.  What is an error, and where, is the parser's and the checker's.
 */
#include "config.h"

#include "policy/source.h"

#include <assert.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	MESSAGE_MAX = 1024, /* octets of one message; a longer one ends in "..." */
	QUOTE_MAX = 160,    /* octets of the line that are shown ... */
	QUOTE_BEFORE = 80,  /* ... of these in front of the column */
	ENTRY_MAX = 16 * 1024,
	/* Warnings leave the other half to the errors that may follow. */
	WARNING_ROOM = SOURCE_REPORT_BYTES / 2,
	LAST_LINE = 80 /* room for MORE */
};

static const char MORE[] = "(there is more, which is not shown)\n";

void source_report_init(struct source_report *r)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->text, SOURCE_REPORT_BYTES);
}

void source_report_free(struct source_report *r)
{
	buf_free(&r->text);
	memset(r, 0, sizeof *r);
}

/* Octets of the character at the front that may be shown as it is, 0 when it may not; *width: columns it takes. */
static size_t visible(struct span s, int *width)
{
	gunichar c;

	*width = 1;
	if ((unsigned char)s.p[0] < 0x80)
		return s.p[0] >= ' ' && s.p[0] < 0x7F;
	c = g_utf8_get_char_validated(s.p, (gssize)s.n);
	if (c == (gunichar)-1 || c == (gunichar)-2 || !g_unichar_isprint(c))
		return 0;
	if (g_unichar_type(c) == G_UNICODE_LINE_SEPARATOR || g_unichar_type(c) == G_UNICODE_PARAGRAPH_SEPARATOR)
		return 0;
	*width = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	return (size_t)(g_utf8_next_char(s.p) - s.p);
}

/* What can't be seen becomes \xHH. */
static void put_clean(struct buf *out, struct span s)
{
	while (s.n) {
		int width;
		size_t n = visible(s, &width);

		if (n)
			buf_put(out, s.p, n);
		else
			buf_printf(out, "\\x%02X", (unsigned char)s.p[0]);
		s = span_skip(s, n ? n : 1);
	}
}

/* A piece of a line, and below the blanks that take as many columns. Tabs stay tabs in both. */
static void put_quote(struct buf *line, struct buf *below, struct span s)
{
	while (s.n) {
		int width;
		size_t n = visible(s, &width);

		if (s.p[0] == '\t') {
			buf_putc(line, '\t');
			buf_putc(below, '\t');
		} else if (n) {
			buf_put(line, s.p, n);
			buf_printf(below, "%*s", width, "");
		} else {
			buf_printf(line, "\\x%02X", (unsigned char)s.p[0]);
			buf_puts(below, "    ");
		}
		s = span_skip(s, n ? n : 1);
	}
}

static struct span line_of(struct source_pos at)
{
	struct span rest = at.src->text, line;

	for (uint32_t i = 1; i < at.line; i++)
		(void)span_cut(&rest, '\n');
	line = span_cut(&rest, '\n');
	while (line.n && span_is_blank(line.p[line.n - 1]))
		line.n--;
	return line;
}

/* i, or a little less, so that no character is cut. At most three, so octets that are no UTF-8 can't make the quote long. */
static size_t whole_character(struct span line, size_t i)
{
	for (int k = 0; k < 3 && i && i < line.n && ((unsigned char)line.p[i] & 0xC0) == 0x80; k++)
		i--;
	return i;
}

static void put_line_and_caret(struct buf *out, struct source_pos at)
{
	struct span line = line_of(at);
	size_t col = at.col ? at.col - 1 : 0, from = 0, to = line.n;
	struct buf below, rest;

	if (line.n == 0)
		return;
	if (col > line.n)
		col = line.n;
	if (line.n > QUOTE_MAX && col > QUOTE_BEFORE)
		from = whole_character(line, col - QUOTE_BEFORE);
	if (line.n - from > QUOTE_MAX)
		to = whole_character(line, from + QUOTE_MAX);
	buf_init(&below, ENTRY_MAX);
	buf_init(&rest, ENTRY_MAX);
	buf_puts(out, from ? "    ..." : "    ");
	buf_puts(&below, from ? "       " : "    ");
	put_quote(out, &below, span_make(line.p + from, col - from));
	put_quote(out, &rest, span_make(line.p + col, to - col));
	buf_puts(out, to < line.n ? "...\n" : "\n");
	buf_put_span(out, buf_span(&below));
	buf_puts(out, "^\n");
	buf_free(&below);
	buf_free(&rest);
}

static void put_place(struct buf *out, struct source_pos at)
{
	if (!at.src)
		return;
	put_clean(out, span_cstr(at.src->name));
	if (at.line)
		buf_printf(out, ":%u:%u", at.line, at.col);
	buf_puts(out, ": ");
}

static void remember_first(struct source_report *r, struct span line)
{
	static const char dots[] = "...";
	size_t n = line.n < sizeof r->first ? line.n : sizeof r->first - 1;

	memcpy(r->first, line.p, n);
	r->first[n] = '\0';
	if (n < line.n)
		memcpy(r->first + n - (sizeof dots - 1), dots, sizeof dots - 1);
}

static bool ends_in(struct span s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* Whole, or not at all and one line that says so. */
static void append(struct source_report *r, enum source_severity s, const struct buf *entry)
{
	size_t room = s == SOURCE_ERROR ? SOURCE_REPORT_BYTES - 2 * LAST_LINE : WARNING_ROOM;

	if (r->errors <= SOURCE_ERRORS_MAX && !entry->failed && r->text.n + entry->n <= room) {
		buf_put_span(&r->text, buf_span(entry));
		return;
	}
	if (!ends_in(buf_span(&r->text), MORE))
		buf_puts(&r->text, MORE);
}

static void put_message(struct buf *out, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void put_message(struct buf *out, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX];
	int n = vsnprintf(text, sizeof text, fmt, ap);

	put_clean(out, span_cstr(n < 0 ? fmt : text));
	if (n >= (int)sizeof text)
		buf_puts(out, "...");
}

int source_say(struct source_report *r, enum source_severity s, struct source_pos at, const char *fmt, ...)
{
	static const char *const severity[] = {"error: ", "warning: ", "note: "};
	struct buf entry;
	va_list ap;

	assert(r);
	r->errors += s == SOURCE_ERROR;
	r->warnings += s == SOURCE_WARNING;
	buf_init(&entry, ENTRY_MAX);
	put_place(&entry, at);
	buf_puts(&entry, severity[s]);
	va_start(ap, fmt);
	put_message(&entry, fmt, ap);
	va_end(ap);
	if (s == SOURCE_ERROR && r->errors == 1)
		remember_first(r, buf_span(&entry));
	buf_putc(&entry, '\n');
	if (at.src && at.line)
		put_line_and_caret(&entry, at);
	append(r, s, &entry);
	buf_free(&entry);
	return s == SOURCE_ERROR ? -1 : 0;
}

const char *source_relative(struct arena *a, const char *base, struct span name)
{
	const char *slash = strrchr(base, '/');

	if (!slash || (name.n && name.p[0] == '/'))
		return arena_cstr(a, name);
	/* With a NUL behind it. */
	return arena_printf(a, "%.*s/%.*s", (int)(slash - base), base, SPAN_ARG(name)).p;
}
