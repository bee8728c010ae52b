/*
 * What is common to all files of lines.
 *
 * Knows no setting and makes no error text; UTF-8 is GLib's business.
 */
#include "config.h"

#include "engine/settings_line.h"

#include <glib.h>

enum { SHOWN_BYTES = 60 };

bool settings_line_next(struct span *rest, struct span *line)
{
	if (rest->n == 0)
		return false;
	*line = span_cut(rest, '\n');
	return true;
}

static const char *control_fault(struct span text, const char *p)
{
	if (*p == '\0')
		return "a NUL octet; is this a text file?";
	if (*p == '\r' && p + 1 == text.p + text.n)
		return "the line ends with a carriage return, as DOS writes it; end lines with a line feed alone";
	return "a control character";
}

const char *settings_line_fault(struct span text, const char **at)
{
	const char *end = text.p + text.n, *good = text.p;

	if (text.n == 0)
		return NULL;
	/* Stops also at a NUL, which is looked at first below. */
	if (!g_utf8_validate_len(text.p, text.n, &good))
		end = good;
	for (const char *p = text.p; p < end; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		*at = p;
		if (c == 0xFEFF)
			return "a byte order mark; save the file without one";
		if (c != '\t' && g_unichar_iscntrl(c))
			return control_fault(text, p);
	}
	if (end == text.p + text.n)
		return NULL;
	*at = end;
	return *end ? "not UTF-8" : control_fault(text, end);
}

struct span settings_line_content(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || span_is_blank(line.p[i - 1])))
			line.n = i;
	return span_trim(line);
}

size_t settings_line_column(struct span line, const char *at)
{
	size_t column = 1;

	for (const char *p = line.p; p < at && p < line.p + line.n; p++)
		column += ((unsigned char)*p & 0xC0) != 0x80;
	return column;
}

struct span settings_line_short(struct span text)
{
	if (text.n <= SHOWN_BYTES)
		return text;
	text.n = SHOWN_BYTES;
	while (text.n && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
		text.n--;
	return text;
}
