/*
 * x5u to a validated chain: a hash table whose entries also stand in a list,
 * the least recently used last.  One mutex, held for pointer work only; two
 * messages that miss the same URL at once both fetch it.  Failures are not
 * remembered.
 */
#include "config.h"

#include "core/certcache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"

enum { DIGEST_BYTES = 32 }; /* SHA-256 of the octets served */

struct entry {
	struct entry *next;           /* in the same bucket */
	struct entry *newer, *older;  /* in order of use */
	uint64_t hash;
	struct cert_chain *chain;
	unsigned char digest[DIGEST_BYTES];
	int64_t until_ms;
	size_t url_n;
	char url[]; /* at most LIMIT_X5U_BYTES */
};

struct certcache {
	struct fetch *fetch;
	const struct trust *trust;
	int64_t ttl_ms;
	size_t max_entries;
	size_t n_buckets; /* a power of two */

	pthread_mutex_t lock; /* holds all below */
	struct entry **buckets;
	struct entry *newest, *oldest;
	struct certcache_stats stats;
};

/* --- table and list; the lock is held --------------------------------------- */

/* FNV-1a.  A URL enters only with a valid chain behind it, and the whole hash is
 * compared before the URL, so a made-up collision costs a pointer step. */
static uint64_t hash_url(struct span url)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < url.n; i++)
		h = (h ^ (unsigned char)url.p[i]) * 1099511628211u;
	return h;
}

static struct entry **bucket_of(struct certcache *c, uint64_t hash)
{
	return &c->buckets[(hash ^ hash >> 32) & (c->n_buckets - 1)];
}

static struct entry *find(struct certcache *c, struct span url, uint64_t hash)
{
	struct entry *e = *bucket_of(c, hash);

	while (e && (e->hash != hash || !span_eq(span_make(e->url, e->url_n), url)))
		e = e->next;
	return e;
}

static void unlink_use(struct certcache *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct certcache *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void touch(struct certcache *c, struct entry *e)
{
	if (c->newest == e)
		return;
	unlink_use(c, e);
	link_newest(c, e);
}

/* Takes the entry out; the caller frees it after the lock. */
static struct entry *take_oldest(struct certcache *c)
{
	struct entry *e = c->oldest, **at = bucket_of(c, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	unlink_use(c, e);
	c->stats.entries--;
	c->stats.evictions++;
	return e;
}

static void insert(struct certcache *c, struct entry *e)
{
	struct entry **at = bucket_of(c, e->hash);

	e->next = *at;
	*at = e;
	link_newest(c, e);
	c->stats.entries++;
}

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	cert_chain_unref(e->chain);
	free(e);
}

/* --- life --------------------------------------------------------------------- */

struct certcache *certcache_new(struct fetch *fetch, const struct trust *trust, size_t max_entries, unsigned ttl_s)
{
	struct certcache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->fetch = fetch;
	c->trust = trust;
	c->ttl_ms = (int64_t)ttl_s * 1000;
	c->max_entries = max_entries > LIMIT_CERTCACHE_ENTRIES ? LIMIT_CERTCACHE_ENTRIES : max_entries;
	if (c->max_entries == 0)
		c->max_entries = 1;
	for (c->n_buckets = 1; c->n_buckets < c->max_entries;)
		c->n_buckets *= 2;
	c->buckets = calloc(c->n_buckets, sizeof(struct entry *));
	if (!c->buckets || pthread_mutex_init(&c->lock, NULL)) {
		free(c->buckets);
		free(c);
		return NULL;
	}
	return c;
}

void certcache_free(struct certcache *c)
{
	if (!c)
		return;
	while (c->newest) {
		struct entry *e = c->newest;

		c->newest = e->older;
		entry_free(e);
	}
	pthread_mutex_destroy(&c->lock);
	free(c->buckets);
	free(c);
}

void certcache_stats(struct certcache *c, struct certcache_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	pthread_mutex_unlock(&c->lock);
}

/* --- asking -------------------------------------------------------------------- */

/* What is known of a URL before it is fetched. */
struct known {
	struct cert_chain *chain; /* a reference, or NULL */
	unsigned char digest[DIGEST_BYTES];
	bool current;
};

static void look_up(struct certcache *c, struct span url, uint64_t hash, int64_t now_ms, struct known *out)
{
	struct entry *e;

	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&c->lock);
	e = find(c, url, hash);
	if (e) {
		out->chain = cert_chain_ref(e->chain);
		memcpy(out->digest, e->digest, sizeof out->digest);
		out->current = now_ms < e->until_ms;
		touch(c, e);
	}
	if (out->current)
		c->stats.hits++;
	else
		c->stats.misses++;
	pthread_mutex_unlock(&c->lock);
}

