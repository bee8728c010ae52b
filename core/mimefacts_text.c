/*
 * HTML to what a reader sees of it, roughly: one pass, no tree.
 *
 * Where markup has no end, the rest is gone, as it is in a browser.
 */
#include "config.h"

#include "core/mimefacts_internal.h"

#include <glib.h>

struct html {
	struct span s;
	size_t i;
	struct buf *text;
	struct mimefacts *out;
	struct arena *arena;
};

static bool is_blank(char c)
{
	return span_is_blank(c) || c == '\f';
}

/* --- entities ------------------------------------------------------------------- */

static const struct {
	const char *name;
	gunichar c;
} entities[] = {
	{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}, {"shy", 0xAD}, {"copy", 0xA9}, {"reg", 0xAE},
	{"trade", 0x2122}, {"euro", 0x20AC}, {"pound", 0xA3}, {"yen", 0xA5}, {"cent", 0xA2}, {"sect", 0xA7}, {"deg", 0xB0}, {"middot", 0xB7},
	{"bull", 0x2022}, {"hellip", 0x2026}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C},
	{"rdquo", 0x201D}, {"laquo", 0xAB}, {"raquo", 0xBB}, {"times", 0xD7}, {"ensp", ' '}, {"emsp", ' '}, {"thinsp", ' '}, {"zwnj", 0x200C},
	{"zwj", 0x200D}, {"auml", 0xE4}, {"ouml", 0xF6}, {"uuml", 0xFC}, {"Auml", 0xC4}, {"Ouml", 0xD6}, {"Uuml", 0xDC}, {"szlig", 0xDF},
	{"agrave", 0xE0}, {"aacute", 0xE1}, {"acirc", 0xE2}, {"atilde", 0xE3}, {"aring", 0xE5}, {"ccedil", 0xE7}, {"egrave", 0xE8},
	{"eacute", 0xE9}, {"ecirc", 0xEA}, {"iacute", 0xED}, {"ntilde", 0xF1}, {"oacute", 0xF3}, {"ocirc", 0xF4}, {"otilde", 0xF5},
	{"oslash", 0xF8}, {"uacute", 0xFA}, {"iexcl", 0xA1}, {"iquest", 0xBF}, {"Eacute", 0xC9}, {"sol", '/'}, {"colon", ':'}, {"period", '.'},
	{"commat", '@'}, {"num", '#'}, {"quest", '?'}, {"equals", '='},
};

enum { ENTITY_NAME_MAX = 8 };

/* "&#60;", "&#x3C;"; how many octets, 0 if it is none. */
static size_t numeric_entity(struct span s, gunichar *c)
{
	unsigned base = s.n > 2 && (s.p[2] == 'x' || s.p[2] == 'X') ? 16 : 10;
	size_t i = base == 16 ? 3 : 2, first = i;
	gunichar v = 0;

	for (; i < s.n && (base == 16 ? g_ascii_isxdigit(s.p[i]) : g_ascii_isdigit(s.p[i])); i++)
		if (v <= 0x10FFFF)
			v = v * base + (gunichar)g_ascii_xdigit_value(s.p[i]);
	*c = v && g_unichar_validate(v) ? v : 0xFFFD;
	return i == first ? 0 : i + (i < s.n && s.p[i] == ';');
}

static size_t named_entity(struct span s, gunichar *c)
{
	size_t n = 0;

	s = span_skip(s, 1);
	while (n < s.n && n < ENTITY_NAME_MAX && g_ascii_isalnum(s.p[n]))
		n++;
	if (n == s.n || s.p[n] != ';')
		return 0;
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (span_is(span_take(s, n), entities[i].name)) {
			*c = entities[i].c;
			return n + 2;
		}
	return 0;
}

/* The octet or the entity at the beginning of s, decoded; how many octets it was. */
static size_t put_decoded(struct buf *out, struct span s)
{
	gunichar c = 0;
	char utf8[6];
	size_t n = 0;

	if (s.p[0] == '&' && s.n > 1)
		n = s.p[1] == '#' ? numeric_entity(s, &c) : named_entity(s, &c);
	if (n == 0) {
		buf_putc(out, s.p[0]);
		return 1;
	}
	buf_put(out, utf8, (size_t)g_unichar_to_utf8(c, utf8));
	return n;
}

/* --- tags ------------------------------------------------------------------------ */

static void skip_blanks(struct html *h)
{
	while (h->i < h->s.n && is_blank(h->s.p[h->i]))
		h->i++;
}

/* Up to an octet of stop, or a blank. */
static struct span take_until(struct html *h, const char *stop)
{
	size_t from = h->i;

	while (h->i < h->s.n && !is_blank(h->s.p[h->i]) && !(h->s.p[h->i] && strchr(stop, h->s.p[h->i])))
		h->i++;
	return span_make(h->s.p + from, h->i - from);
}

static struct span take_value(struct html *h)
{
	struct span rest, value;

