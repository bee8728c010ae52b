/*
 * The table of counters, token buckets and history.
 *
 * Each shard is a hash table with chains and a list by use through the same
 * entries.  Memory is asked for at once and touched as it is used, so nothing
 * is ever moved.  The clock is the caller's; snapshots are counters_snapshot.c's.
 */
#include "config.h"

#include "policy/counters.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "policy/counters_internal.h"

/* --- the table */

static size_t power_of_two_from(size_t n)
{
	size_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static bool open_shards(struct counters *c)
{
	for (size_t i = 0; i < c->nshard; i++) {
		struct counters_shard *s = &c->shard[i];

		s->entry = c->entry + i * c->cap;
		s->bucket = c->bucket + i * c->nbucket;
		s->newest = s->oldest = COUNTERS_NONE;
		if (pthread_mutex_init(&s->lock, NULL)) {
			c->nshard = i;
			return false;
		}
	}
	return true;
}

struct counters *counters_new(size_t max)
{
	struct counters *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->max = max ? max : 1;
	c->nshard = c->max > COUNTERS_SMALL ? COUNTERS_SHARDS : 1;
	if (c->max / c->nshard >= UINT32_MAX / 2) {
		free(c);
		return NULL;
	}
	c->cap = (uint32_t)(c->max / c->nshard);
	c->nbucket = power_of_two_from(c->cap);
	c->shard = aligned_alloc(64, c->nshard * sizeof *c->shard);
	c->entry = calloc(c->nshard * c->cap, sizeof *c->entry);
	c->bucket = calloc(c->nshard * c->nbucket, sizeof *c->bucket);
	if (c->shard)
		memset(c->shard, 0, c->nshard * sizeof *c->shard);
	else
		c->nshard = 0;
	if (!c->shard || !c->entry || !c->bucket || !open_shards(c) || RAND_bytes(c->seed, sizeof c->seed) != 1) {
		counters_free(c);
		return NULL;
	}
	return c;
}

void counters_free(struct counters *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nshard; i++)
		pthread_mutex_destroy(&c->shard[i].lock);
	free(c->shard);
	free(c->entry);
	free(c->bucket);
	OPENSSL_cleanse(c->seed, sizeof c->seed);
	free(c);
}

struct counters_shard *counters_shard_of(struct counters *c, const struct siphash_sum *key)
{
	return &c->shard[key->half[1] & (c->nshard - 1)];
}

/* Buckets hold 1 + the index, so that zeroed memory is an empty table. */
static uint32_t *bucket_of(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key)
{
	return &s->bucket[key->half[0] & (c->nbucket - 1)];
}

struct counters_entry *counters_find(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key)
{
	for (uint32_t i = *bucket_of(c, s, key); i; i = s->entry[i - 1].next)
		if (s->entry[i - 1].key.half[0] == key->half[0] && s->entry[i - 1].key.half[1] == key->half[1])
			return &s->entry[i - 1];
	return NULL;
}

static void unlink_use(struct counters_shard *s, struct counters_entry *e)
{
	*(e->newer == COUNTERS_NONE ? &s->newest : &s->entry[e->newer].older) = e->older;
	*(e->older == COUNTERS_NONE ? &s->oldest : &s->entry[e->older].newer) = e->newer;
}

static void make_newest(struct counters_shard *s, struct counters_entry *e)
{
	uint32_t i = (uint32_t)(e - s->entry);

	e->newer = COUNTERS_NONE;
	e->older = s->newest;
	*(s->newest == COUNTERS_NONE ? &s->oldest : &s->entry[s->newest].newer) = i;
	s->newest = i;
}

static void touch(struct counters_shard *s, struct counters_entry *e)
{
	if (e->newer == COUNTERS_NONE)
		return;
	unlink_use(s, e);
	make_newest(s, e);
}

static void unlink_chain(const struct counters *c, struct counters_shard *s, struct counters_entry *e)
{
	uint32_t i = (uint32_t)(e - s->entry) + 1, *at = bucket_of(c, s, &e->key);

	while (*at != i)
		at = &s->entry[*at - 1].next;
	*at = e->next;
}

