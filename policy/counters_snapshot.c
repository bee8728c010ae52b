/*
 * Counters to octets and back.
 *
 *   8    "STIRCNT1": magic and version
 *   16   the key of the hash
 *   n*41 entries, of each shard the least recently used first:
 *        16 hash, 1 what, 8 at, 8 level, 8 rest, or 4 good and 4 bad
 *   32   SHA-256 of all before it
 *
 * Numbers stand with the lowest octet first; good and bad are the octets of an
 * IEEE 754 binary32.
 */
#include "config.h"

#include "policy/counters.h"

#include <float.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "policy/counters_internal.h"

enum {
	MAGIC_BYTES = 8,
	HEAD_BYTES = MAGIC_BYTES + COUNTERS_SEED_BYTES,
	ENTRY_BYTES = COUNTERS_HASH_BYTES + 1 + 8 + 8 + 8,
	SUM_BYTES = 32
};

static const char magic[MAGIC_BYTES + 1] = "STIRCNT1";

static int checksum(const void *p, size_t n, unsigned char out[SUM_BYTES])
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

static unsigned char *put(unsigned char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> (8 * i));
	return p + n;
}

static const unsigned char *get(const unsigned char *p, uint64_t *v, size_t n)
{
	*v = 0;
	for (size_t i = 0; i < n; i++)
		*v |= (uint64_t)p[i] << (8 * i);
	return p + n;
}

static uint32_t bits_of(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	return u;
}

static float float_of(uint64_t bits)
{
	uint32_t u = (uint32_t)bits;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

/* --- saving */

static void put_entry(unsigned char *p, const struct counters_entry *e)
{
	p = put(p, e->key.half[0], 8);
	p = put(p, e->key.half[1], 8);
	p = put(p, e->what, 1);
	p = put(p, (uint64_t)e->at, 8);
	p = put(p, (uint64_t)e->level, 8);
	put(p, e->what == COUNTERS_OF_RATE ? e->rest : bits_of(e->good) | (uint64_t)bits_of(e->bad) << 32, 8);
}

/* The entries of a shard as they are now, the least recently used first. */
static uint32_t copy_shard(struct counters_shard *s, struct counters_entry *copy)
{
	uint32_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (uint32_t i = s->oldest; i != COUNTERS_NONE; i = s->entry[i].newer)
		copy[n++] = s->entry[i];
	pthread_mutex_unlock(&s->lock);
	return n;
}

int counters_save(struct counters *c, struct buf *out)
{
	struct counters_entry *copy = reallocarray(NULL, c->cap, sizeof *copy);
	unsigned char entry[ENTRY_BYTES], sum[SUM_BYTES];
	size_t start = out->n;

	if (!copy)
		return -1;
	(void)buf_put(out, magic, MAGIC_BYTES);
	(void)buf_put(out, c->seed, sizeof c->seed);
	for (size_t i = 0; i < c->nshard; i++) {
		uint32_t n = copy_shard(&c->shard[i], copy);

		for (uint32_t k = 0; k < n; k++) {
			put_entry(entry, &copy[k]);
			(void)buf_put(out, entry, sizeof entry);
		}
	}
	free(copy);
	if (out->failed || checksum(out->p + start, out->n - start, sum) < 0)
		return -1;
	return buf_put(out, sum, sizeof sum);
}

/* --- loading */

/* NULL, or what is wrong with it. */
static const char *get_entry(const unsigned char *p, struct counters_entry *e)
{
	uint64_t what, at, level, rest;
	int64_t second = COUNTERS_TIME_MAX;

	memset(e, 0, sizeof *e);
	p = get(p, &e->key.half[0], 8);
	p = get(p, &e->key.half[1], 8);
	p = get(p, &what, 1);
	p = get(p, &at, 8);
	p = get(p, &level, 8);
	get(p, &rest, 8);
	if (what >= COUNTERS_WHATS)
		return "an entry of an unknown kind";
	e->what = (uint32_t)what;
	e->at = (int64_t)at;
	e->level = (int64_t)level;
	if (e->at < 0 || e->level < 0)
		return "a number below zero";
	if (what == COUNTERS_OF_RATE) {
		e->rest = rest;
		return e->at > second * 1000 ? "a time that can't be" : NULL;
	}
	e->good = float_of(rest & UINT32_MAX);
	e->bad = float_of(rest >> 32);
	if (e->at > second || e->level > second)
		return "a time that can't be";
	return e->good >= 0 && e->good <= FLT_MAX && e->bad >= 0 && e->bad <= FLT_MAX ? NULL : "a count that can't be";
}

static int check(struct span in, struct err *e)
{
	unsigned char sum[SUM_BYTES];

	if (in.n < HEAD_BYTES + SUM_BYTES || memcmp(in.p, magic, MAGIC_BYTES - 1) != 0)
		return err_set(e, ERR_DATA, "this is no snapshot of counters");
	if (in.p[MAGIC_BYTES - 1] != magic[MAGIC_BYTES - 1])
		return err_set(e, ERR_DATA, "a snapshot of counters of another version");
	if (in.n > COUNTERS_SNAPSHOT_MAX)
		return err_set(e, ERR_DATA, "a snapshot has at most %d octets", COUNTERS_SNAPSHOT_MAX);
	if (checksum(in.p, in.n - SUM_BYTES, sum) < 0)
		return err_set(e, ERR_UNAVAILABLE, "no SHA-256 for the checksum of a snapshot");
	if (memcmp(in.p + in.n - SUM_BYTES, sum, SUM_BYTES) != 0 || (in.n - HEAD_BYTES - SUM_BYTES) % ENTRY_BYTES)
		return err_set(e, ERR_DATA, "a damaged snapshot of counters: its checksum is not that of what it holds");
	return 0;
}

struct order {
	int64_t at; /* ms */
	size_t i;
};

static int by_time(const void *x, const void *y)
{
	const struct order *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->i > b->i) - (a->i < b->i);
}