	h->i++;
	skip_blanks(h);
	if (h->i == h->s.n || (h->s.p[h->i] != '"' && h->s.p[h->i] != '\''))
		return take_until(h, ">");
	rest = span_skip(h->s, h->i + 1);
	value = span_take(rest, span_find(rest, h->s.p[h->i]));
	h->i += value.n + 2;
	if (h->i > h->s.n)
		h->i = h->s.n;
	return value;
}

/* An address of the web is kept; other schemes, and what is relative, aren't. */
static void put_link(struct html *h, struct span value)
{
	struct buf url;
	struct span s;

	buf_init(&url, MIMEFACTS_URL_BYTES);
	value = span_trim(value);
	while (value.n && !url.failed) {
		/* Browsers take these out. */
		if (value.p[0] == '\r' || value.p[0] == '\n' || value.p[0] == '\t')
			value = span_skip(value, 1);
		else
			value = span_skip(value, put_decoded(&url, value));
	}
	s = span_trim(buf_span(&url));
	if (span_casestarts(s, "http://") || span_casestarts(s, "https://") || span_starts(s, "//")) {
		if (url.failed)
			h->out->incomplete = true;
		else
			mimefacts_url(s, h->out, h->arena);
	}
	buf_free(&url);
}

static bool is_block(struct span name)
{
	static const char *const block[] = {"br", "p", "div", "tr", "td", "th", "li", "ul", "ol", "table", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
		"title", "body", "head", "blockquote", "center", "pre", "dt", "dd", "option", "section", "article"};

	for (size_t i = 0; i < sizeof block / sizeof *block; i++)
		if (span_caseis(name, block[i]))
			return true;
	return false;
}

/* Behind a script or style: to its end tag, whatever is in it. */
static void skip_raw(struct html *h, struct span name)
{
	for (;;) {
		struct span rest = span_skip(h->s, h->i);
		const char *end = rest.n ? memmem(rest.p, rest.n, "</", 2) : NULL;
		struct span after;

		if (!end) {
			h->i = h->s.n;
			return;
		}
		h->i = (size_t)(end - h->s.p) + 2;
		after = span_skip(h->s, h->i);
		if (span_caseeq(span_take(after, name.n), name) && after.n > name.n && !g_ascii_isalnum(after.p[name.n])) {
			h->i -= 2;
			return;
		}
	}
}

/* h->i is behind "<" or "</", at a letter. */
static void skip_tag(struct html *h, bool closing)
{
	struct span name = take_until(h, "/>");

	while (h->i < h->s.n && h->s.p[h->i] != '>') {
		struct span attribute, value = {NULL, 0};
		size_t before = h->i;

		attribute = take_until(h, "/>=");
		skip_blanks(h);
		if (h->i < h->s.n && h->s.p[h->i] == '=')
			value = take_value(h);
		if (value.n && (span_caseis(attribute, "href") || span_caseis(attribute, "src")))
			put_link(h, value);
		if (h->i == before)
			h->i++; /* a slash */
	}
	if (h->i < h->s.n)
		h->i++;
	if (is_block(name))
		buf_putc(h->text, '\n');
	if (!closing && (span_caseis(name, "script") || span_caseis(name, "style")))
		skip_raw(h, name);
}

/* "<!--" to "-->" or "--!>"; "<!-->" is one, too. */
static void skip_comment(struct html *h)
{
	h->i += 2;
	for (;;) {
		struct span rest = span_skip(h->s, h->i);
		const char *end = rest.n ? memmem(rest.p, rest.n, "--", 2) : NULL;
		struct span after;

		if (!end) {
			h->i = h->s.n;
			return;
		}
		h->i = (size_t)(end - h->s.p) + 1;
		after = span_skip(h->s, h->i + 1);
		if (span_starts(after, ">") || span_starts(after, "!>")) {
			h->i += after.p[0] == '>' ? 2 : 3;
			return;
		}
	}
}

static void skip_markup(struct html *h)
{
	struct span s = span_skip(h->s, h->i);
	bool closing = s.n > 1 && s.p[1] == '/';
	char first = s.n > 1u + closing ? s.p[1 + closing] : '\0';

	if (span_starts(s, "<!--")) {
		skip_comment(h);
	} else if (g_ascii_isalpha(first)) {
		h->i += 1u + closing;
		skip_tag(h, closing);
	} else if (s.n > 1 && memchr("!?/", s.p[1], 3)) {
		h->i += span_find(s, '>') + 1;
	} else {
		buf_putc(h->text, '<');
		h->i++;
	}
}

void mimefacts_html(struct span html, struct buf *text, struct mimefacts *out, struct arena *a)
{
	struct html h = {.s = html, .text = text, .out = out, .arena = a};

	while (h.i < h.s.n) {
		if (h.s.p[h.i] == '<')
			skip_markup(&h);
		else
			h.i += put_decoded(text, span_skip(h.s, h.i));
	}
}