struct counters_entry *counters_add(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key)
{
	struct counters_entry *e;
	uint32_t *bucket = bucket_of(c, s, key);

	if (s->n < c->cap) {
		e = &s->entry[s->n++];
	} else {
		e = &s->entry[s->oldest];
		unlink_use(s, e);
		unlink_chain(c, s, e);
		s->evicted++;
	}
	*e = (struct counters_entry){.key = *key, .next = *bucket};
	*bucket = (uint32_t)(e - s->entry) + 1;
	make_newest(s, e);
	return e;
}

static int64_t clamp(int64_t t, int64_t max)
{
	return t < 0 ? 0 : t > max ? max : t;
}

/* A snapshot may give any kind to any key; what is of another kind is as good as none. */
static bool is_of(const struct counters_entry *e, enum counters_what what)
{
	return e && e->what == (uint32_t)what;
}

/* With the shard locked: e, or a new entry of that key, with nothing in it. */
static struct counters_entry *begin(const struct counters *c, struct counters_shard *s, const struct siphash_sum *key, struct counters_entry *e,
	enum counters_what what)
{
	if (!e)
		e = counters_add(c, s, key);
	e->what = (uint32_t)what;
	e->rest = 0;
	return e;
}

/* --- token buckets */

/* Products of two times or token counts need more than 64 bits. */
#define WIDE __extension__ unsigned __int128

/* More than the bucket takes to fill is no clock that steps a little, but one that was wrong and is right now. */
static bool far_behind(const struct counters_entry *e, const struct counters_rate *r, int64_t now_ms)
{
	WIDE behind = (uint64_t)(e->at - now_ms), fill = (uint64_t)r->burst_milli;

	return behind * (uint64_t)r->limit_milli > fill * (uint64_t)r->per_ms;
}

static void refill(struct counters_entry *e, const struct counters_rate *r, int64_t now_ms)
{
	uint64_t per = (uint64_t)r->per_ms;
	WIDE gain;

	if (e->level >= r->burst_milli || e->rest >= per)
		e->rest = 0;
	if (e->level > r->burst_milli)
		e->level = r->burst_milli;
	if (now_ms <= e->at) {
		if (far_behind(e, r, now_ms))
			e->at = now_ms;
		return;
	}
	gain = (uint64_t)(now_ms - e->at);
	/* the fraction is kept, or a bucket that is often looked at would never fill */
	gain = gain * (uint64_t)r->limit_milli + e->rest;
	e->at = now_ms;
	e->rest = (uint64_t)(gain % per);
	gain /= per;
	if (gain >= (uint64_t)(r->burst_milli - e->level)) {
		e->level = r->burst_milli;
		e->rest = 0;
	} else {
		e->level += (int64_t)gain;
	}
}

bool counters_over(struct counters *c, const struct counters_rate *r, struct span key, int64_t now_ms, bool take)
{
	enum { ONE = 1000 };
	struct siphash_sum h = counters_hash(c->seed, COUNTERS_OF_RATE, r->name, key);
	struct counters_shard *s = counters_shard_of(c, &h);
	struct counters_entry *e, seen;
	bool over;

	assert(r->limit_milli > 0 && r->per_ms > 0 && r->burst_milli > 0);
	now_ms = clamp(now_ms, COUNTERS_TIME_MAX * 1000);
	pthread_mutex_lock(&s->lock);
	e = counters_find(c, s, &h);
	if (take && !is_of(e, COUNTERS_OF_RATE)) {
		e = begin(c, s, &h, e, COUNTERS_OF_RATE);
		e->at = now_ms;
		e->level = r->burst_milli;
	}
	seen = is_of(e, COUNTERS_OF_RATE) ? *e : (struct counters_entry){.at = now_ms, .level = r->burst_milli};
	refill(&seen, r, now_ms);
	over = seen.level < ONE;
	if (take) {
		e->at = seen.at;
		e->level = seen.level - (over ? 0 : ONE);
		e->rest = seen.rest;
		touch(s, e);
	}
	pthread_mutex_unlock(&s->lock);
	return over;
}

