/*
 * The verbs over memory: a key's hash says which part, the part's lock is held
 * for one verb.
 *
 * Leaves cells and order to store_mem_part.c.
 */
#include "config.h"

#include "core/store/store_mem.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/store/store_counter.h"
#include "core/store/store_mem_internal.h"

enum {
	PARTS_MAX = 64,                   /* a power of two; more than threads */
	PART_MIN_BYTES = 4 * 1024 * 1024, /* some of the largest values */
	EXPIRE_EACH = 4                   /* cleared away by each write: more than it adds */
};

struct store_mem {
	struct store store;
	store_clock now;
	unsigned char seed[STORE_MEM_SEED_BYTES]; /* set once */
	size_t nparts; /* a power of two */
	struct store_mem_part part[];
};

static struct store_mem *self(struct store *s)
{
	return (struct store_mem *)s;
}

/* The part of a key, locked. */
static struct store_mem_part *enter(struct store_mem *m, struct span key, uint64_t *hash)
{
	struct store_mem_part *p;

	*hash = store_mem_hash(m->seed, key);
	p = &m->part[(*hash >> 32) & (m->nparts - 1)];
	pthread_mutex_lock(&p->lock);
	return p;
}

static int leave(struct store_mem_part *p, int rc)
{
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Times before 1970 and after 2106 end at these. */
static uint32_t until(int64_t now, uint32_t ttl_s)
{
	int64_t t = (now < 0 ? 0 : now) + (int64_t)ttl_s;

	return t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

static int write_entry(struct store_mem_part *p, struct span key, uint64_t hash, struct span value, uint32_t end, int64_t now, struct err *e)
{
	store_mem_part_expire(p, now, EXPIRE_EACH);
	if (store_mem_part_put(p, key, hash, value, end, now) == 0)
		return 0;
	return err_set(e, ERR_UNAVAILABLE, "a value of %zu octets is too large for a store in memory of this size; let it be larger", value.n);
}

static int too_large(struct err *e)
{
	return err_set(e, ERR_DATA, "the store's value is larger than its reader takes");
}

static int mem_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	struct store_mem *m = self(s);
	int64_t now = m->now();
	uint64_t hash;
	struct store_mem_part *p = enter(m, key, &hash);
	uint32_t at = store_mem_part_find(p, key, hash, now);

	if (at == UINT32_MAX)
		return leave(p, 0);
	return leave(p, store_mem_part_value(p, at, value) ? too_large(e) : 1);
}

static int mem_put(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	struct store_mem *m = self(s);
	int64_t now = m->now();
	uint64_t hash;
	struct store_mem_part *p = enter(m, key, &hash);

	return leave(p, write_entry(p, key, hash, value, until(now, ttl_s), now, e));
}

static int mem_add_once(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	struct store_mem *m = self(s);
	int64_t now = m->now();
	uint64_t hash;
	struct store_mem_part *p = enter(m, key, &hash);
	uint32_t at = store_mem_part_find(p, key, hash, now);

	if (at == UINT32_MAX)
		return leave(p, write_entry(p, key, hash, value, until(now, ttl_s), now, e) ? -1 : 1);
	return leave(p, there && store_mem_part_value(p, at, there) ? too_large(e) : 0);
}

static int mem_incr(struct store *s, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e)
{
	struct store_mem *m = self(s);
	int64_t now = m->now();
	uint64_t hash;
	struct store_mem_part *p = enter(m, key, &hash);
	uint32_t at = store_mem_part_find(p, key, hash, now), end = until(now, ttl_s);
	struct store_counter c;
	struct buf old;
	int rc = 0;

	buf_init(&old, STORE_COUNTER_BYTES);
	if (at != UINT32_MAX) {
		end = p->cell[at].until;
		/* Longer than a counter, or empty, which would read as none yet. */
		if (store_mem_part_value(p, at, &old) || old.n == 0)
			rc = err_set(e, ERR_DATA, "the value is no counter");
	}
	if (rc == 0)
		rc = store_counter_add(buf_span(&old), by, &c, e);
	if (rc == 0)
		rc = write_entry(p, key, hash, span_make(c.text, c.n), end, now, e);
	leave(p, rc);
	buf_free(&old);
	if (rc == 0)
		*now_value = c.value;
	return rc;
}

static void mem_tick(struct store *s)
{
	struct store_mem *m = self(s);
	int64_t now = m->now();

	for (size_t i = 0; i < m->nparts; i++) {
		unsigned gone, rounds = 0;

		do {
			pthread_mutex_lock(&m->part[i].lock);
			gone = store_mem_part_expire(&m->part[i], now, LIMIT_STORE_BATCH);
			pthread_mutex_unlock(&m->part[i].lock);
		} while (gone == LIMIT_STORE_BATCH && ++rounds < LIMIT_STORE_BATCHES);
	}
}

static void mem_close(struct store *s)
{
	struct store_mem *m = self(s);

	for (size_t i = 0; i < m->nparts; i++)
		store_mem_part_free(&m->part[i]);
	OPENSSL_cleanse(m->seed, sizeof m->seed);
	free(m);
}

static const struct store_ops mem_ops = {mem_get, mem_put, mem_add_once, mem_incr, mem_tick, mem_close};

struct store *store_mem_open(size_t max_bytes, store_clock now)
{
	struct store_mem *m;
	size_t nparts = 1, cap;

	while (nparts < PARTS_MAX && max_bytes / (nparts * 2) >= PART_MIN_BYTES)
		nparts *= 2;
	cap = max_bytes / nparts / STORE_MEM_ENTRY_BYTES;
	if (cap < 1)
		cap = 1;
	if (cap > UINT32_MAX / 2)
		cap = UINT32_MAX / 2;
	m = aligned_alloc(64, sizeof *m + nparts * sizeof m->part[0]);
	if (!m)
		return NULL;
	memset(m, 0, sizeof *m + nparts * sizeof m->part[0]);
	m->store.ops = &mem_ops;
	m->now = now;
	if (RAND_bytes(m->seed, sizeof m->seed) != 1) {
		free(m);
		return NULL;
	}
	for (; m->nparts < nparts; m->nparts++)
		if (store_mem_part_init(&m->part[m->nparts], m->seed, (uint32_t)cap)) {
			mem_close(&m->store);
			return NULL;
		}
	return &m->store;
}

void store_mem_stats(struct store *s, struct store_mem_stats *out)
{
	struct store_mem *m = self(s);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < m->nparts; i++) {
		struct store_mem_part *p = &m->part[i];

		pthread_mutex_lock(&p->lock);
		out->entries += p->n;
		out->bytes += (size_t)(p->used - p->nfree) * STORE_MEM_ENTRY_BYTES;
		out->evicted += p->evicted;
		pthread_mutex_unlock(&p->lock);
	}
}
