/*
 * A failure of the first is an answer: a file that is there and can't be read is
 * not looked for in the network, where something else may stand.
 */
#include "config.h"

#include "engine/fetch_either.h"

#include <stdlib.h>

#include "engine/clock.h"

struct fetch_either {
	struct fetch fetch;
	struct fetch *first, *second;
};

static int either_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fetch_either *x = (struct fetch_either *)f;
	int64_t begun = clock_monotonic_ms(), used;
	bool asked = fetch_may(x->first, url);
	int rc = asked ? fetch_get(x->first, url, deadline_ms, out, a, e) : 0;

	if (rc != 0)
		return rc;
	/* The second says itself why it may not; 0 is only for what isn't anywhere. */
	used = clock_monotonic_ms() - begun;
	return fetch_get(x->second, url, used < (int64_t)deadline_ms ? deadline_ms - (unsigned)used : 0, out, a, e);
}

static bool either_may(struct fetch *f, struct span url)
{
	struct fetch_either *x = (struct fetch_either *)f;

	return fetch_may(x->first, url) || fetch_may(x->second, url);
}

static void either_close(struct fetch *f)
{
	struct fetch_either *x = (struct fetch_either *)f;

	fetch_close(x->first);
	fetch_close(x->second);
	free(x);
}

static const struct fetch_ops either_ops = {either_get, either_may, either_close};

int fetch_either_open(struct fetch *first, struct fetch *second, struct fetch **out, struct err *e)
{
	struct fetch_either *x = calloc(1, sizeof *x);

	*out = NULL;
	if (!x) {
		fetch_close(first);
		fetch_close(second);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	x->fetch = (struct fetch){&either_ops, first->at_hand && second->at_hand};
	x->first = first;
	x->second = second;
	*out = &x->fetch;
	return 0;
}
