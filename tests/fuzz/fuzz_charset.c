/* Header values for GMime: it must never be asked for a charset that is not in our list, for it would remember it for ever. */
#include "config.h"

#include "core/charset.h"

#include <gmime/gmime.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stands in for the library's own, which keeps each name. */
const char *g_mime_charset_iconv_name(const char *charset)
{
	struct span name = span_cstr(charset);

	if (name.n && (!charset_iconv_name(name) || span_trim(name).n != name.n))
		abort();
	return name.n ? charset_iconv_name(name) : "UTF-8";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_make(data, size), rest = value, name = span_cut(&rest, '\n');
	char *text = g_strndup((const char *)data, size);
	struct buf out;

	g_mime_init();
	g_strdelimit(text, "\r\n", ' ');
	if (charset_parameters_known(span_cstr(text))) {
		g_object_unref(g_mime_content_disposition_parse(NULL, text));
		g_object_unref(g_mime_content_type_parse(NULL, text));
	}
	buf_init(&out, 4 * CHARSET_VALUE_MAX);
	if (charset_header_text(&out, value) == 0 && out.n && !g_utf8_validate(out.p, (gssize)out.n, NULL))
		abort();
	buf_reset(&out);
	/* The first line as a charset's name, and what does not fit. */
	if (charset_to_utf8(&out, name, rest) == 0 ? out.failed : out.n > out.max)
		abort();
	if (out.n && !g_utf8_validate(out.p, (gssize)out.n, NULL))
		abort();
	buf_free(&out);
	g_free(text);
	return 0;
}
