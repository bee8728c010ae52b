/*
 * Octets of a declared charset to UTF-8, by iconv; header values by GMime.
 *
 * Knows names and what is safe to hand on, not where a text came from.
 */
#include "config.h"

#include "core/charset.h"

#include <errno.h>
#include <stdint.h>

#include <gmime/gmime.h>

/* The octets of U+FFFD. */
#define REPLACEMENT "\xEF\xBF\xBD"

static const struct {
	const char *name, *iconv;
} known[] = {
	{"utf-8", "UTF-8"}, {"utf8", "UTF-8"}, {"us-ascii", "UTF-8"}, {"ascii", "UTF-8"}, {"ansi_x3.4-1968", "UTF-8"},
	{"iso-8859-1", "ISO-8859-1"}, {"iso8859-1", "ISO-8859-1"}, {"latin1", "ISO-8859-1"},
	{"iso-8859-2", "ISO-8859-2"}, {"iso-8859-3", "ISO-8859-3"}, {"iso-8859-4", "ISO-8859-4"},
	{"iso-8859-5", "ISO-8859-5"}, {"iso-8859-6", "ISO-8859-6"}, {"iso-8859-7", "ISO-8859-7"},
	{"iso-8859-8", "ISO-8859-8"}, {"iso-8859-8-i", "ISO-8859-8"}, {"iso-8859-9", "ISO-8859-9"},
	{"iso-8859-10", "ISO-8859-10"}, {"iso-8859-11", "TIS-620"}, {"iso-8859-13", "ISO-8859-13"},
	{"iso-8859-14", "ISO-8859-14"}, {"iso-8859-15", "ISO-8859-15"}, {"iso-8859-16", "ISO-8859-16"},
	{"windows-1250", "CP1250"}, {"windows-1251", "CP1251"}, {"windows-1252", "CP1252"}, {"windows-1253", "CP1253"},
	{"windows-1254", "CP1254"}, {"windows-1255", "CP1255"}, {"windows-1256", "CP1256"}, {"windows-1257", "CP1257"},
	{"windows-1258", "CP1258"}, {"windows-874", "CP874"}, {"cp1250", "CP1250"}, {"cp1251", "CP1251"}, {"cp1252", "CP1252"},
	{"koi8-r", "KOI8-R"}, {"koi8-u", "KOI8-U"}, {"ibm866", "IBM866"}, {"cp866", "IBM866"}, {"macintosh", "MACINTOSH"},
	{"iso-2022-jp", "ISO-2022-JP"}, {"shift_jis", "CP932"}, {"shift-jis", "CP932"}, {"sjis", "CP932"}, {"x-sjis", "CP932"},
	{"windows-31j", "CP932"}, {"euc-jp", "EUC-JP"}, {"euc-kr", "CP949"}, {"ks_c_5601-1987", "CP949"}, {"cp949", "CP949"},
	{"iso-2022-kr", "ISO-2022-KR"}, {"gb2312", "GBK"}, {"gbk", "GBK"}, {"gb18030", "GB18030"}, {"big5", "BIG5"},
	{"big5-hkscs", "BIG5-HKSCS"}, {"tis-620", "TIS-620"}, {"viscii", "VISCII"}, {"utf-7", "UTF-7"},
	{"utf-16", "UTF-16BE"}, {"utf-16be", "UTF-16BE"}, {"utf-16le", "UTF-16LE"}, {"iso-10646-ucs-2", "UTF-16BE"},
};

static const char *find(struct span name)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (span_caseis(name, known[i].name))
			return known[i].iconv;
	return NULL;
}

const char *charset_iconv_name(struct span name)
{
	return find(span_trim(name));
}

/* --- bodies ------------------------------------------------------------------- */

