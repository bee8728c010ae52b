/* A fetcher that answers from a table; see fake_fetch.h. */
#include "config.h"

#include "tests/lib/fake_fetch.h"

static int get(struct fetch *base, struct span url, unsigned deadline_ms, struct buf *out, struct err *e)
{
	struct fake_fetch *f = (struct fake_fetch *)base;

	(void)deadline_ms;
	f->calls++;
	for (size_t i = 0; i < f->n; i++)
		if (span_is(url, f->page[i].url))
			return buf_put_span(out, f->page[i].body) ? err_set(e, ERR_DATA, "larger than allowed") : 1;
	err_set(e, ERR_NOINPUT, "no such page");
	return 0;
}

static void stop(struct fetch *base)
{
	(void)base;
}

static const struct fetch_ops ops = {get, stop};

void fake_fetch_init(struct fake_fetch *f)
{
	memset(f, 0, sizeof *f);
	f->fetch.ops = &ops;
}

void fake_fetch_add(struct fake_fetch *f, const char *url, struct span body)
{
	if (f->n < FAKE_FETCH_MAX) {
		f->page[f->n].url = url;
		f->page[f->n++].body = body;
	}
}