/*
 * In which order entries go in, the newest last: as they stand, unless some
 * must be left out; the snapshot may then be of another number of shards, so
 * that only their times can say which are the newest.
 */
static struct order *order_of(const unsigned char *p, size_t n, bool sort)
{
	struct order *o = reallocarray(NULL, n + 1, sizeof *o);
	struct counters_entry e;

	for (size_t i = 0; o && i < n; i++) {
		/* insert() will refuse it; its time may be more than can be multiplied. */
		if (sort && get_entry(p + i * ENTRY_BYTES, &e))
			e.at = 0;
		o[i] = (struct order){!sort ? 0 : e.what == COUNTERS_OF_RATE ? e.at : e.at * 1000, i};
	}
	if (o && sort)
		qsort(o, n, sizeof *o, by_time);
	return o;
}

static int insert(struct counters *c, const unsigned char *p, struct err *e)
{
	struct counters_entry read, *made;
	struct counters_shard *s;
	const char *why = get_entry(p, &read);

	if (why)
		return err_set(e, ERR_DATA, "a snapshot of counters with %s", why);
	s = counters_shard_of(c, &read.key);
	pthread_mutex_lock(&s->lock);
	made = counters_find(c, s, &read.key) ? NULL : counters_add(c, s, &read.key);
	if (made) {
		made->what = read.what;
		made->at = read.at;
		made->level = read.level;
		if (read.what == COUNTERS_OF_RATE) {
			made->rest = read.rest;
		} else {
			made->good = read.good;
			made->bad = read.bad;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return made ? 0 : err_set(e, ERR_DATA, "a snapshot of counters with one entry twice");
}

/* As new again. */
static void empty(struct counters *c)
{
	for (size_t i = 0; i < c->nshard; i++) {
		struct counters_shard *s = &c->shard[i];

		s->n = 0;
		s->newest = s->oldest = COUNTERS_NONE;
		s->evicted = 0;
		memset(s->bucket, 0, c->nbucket * sizeof *s->bucket);
	}
}

int counters_load(struct counters *c, struct span in, struct err *e)
{
	const unsigned char *p;
	struct order *o;
	size_t n;
	int rc = 0;

	if (counters_stat(c).entries)
		return err_set(e, ERR_BUG, "a snapshot is loaded into new counters only");
	if (check(in, e) < 0)
		return -1;
	p = (const unsigned char *)in.p + HEAD_BYTES;
	n = (in.n - HEAD_BYTES - SUM_BYTES) / ENTRY_BYTES;
	o = order_of(p, n, n > c->max);
	if (!o)
		return err_set(e, ERR_UNAVAILABLE, "no memory for a snapshot of %zu entries", n);
	for (size_t i = 0; i < n && !rc; i++)
		rc = insert(c, p + o[i].i * ENTRY_BYTES, e);
	free(o);
	if (rc < 0) {
		empty(c);
		return -1;
	}
	memcpy(c->seed, (const unsigned char *)in.p + MAGIC_BYTES, sizeof c->seed);
	for (size_t i = 0; i < c->nshard; i++)
		c->shard[i].evicted = 0;
	return 0;
}