static struct entry *entry_new(struct span url, uint64_t hash, struct cert_chain *chain, const unsigned char *digest,
			       int64_t until_ms)
{
	struct entry *e = calloc(1, sizeof *e + url.n);

	if (!e)
		return NULL;
	e->hash = hash;
	e->chain = cert_chain_ref(chain);
	memcpy(e->digest, digest, sizeof e->digest);
	e->until_ms = until_ms;
	e->url_n = url.n;
	memcpy(e->url, url.p, url.n);
	return e;
}

/* Another thread may have put the same URL meanwhile: the later fetch wins. */
static void put(struct certcache *c, struct entry *e)
{
	struct entry *there, *out = NULL;

	pthread_mutex_lock(&c->lock);
	there = find(c, span_make(e->url, e->url_n), e->hash);
	if (there) {
		struct cert_chain *old = there->chain;

		there->chain = e->chain;
		e->chain = old;
		memcpy(there->digest, e->digest, sizeof there->digest);
		there->until_ms = e->until_ms;
		touch(c, there);
		out = e;
	} else {
		if (c->stats.entries >= c->max_entries)
			out = take_oldest(c);
		insert(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	entry_free(out);
}

static enum stir_reason unreachable(int got, struct err *why)
{
	if (got == 0)
		(void)err_set(why, ERR_UNAVAILABLE, "there is nothing at its address");
	return STIR_CERT_UNREACHABLE;
}

/* The chain in the octets served: the one known already if they are the same. */
static enum stir_reason judge(struct certcache *c, struct span pem, const struct known *known, unsigned char *digest,
			      struct cert_chain **out, struct err *why)
{
	enum stir_reason r;

	if (!EVP_Digest(pem.p, pem.n, digest, NULL, EVP_sha256(), NULL)) {
		(void)err_set(why, ERR_UNAVAILABLE, "SHA-256 failed");
		return STIR_NO_RESOURCE;
	}
	if (known->chain && memcmp(digest, known->digest, DIGEST_BYTES) == 0) {
		*out = cert_chain_ref(known->chain);
		return STIR_OK;
	}
	r = cert_chain_parse(pem, out, why);
	if (r == STIR_OK)
		r = trust_check(c->trust, *out, why);
	if (r != STIR_OK) {
		cert_chain_unref(*out);
		*out = NULL;
	}
	return r;
}

static enum stir_reason get_new(struct certcache *c, struct span url, int64_t now_ms, unsigned deadline_ms,
				const struct known *known, struct cert_chain **out, struct err *why)
{
	unsigned char digest[DIGEST_BYTES];
	enum stir_reason r;
	struct entry *e;
	struct buf pem;
	int got;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	got = fetch_get(c->fetch, url, deadline_ms, &pem, why);
	r = got == 1 ? judge(c, buf_span(&pem), known, digest, out, why) : unreachable(got, why);
	buf_free(&pem);
	if (r != STIR_OK)
		return r;
	/* Without memory for an entry the chain is good all the same. */
	e = entry_new(url, hash_url(url), *out, digest, now_ms + c->ttl_ms);
	if (e)
		put(c, e);
	return STIR_OK;
}

enum stir_reason certcache_get(struct certcache *c, struct span url, int64_t now_ms, unsigned deadline_ms,
			       struct cert_chain **out, struct err *why)
{
	struct known known;
	enum stir_reason r;

	*out = NULL;
	if (url.n > LIMIT_X5U_BYTES) {
		(void)err_set(why, ERR_DATA, "its address is too long");
		return STIR_CERT_UNREACHABLE;
	}
	look_up(c, url, hash_url(url), now_ms, &known);
	if (known.current) {
		*out = known.chain;
		return STIR_OK;
	}
	r = get_new(c, url, now_ms, deadline_ms, &known, out, why);
	cert_chain_unref(known.chain);
	if (r != STIR_OK) {
		pthread_mutex_lock(&c->lock);
		c->stats.failures++;
		pthread_mutex_unlock(&c->lock);
	}
	return r;
}