/* As much as there is room for, cut between characters. */
static int put_text(struct buf *out, struct span s)
{
	size_t room = out->max > out->n ? out->max - out->n : 0;

	if (s.n <= room)
		return buf_put_span(out, s);
	while (room && ((unsigned char)s.p[room] & 0xC0) == 0x80)
		room--;
	(void)buf_put(out, s.p, room);
	return -1;
}

static int put_utf8(struct buf *out, struct span s)
{
	while (s.n) {
		const char *end;

		if (!g_utf8_validate(s.p, (gssize)s.n, &end)) {
			if (put_text(out, span_make(s.p, (size_t)(end - s.p))) || put_text(out, span_cstr(REPLACEMENT)))
				return -1;
			s = span_skip(s, (size_t)(end - s.p) + 1);
			continue;
		}
		return put_text(out, s);
	}
	return 0;
}

static int put_ascii(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool plain = s.p[i] != '\0' && (unsigned char)s.p[i] < 0x80;

		if (put_text(out, plain ? span_make(s.p + i, 1) : span_cstr(REPLACEMENT)))
			return -1;
	}
	return 0;
}

/*
 * One step of an open conversion; in NULL asks for what it holds back (some
 * charsets wait for an accent).  0, -1: out is full, 1: it stopped at an octet
 * that is none of the charset's, or at a character that never ends.
 */
static int step(struct buf *out, GIConv cd, char **in, size_t *left)
{
	char block[4096], *to = block;
	size_t room = sizeof block;
	size_t rc = g_iconv(cd, in, left, &to, &room);
	bool stopped = rc == (size_t)-1 && errno != E2BIG;

	/* UTF-8 by construction, but for NUL. */
	if (put_utf8(out, span_make(block, (size_t)(to - block))))
		return -1;
	return stopped;
}

static int convert(struct buf *out, GIConv cd, struct span s)
{
	char *in = (char *)(uintptr_t)s.p; /* iconv takes no const; it only reads */
	size_t left = s.n;

	while (left) {
		int rc = step(out, cd, &in, &left);

		if (rc == 0)
			continue;
		if (rc < 0 || step(out, cd, NULL, NULL) < 0 || put_text(out, span_cstr(REPLACEMENT)))
			return -1;
		in++;
		left--;
	}
	return step(out, cd, NULL, NULL) < 0 ? -1 : 0;
}

int charset_to_utf8(struct buf *out, struct span name, struct span text)
{
	const char *from = name.n ? charset_iconv_name(name) : "UTF-8";
	GIConv cd;
	int rc;

	if (!from)
		return put_ascii(out, text);
	if (strcmp(from, "UTF-8") == 0)
		return put_utf8(out, text);
	/* iconv's own UTF-16 would take the order of this machine where nothing is said. */
	if (strcmp(from, "UTF-16BE") == 0 && span_starts(text, "\xFF\xFE")) {
		from = "UTF-16LE";
		text = span_skip(text, 2);
	} else if (strcmp(from, "UTF-16BE") == 0 && span_starts(text, "\xFE\xFF")) {
		text = span_skip(text, 2);
	}
	cd = g_iconv_open("UTF-8", from);
	if (cd == (GIConv)-1) /* the C library was installed without its conversions */
		return put_ascii(out, text);
	rc = convert(out, cd, text);
	(void)g_iconv_close(cd);
	return rc;
}

/* --- header values -------------------------------------------------------------- */

/* Here a name must be exactly one of the list: GMime would remember it with its blanks. */

/* "=?charset*language?..." */
static bool words_known(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		struct span word;

		if (s.p[i] != '=' || s.p[i + 1] != '?')
			continue;
		word = span_skip(s, i + 2);
		if (span_find(word, '?') == word.n)
			return true; /* no later one is complete either */
		word = span_take(word, span_find(word, '?'));
		if (!find(span_take(word, span_find(word, '*'))))
			return false;
	}
	return true;
}