/* --- history */

static enum counters_what what_of(enum counters_kind k)
{
	return k == COUNTERS_NUMBER ? COUNTERS_OF_NUMBER : k == COUNTERS_SIGNER ? COUNTERS_OF_SIGNER : COUNTERS_OF_PEER;
}

/* What is left of 1 after so many ticks. */
static double left_after(uint64_t ticks)
{
	/* 2 to the power of -(tick / half-life) */
	double step = 0x1.fff6fcb8e1b34p-1, left = 1;
	_Static_assert(COUNTERS_HALF_LIFE_S == 604800 && COUNTERS_TICK_S == 60, "the number above follows from these");

	for (; ticks; ticks /= 2) {
		if (ticks & 1)
			left *= step;
		step *= step;
	}
	return left;
}

static void decay(struct counters_entry *e, int64_t now)
{
	uint64_t ticks;
	double left;

	if (now <= e->at) {
		/* as with buckets: a clock that was wrong by more than what decay is about */
		if (e->at - now > COUNTERS_HALF_LIFE_S)
			e->at = now;
		return;
	}
	ticks = (uint64_t)(now - e->at) / COUNTERS_TICK_S;
	left = left_after(ticks);
	e->good = (float)(e->good * left);
	e->bad = (float)(e->bad * left);
	/* whole ticks only: the rest counts next time */
	e->at += (int64_t)ticks * COUNTERS_TICK_S;
}

static int reputation(const struct counters_entry *e)
{
	double good = e->good, bad = e->bad;

	return (int)(100 * (good + 1) / (good + bad + 2) + 0.5);
}

struct counters_seen counters_look(struct counters *c, enum counters_kind k, struct span key, int64_t now)
{
	struct siphash_sum h = counters_hash(c->seed, what_of(k), span_make("", 0), key);
	struct counters_shard *s = counters_shard_of(c, &h);
	struct counters_entry seen = {.level = 0};
	const struct counters_entry *e;
	bool known;

	now = clamp(now, COUNTERS_TIME_MAX);
	pthread_mutex_lock(&s->lock);
	e = counters_find(c, s, &h);
	known = is_of(e, what_of(k));
	if (known)
		seen = *e;
	pthread_mutex_unlock(&s->lock);
	if (!known)
		return (struct counters_seen){.reputation = 50};
	decay(&seen, now);
	/* never from the future, whatever the clock did */
	return (struct counters_seen){true, seen.level < now ? seen.level : now, reputation(&seen)};
}

void counters_note(struct counters *c, enum counters_kind k, struct span key, bool stopped, int64_t now)
{
	struct siphash_sum h = counters_hash(c->seed, what_of(k), span_make("", 0), key);
	struct counters_shard *s = counters_shard_of(c, &h);
	struct counters_entry *e;

	now = clamp(now, COUNTERS_TIME_MAX);
	pthread_mutex_lock(&s->lock);
	e = counters_find(c, s, &h);
	if (!is_of(e, what_of(k))) {
		e = begin(c, s, &h, e, what_of(k));
		e->at = e->level = now;
	}
	decay(e, now);
	if (stopped)
		e->bad += 1;
	else
		e->good += 1;
	/* mailboxes are not always in the order of time */
	if (now < e->level)
		e->level = now;
	touch(s, e);
	pthread_mutex_unlock(&s->lock);
}

struct counters_stat counters_stat(struct counters *c)
{
	struct counters_stat t = {.max = c->max};

	for (size_t i = 0; i < c->nshard; i++) {
		pthread_mutex_lock(&c->shard[i].lock);
		t.entries += c->shard[i].n;
		t.evicted += c->shard[i].evicted;
		pthread_mutex_unlock(&c->shard[i].lock);
	}
	return t;
}
