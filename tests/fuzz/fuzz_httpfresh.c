/* Header fields of an answer: its lifetime is within bounds, and no field makes it longer. */
#include "config.h"

#include "core/httpfresh.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const int64_t now = 1795780800;
	struct span rest = span_make(data, size);
	struct httpfresh h;
	int64_t life, before = -1;

	httpfresh_init(&h, now - (int64_t)(size % 7));
	while (rest.n) {
		struct span value = span_cut(&rest, '\n'), name = span_cut(&value, ':');

		httpfresh_field(&h, name, value);
		life = httpfresh_lifetime(&h, now);
		/* Only max-age can replace what Expires said, and Date what it is counted from. */
		if (life < -1 || life > HTTPFRESH_MAX || (before == 0 && (h.no_store || h.no_cache || h.stale) && life != 0) || (before >= 0 && life < 0))
			abort();
		if (before >= 0 && life > before && !span_caseis(name, "cache-control") && !span_caseis(name, "date"))
			abort();
		before = life;
	}
	return 0;
}
