/*
 * For tests of the certificate cache: a small PKI, a fetcher that answers what it
 * is told to, when it is let, and a clock that is set.
 */
#ifndef STIR_TESTS_LIB_CERT_SOURCE_H
#define STIR_TESTS_LIB_CERT_SOURCE_H

#include <pthread.h>

#include "core/certcache.h"
#include "ctl/pki.h"

enum { CERT_SOURCE_T0 = 1700000000, CERT_SOURCE_DAY = 86400 };

/* What get() says until it is told otherwise. */
struct cert_source_says {
	int rc; /* 1, 0, -1 */
	enum fetch_cause cause;
	int64_t lifetime_s;
	struct span content;
};

struct cert_source {
	struct fetch fetch; /* first; for params */
	struct pki pki, other;
	struct trustset *trust; /* anchors of pki only */
	struct buf good, again, foreign; /* chains, valid for 100 days from T0; foreign is of other */

	pthread_mutex_t lock; /* holds all below */
	pthread_cond_t changed;
	struct cert_source_says says;
	struct span list; /* what stands at a URL that ends in "/list", if it isn't empty */
	bool held;    /* get() does not return */
	bool denied;  /* may() says no */
	int calls;    /* of get() */
	int inside;   /* get() that are held */
	char last_url[128];
};

/* They bail out of the test when anything fails. */
void cert_source_open(struct cert_source *s, bool at_hand);
void cert_source_close(struct cert_source *s);
/* A chain of pki, or of other; its number list is in it, or at list_url. */
void cert_source_chain(const struct pki *p, int64_t not_before, int64_t not_after, const char *list_url, struct buf *out);
/* The number list itself, as it stands at list_url. */
void cert_source_list(struct buf *out);
/* Parameters for a cache: 1 day, 60 s, clock; to be changed. pool may be NULL. */
struct certcache_params cert_source_params(struct cert_source *s, struct pool *pool);
struct certcache *cert_source_cache(const struct certcache_params *p);

void cert_source_say(struct cert_source *s, int rc, enum fetch_cause cause, int64_t lifetime_s, struct span content);
void cert_source_hold(struct cert_source *s);
void cert_source_let_go(struct cert_source *s);
int cert_source_calls(struct cert_source *s);
/* Until so many get() are held. */
void cert_source_wait_inside(struct cert_source *s, int n);

/* The clock: params.clock, and what cert_source_time() gives with the true monotonic one. */
void cert_source_set_now(int64_t now);
struct certcache_time cert_source_time(void);
/* Until no flight is left. */
void cert_source_calm(struct certcache *c);
struct certcache_stats cert_source_stats(struct certcache *c);

#endif
