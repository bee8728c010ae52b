/*
 * A fetcher that answers from a table: at once, late, badly or not at all, and
 * counts how often it was asked.  The table may change while threads ask.
 */
#ifndef STIR_TESTS_LIB_FAKE_FETCH_H
#define STIR_TESTS_LIB_FAKE_FETCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/fetch.h"

enum { FAKE_FETCH_MAX = 64 };

struct fake_page {
	const char *url;
	struct span body;
	enum fetch_cause cause; /* FETCH_NONE: the body; FETCH_NOT_FOUND: not there; others: could not be had */
	unsigned delay_ms;      /* more than the deadline is FETCH_TIMEOUT when that is over */
	int64_t lifetime_s;     /* of an answer */
	bool held;              /* does not answer until fake_fetch_release() */
	atomic_uint calls;
};

struct fake_fetch {
	struct fetch fetch; /* at_hand; clear that to have it asked from a pool */
	struct fake_page page[FAKE_FETCH_MAX];
	size_t n;
	const char *denied; /* fetch_may() says no to what begins so; or NULL */
	atomic_uint calls;  /* all, also for what is not in the table */
	atomic_uint busy;   /* under way */
	atomic_uint closed;
	pthread_mutex_t lock;
	pthread_cond_t released;
};

/* url and body are borrowed in all of these. */
void fake_fetch_init(struct fake_fetch *f);
/* A page that is had at once, with nothing said about its lifetime. */
void fake_fetch_add(struct fake_fetch *f, const char *url, struct span body);
/* Adds a page, or replaces the one with this url (its calls go on). lifetime_s is 0 unless told. */
void fake_fetch_put(struct fake_fetch *f, struct fake_page page);
/* The page answers from now on; those who wait for it too. */
void fake_fetch_release(struct fake_fetch *f, const char *url);
unsigned fake_fetch_calls(struct fake_fetch *f);
unsigned fake_fetch_calls_of(struct fake_fetch *f, const char *url);

#endif
