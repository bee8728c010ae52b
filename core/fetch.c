/*
 * Calls the fetcher behind the interface; the fetchers are in engine/.
 */
#include "config.h"

#include "core/fetch.h"

int fetch_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct err *e)
{
	return f->ops->get(f, url, deadline_ms, out, e);
}

void fetch_close(struct fetch *f)
{
	if (f)
		f->ops->close(f);
}
