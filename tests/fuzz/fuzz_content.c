/* First line: an octet of choices and the top Content-Type; then the body, fed in two ways that must agree. */
#include "config.h"

#include "core/content.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encoding[] = {"7bit", "base64", "quoted-printable", "x"};
	struct span body = span_make(data, size), line = span_cut(&body, '\n'), rest;
	unsigned choices = line.n ? (unsigned char)line.p[0] : 0;
	struct content_top top = {span_skip(line, 1), span_cstr(encoding[choices & 3]), line.n > 1, true, !(choices & 0x80), choices & 0x40, false};
	size_t step[2] = {size + 1, 1 + (choices >> 2 & 15)};
	struct content_result r[2];
	struct content *c[2];

	msgi_init();
	for (int i = 0; i < 2; i++) {
		if (!(c[i] = content_begin(&top)))
			abort();
		for (rest = body; rest.n; rest = span_skip(rest, step[i]))
			content_feed(c[i], rest.p, rest.n < step[i] ? rest.n : step[i]);
		content_end(c[i], &r[i]);
	}
	if (memcmp(&r[0], &r[1], sizeof r[0]) != 0 || !span_eq(content_canonical(c[0]), content_canonical(c[1])))
		abort();
	content_free(c[0]);
	content_free(c[1]);
	return 0;
}
