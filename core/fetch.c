/*
 * Calls the fetcher behind the interface, and holds the table of causes; the
 * fetchers are in engine/.
 */
#include "config.h"

#include "core/fetch.h"

#include <assert.h>

static const struct cause {
	const char *name, *sentence;
	bool remembered;
} causes[FETCH_CAUSE_COUNT] = {
#define FETCH_CAUSE(id, name, remembered, sentence) [FETCH_##id] = {name, sentence, remembered},
#include "core/fetch_cause.def"
#undef FETCH_CAUSE
};

const char *fetch_cause_name(enum fetch_cause c)
{
	return (size_t)c < FETCH_CAUSE_COUNT ? causes[c].name : "unknown";
}

const char *fetch_cause_sentence(enum fetch_cause c)
{
	return (size_t)c < FETCH_CAUSE_COUNT ? causes[c].sentence : "for a reason unknown";
}

bool fetch_cause_remembered(enum fetch_cause c)
{
	return (size_t)c < FETCH_CAUSE_COUNT && causes[c].remembered;
}

int fetch_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	int rc;

	a->cause = FETCH_NONE;
	a->lifetime_s = -1;
	buf_reset(out);
	rc = f->ops->get(f, url, deadline_ms, out, a, e);
	assert((rc == 1) == (a->cause == FETCH_NONE));
	if (rc != 1)
		buf_reset(out);
	return rc;
}

bool fetch_may(struct fetch *f, struct span url)
{
	return !f->ops->may || f->ops->may(f, url);
}

void fetch_close(struct fetch *f)
{
	if (f)
		f->ops->close(f);
}
