/* A body, its Content-Type in the first line and its encoding in the second: what is found is within bounds, and text is UTF-8. */
#include "config.h"

#include "core/mimefacts.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/address.h"
#include "core/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_make(data, size), type = span_cut(&body, '\n'), encoding = span_cut(&body, '\n');
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct mimefacts m;
	uint64_t sum = 0;

	address_init();
	if (!a || mimefacts_read(type, encoding, body, true, a, &m))
		abort();
	if (m.count > LIMIT_MIME_PARTS || m.ntype != m.count || m.depth > LIMIT_MIME_DEPTH || m.nurl > MIMEFACTS_URLS_MAX || m.largest > 2 * size + 2)
		abort();
	for (size_t i = 0; i < m.ntext; i++)
		if (sum += m.text[i].n, m.text[i].n && !g_utf8_validate(m.text[i].p, (gssize)m.text[i].n, NULL))
			abort();
	for (size_t i = 0; i < m.nurl; i++)
		if (!m.url[i].n || m.url[i].n > MIMEFACTS_URL_BYTES || !m.host[i].n || m.host[i].n > 255)
			abort();
	if (sum != m.text_size || sum > MIMEFACTS_TEXT_MAX || (!m.structure && (m.count || !m.incomplete)))
		abort();
	arena_free(a);
	return 0;
}
