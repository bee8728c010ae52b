/*
 * A fetcher that answers from a table, late or not at all.
 */
#ifndef STIR_TESTS_LIB_FAKE_FETCH_H
#define STIR_TESTS_LIB_FAKE_FETCH_H

#include "core/fetch.h"

enum { FAKE_FETCH_MAX = 16 };

struct fake_fetch {
	struct fetch fetch;
	struct fake_page {
		const char *url;
		struct span body;
	} page[FAKE_FETCH_MAX];
	size_t n;
	unsigned calls;
};

/* url and body are borrowed. */
void fake_fetch_init(struct fake_fetch *f);
void fake_fetch_add(struct fake_fetch *f, const char *url, struct span body);

#endif
