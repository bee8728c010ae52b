/* Any text as configuration: refused with a place, or what is printed reads the same. */
#include "config.h"

#include <stdlib.h>

#include "engine/settings.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct settings s, t;
	struct buf a, b;
	struct err e = {ERR_NONE, ""};

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	if (settings_init(&s, NULL) || settings_init(&t, NULL))
		abort();
	if (settings_parse(&s, "conf", span_make(data, size), &e) == 0) {
		settings_print(&a, &s);
		if (settings_parse(&t, "printed", buf_span(&a), &e) == 0)
			settings_print(&b, &t);
		if (!span_eq(buf_span(&a), buf_span(&b)) || (settings_check(&s, &e) && !e.text[0]))
			abort();
	} else if (strncmp(e.text, "conf:", 5) != 0)
		abort();
	buf_free(&a), buf_free(&b), settings_free(&s), settings_free(&t);
	return 0;
}
