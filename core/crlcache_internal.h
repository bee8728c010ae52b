/*
 * What the files of core/crlcache*.c share; nobody else includes this.
 *
 * One mutex, held for pointer work only: never while fetching, reading or verifying
 * a list, in the store, or freeing one.
 */
#ifndef STIR_CORE_CRLCACHE_INTERNAL_H
#define STIR_CORE_CRLCACHE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/crlcache.h"
#include "core/limits.h"
#include "core/siphash.h"

/* One address.  While busy it stays where it is, and only the thread that made it so changes list and looked. */
struct crlcache_entry {
	struct crl *list; /* verified; or NULL */
	bool wanted;      /* a domain names it */
	bool queued;      /* a job for it waits in the pool; it stays meanwhile, too */
	bool busy;        /* a thread is about it */
	bool looked;      /* the store was looked into */
	bool refused;     /* there was something the last time, but no list that verifies */
	unsigned failures; /* in a row */
	int64_t next;     /* when to ask for it */
	int64_t used;     /* when somebody asked last */
	size_t url_n;
	char url[];       /* at most LIMIT_X5U_BYTES */
};

struct crlcache {
	atomic_uint refs;
	struct crlcache_params p;
	unsigned char seed[SIPHASH_KEY_BYTES];

	pthread_mutex_t lock;  /* holds all below */
	pthread_cond_t calm;   /* some entry is not busy any more */
	struct crlcache_entry **entry; /* in the order of their addresses */
	size_t n;
	X509 *signer[LIMIT_CRL_SIGNERS]; /* those that stay first, then the one that was seen last */
	size_t n_signers, n_staying;
	size_t memory; /* of all lists */
	unsigned long attempts; /* for the jitter */
	struct crlcache_stats stats;
};

/* With the lock: the entry, or NULL and *at, where it would be. */
struct crlcache_entry *crlcache_find(const struct crlcache *c, struct span url, size_t *at);
/* With the lock: the entry, made if need be; NULL when there is no room, no memory, or it may not be asked. */
struct crlcache_entry *crlcache_ensure(struct crlcache *c, struct span url, int64_t now);
/* With the lock: the list of e becomes l (a reference is taken over); gives the one before. */
struct crl *crlcache_swap(struct crlcache *c, struct crlcache_entry *e, struct crl *l) MUST_USE;
/* With the lock: is it time to ask for it?  A clock that was set back must not stop it. */
bool crlcache_is_due(const struct crlcache_entry *e, int64_t now);
/*
 * If it is due: have the list at url, from the store or (deadline_ms not 0) from its
 * address.  If another thread is about it, waits for that, at most deadline_ms.
 */
void crlcache_refresh(struct crlcache *c, struct span url, int64_t now, unsigned deadline_ms);

#endif
