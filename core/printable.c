/*
 * Escaping for people's eyes; see printable.h.  It knows no syntax: the caller
 * says which characters would be mistaken for its own punctuation.
 */
#include "config.h"

#include "core/printable.h"

void printable_put(struct buf *out, struct span s, const char *special)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c > 0x7e || c == '\\' || strchr(special, c))
			buf_printf(out, "\\x%02x", (unsigned)c);
		else
			buf_putc(out, (char)c);
	}
}