/* "name", "name*", "name*0" or "name*0*" off *s; *star if there is one. */
static bool take_name(struct span *s, bool *star)
{
	size_t i = 0;

	while (i < s->n && (g_ascii_isalnum(s->p[i]) || memchr("-_.", s->p[i], 3)))
		i++;
	*star = i < s->n && s->p[i] == '*';
	if (*star)
		for (i++; i < s->n && g_ascii_isdigit(s->p[i]);)
			i++;
	if (*star && i < s->n && s->p[i] == '*')
		i++;
	*s = span_skip(*s, i);
	return i > 0 && s->n && s->p[0] == '=';
}

/* A quoted string without its quotes, or what stands before a blank or ';'. */
static bool take_value(struct span *s, struct span *value)
{
	size_t i = 0;

	if (s->n && s->p[0] == '"') {
		*s = span_skip(*s, 1);
		while (i < s->n && s->p[i] != '"')
			i += s->p[i] == '\\' ? 2 : 1;
		if (i >= s->n)
			return false;
		*value = span_take(*s, i);
		*s = span_skip(*s, i + 1);
		return true;
	}
	while (i < s->n && s->p[i] != ';' && !span_is_blank(s->p[i])) {
		if (memchr("\"()\\", s->p[i], 4))
			return false;
		i++;
	}
	*value = span_take(*s, i);
	*s = span_skip(*s, i);
	return true;
}

/*
 * "name*=charset'language'...".  Only values of the plain form are taken, so
 * that GMime, which forgives much, can't see a parameter where this sees none.
 */
static bool extended_known(struct span s)
{
	struct span type = span_cut(&s, ';'), value;

	if (span_find(s, '*') == s.n || span_find(s, '\'') == s.n)
		return true;
	/* For GMime all of it is the type, for others a quote may hide the ';'. */
	if (span_find(type, '"') < type.n || span_find(type, '(') < type.n)
		return false;
	for (s = span_trim(s); s.n; s = span_trim(s)) {
		size_t end;
		bool star;

		if (!take_name(&s, &star))
			return false;
		s = span_skip(s, 1);
		if (!take_value(&s, &value))
			return false;
		end = span_find(value, '\'');
		if (star && end && end < value.n && !find(span_take(value, end)))
			return false;
		s = span_trim(s);
		if (s.n && s.p[0] != ';')
			return false;
		s = span_skip(s, 1);
	}
	return true;
}

/* A backslash, or the seam between two pieces of a parameter, within "=?" would hide an encoded word. */
static bool hides_words(struct span s)
{
	if (span_find(s, '?') == s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\\' || (s.p[i] == '*' && i + 1 < s.n && g_ascii_isdigit(s.p[i + 1])))
			return true;
	return false;
}

bool charset_parameters_known(struct span value)
{
	return words_known(value) && !hides_words(value) && extended_known(value);
}

/* One line, one space for a fold, no controls; a NUL at its end. */
static void unfold(struct span s, char *line)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n')
			continue;
		line[n++] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F ? ' ' : s.p[i];
	}
	line[n] = '\0';
}

static int put_printable(struct buf *out, struct span s)
{
	size_t from = out->n;
	int rc = put_utf8(out, s);

	for (size_t i = from; i < out->n; i++)
		if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7F)
			out->p[i] = ' ';
	return rc;
}

int charset_header_text(struct buf *out, struct span value)
{
	char line[CHARSET_VALUE_MAX + 1], *text;
	size_t from = out->n;
	int rc;

	if (value.n > CHARSET_VALUE_MAX)
		return -1;
	unfold(span_trim(value), line);
	/* Valid UTF-8 first: GMime would guess a charset, from the locale for one. */
	rc = put_printable(out, span_cstr(line));
	if (rc || !strstr(line, "=?") || !words_known(span_cstr(line)))
		return rc;
	text = g_mime_utils_header_decode_text(NULL, out->p + from);
	if (text) {
		out->n = from;
		rc = put_printable(out, span_cstr(text));
	}
	g_free(text);
	return rc;
}
