/*
 * The verbs over SQLite.  One connection, which one thread has at a time: SQLite
 * has one writer anyway, and a verb takes some microseconds.  A second connection
 * moves the log into the file meanwhile.
 *
 * Leaves the file and what results mean to store_sqlite_file.c.
 */
#include "config.h"

#include "core/store/store_sqlite.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/monotonic.h"
#include "core/store/store_counter.h"
#include "core/store/store_sqlite_internal.h"

enum {
	ADD_ATTEMPTS = 4,    /* another process may remove between look and write */
	EVICT_ROUNDS = 64,   /* the largest value needs 129 pages, a batch gives some */
	WRITES_PER_REMOVE = 32,
	REMOVE_EACH = 64,    /* more than were written meanwhile */
	TICK_PAUSE_MS = 1    /* between batches, for verbs that wait */
};

static struct store_sqlite *self(struct store *s)
{
	return (struct store_sqlite *)s;
}

/* --- who has the connection ------------------------------------------------------ */

static bool take(struct store_sqlite *s)
{
	int64_t deadline = monotonic_ms() + s->timeout_ms;
	bool waits = true, taken;

	pthread_mutex_lock(&s->lock);
	while (s->busy && waits)
		waits = monotonic_wait(&s->freed, &s->lock, deadline);
	taken = !s->busy;
	if (taken) {
		s->busy = true;
		s->deadline_ms = deadline;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static void give(struct store_sqlite *s)
{
	pthread_mutex_lock(&s->lock);
	s->busy = false;
	pthread_cond_signal(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

static int counted(struct store_sqlite *s, int rc)
{
	pthread_mutex_lock(&s->lock);
	s->stats.calls++;
	s->stats.failures += rc < 0;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int enter(struct store_sqlite *s, struct err *e)
{
	if (take(s))
		return 0;
	return counted(s, err_set(e, ERR_UNAVAILABLE, "%s: busy for %u ms; its disk is slow, or there is too much to do", s->path, s->timeout_ms));
}

static int leave(struct store_sqlite *s, int rc)
{
	give(s);
	return counted(s, rc);
}

/* --- statements; the connection is ours -------------------------------------------- */

static void bind_octets(sqlite3_stmt *st, int at, struct span v)
{
	/* A NULL pointer would bind NULL, which is no value. */
	sqlite3_bind_blob(st, at, v.n ? v.p : "", (int)v.n, SQLITE_STATIC);
}

/* Without result rows. SQLite's result. */
static int run(struct store_sqlite *s, enum store_sqlite_sql which)
{
	sqlite3_stmt *st = s->stmt[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Up to max that end by then; how many, or -1 and *rc. */
static int remove_some(struct store_sqlite *s, int64_t then, int max, int *rc)
{
	sqlite3_bind_int64(s->stmt[STORE_SQLITE_REMOVE], 1, then);
	sqlite3_bind_int(s->stmt[STORE_SQLITE_REMOVE], 2, max);
	*rc = run(s, STORE_SQLITE_REMOVE);
	return *rc == SQLITE_OK ? sqlite3_changes(s->db) : -1;
}

/*
 * The file has its size: what ends first gives way.  Rows are spread over the
 * pages, so a batch frees room in many and a few whole ones.  False: nothing was
 * left to remove, or there is no room even for that (a full disk).
 */
static bool evict(struct store_sqlite *s, int64_t now)
{
	int rc, gone = remove_some(s, now, LIMIT_STORE_BATCH, &rc);

	if (gone > 0)
		return true;
	if (gone == 0)
		gone = remove_some(s, INT64_MAX, LIMIT_STORE_BATCH, &rc);
	if (gone <= 0)
		return false;
	pthread_mutex_lock(&s->lock);
	s->stats.evicted += (unsigned long)gone;
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* Runs what writes, making room when the file is full; no transaction is open. SQLite's result. */
static int run_write(struct store_sqlite *s, enum store_sqlite_sql which, int64_t now, int *changes)
{
	int rc = run(s, which);

	for (int i = 0; (rc & 0xFF) == SQLITE_FULL && i < EVICT_ROUNDS && evict(s, now); i++)
		rc = run(s, which);
	*changes = rc == SQLITE_OK ? sqlite3_changes(s->db) : 0;
	return rc;
}

/* After a verb that wrote: a few of those that ended.  The verb's result stands, whatever becomes of this. */
static void remove_now_and_then(struct store_sqlite *s, int64_t now)
{
	int rc;

	if (++s->writes < WRITES_PER_REMOVE)
		return;
	s->writes = 0;
	(void)remove_some(s, now, REMOVE_EACH, &rc);
}

static void bind_entry(struct store_sqlite *s, enum store_sqlite_sql which, struct span key, struct span value, int64_t until)
{
	bind_octets(s->stmt[which], 1, key);
	bind_octets(s->stmt[which], 2, value);
	sqlite3_bind_int64(s->stmt[which], 3, until);
}

/* Values of others' making: bindings point into memory that ends with the call. */
static void forget(struct store_sqlite *s, enum store_sqlite_sql which)
{
	sqlite3_clear_bindings(s->stmt[which]);
}

/* 1 and the value appended (value may be NULL), 0, -1. */
static int look(struct store_sqlite *s, struct span key, int64_t now, struct buf *value, int64_t *until, struct err *e)
{
	sqlite3_stmt *st = s->stmt[STORE_SQLITE_GET];
	int rc, found = 0;

	bind_octets(st, 1, key);
	sqlite3_bind_int64(st, 2, now);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(st, 0);
		int n = sqlite3_column_bytes(st, 0);

		found = 1;
		*until = sqlite3_column_int64(st, 1);
		if (value && buf_put(value, p, (size_t)n))
			found = err_set(e, ERR_DATA, "the store's value is larger than its reader takes");
	} else if (rc != SQLITE_DONE) {
		found = store_sqlite_fail(s, s->db, rc, e);
	}
	sqlite3_reset(st);
	forget(s, STORE_SQLITE_GET);
	return found;
}

/* --- verbs ----------------------------------------------------------------------------- */

static int sqlite_get(struct store *st, struct span key, struct buf *value, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t now = s->now(), until;

	return enter(s, e) ? -1 : leave(s, look(s, key, now, value, &until, e));
}

static int sqlite_put(struct store *st, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t now = s->now();
	int rc, changes;

	if (enter(s, e))
		return -1;
	bind_entry(s, STORE_SQLITE_PUT, key, value, now + ttl_s);
	rc = run_write(s, STORE_SQLITE_PUT, now, &changes);
	forget(s, STORE_SQLITE_PUT);
	if (rc != SQLITE_OK)
		return leave(s, store_sqlite_fail(s, s->db, rc, e));
	remove_now_and_then(s, now);
	return leave(s, 0);
}

/* 1 written, 0 there, -1. */
static int add(struct store_sqlite *s, struct span key, struct span value, int64_t until, int64_t now, struct err *e)
{
	int rc, changes;

	bind_entry(s, STORE_SQLITE_ADD, key, value, until);
	sqlite3_bind_int64(s->stmt[STORE_SQLITE_ADD], 4, now);
	rc = run_write(s, STORE_SQLITE_ADD, now, &changes);
	forget(s, STORE_SQLITE_ADD);
	if (rc != SQLITE_OK)
		return store_sqlite_fail(s, s->db, rc, e);
	return changes > 0;
}

/*
 * A look first, since a second use is then told without writing; the statement
 * that writes decides.  Between the two another process may write (then the
 * second look finds it) or remove.
 */
static int sqlite_add_once(struct store *st, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t now = s->now(), until;

	if (enter(s, e))
		return -1;
	for (int i = 0; i < ADD_ATTEMPTS; i++) {
		int rc = look(s, key, now, there, &until, e);

		if (rc)
			return leave(s, rc > 0 ? 0 : -1);
		rc = add(s, key, value, now + ttl_s, now, e);
		if (rc > 0)
			remove_now_and_then(s, now);
		if (rc)
			return leave(s, rc);
	}
	return leave(s, err_set(e, ERR_UNAVAILABLE, "%s: other processes kept changing the same entry", s->path));
}

/* Within a transaction; 0 / -1 and, in *full, whether room is what was missing. */
static int count(struct store_sqlite *s, struct span key, int64_t by, int64_t until, int64_t now, struct store_counter *c, bool *full, struct err *e)
{
	struct buf old;
	int rc;

	buf_init(&old, STORE_COUNTER_BYTES);
	rc = look(s, key, now, &old, &until, e);
	if (rc >= 0)
		rc = rc == 1 && old.n == 0 ? err_set(e, ERR_DATA, "the value is no counter") : store_counter_add(buf_span(&old), by, c, e);
	buf_free(&old);
	if (rc)
		return -1;
	bind_entry(s, STORE_SQLITE_PUT, key, span_make(c->text, c->n), until);
	rc = run(s, STORE_SQLITE_PUT);
	forget(s, STORE_SQLITE_PUT);
	if (rc == SQLITE_OK)
		rc = run(s, STORE_SQLITE_COMMIT);
	*full = (rc & 0xFF) == SQLITE_FULL;
	return rc == SQLITE_OK ? 0 : store_sqlite_fail(s, s->db, rc, e);
}

static int count_in_transaction(struct store_sqlite *s, struct span key, int64_t by, int64_t until, int64_t now, struct store_counter *c, bool *full, struct err *e)
{
	int rc = run(s, STORE_SQLITE_BEGIN);

	*full = false;
	if (rc != SQLITE_OK)
		return store_sqlite_fail(s, s->db, rc, e);
	if (count(s, key, by, until, now, c, full, e) == 0)
		return 0;
	/* Some failures have rolled back by themselves. */
	if (!sqlite3_get_autocommit(s->db))
		(void)run(s, STORE_SQLITE_ROLLBACK);
	return -1;
}

static int sqlite_incr(struct store *st, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t now = s->now();
	struct store_counter c;
	bool full;
	int rc;

	if (enter(s, e))
		return -1;
	rc = count_in_transaction(s, key, by, now + ttl_s, now, &c, &full, e);
	for (int i = 0; rc && full && i < EVICT_ROUNDS && evict(s, now); i++)
		rc = count_in_transaction(s, key, by, now + ttl_s, now, &c, &full, e);
	if (rc == 0) {
		*now_value = c.value;
		remove_now_and_then(s, now);
	}
	return leave(s, rc);
}

/* --- housekeeping -------------------------------------------------------------------------- */

/* True when there may be more. */
static bool remove_batch(struct store_sqlite *s)
{
	int rc, gone;

	if (!take(s))
		return false;
	gone = remove_some(s, s->now(), LIMIT_STORE_BATCH, &rc);
	give(s);
	return gone == LIMIT_STORE_BATCH;
}

/*
 * The log begins anew only when a write finds all of it moved: most is moved
 * beside the verbs, the little that came meanwhile while they wait.
 */
static void move_log(struct store_sqlite *s)
{
	int rc = sqlite3_wal_checkpoint_v2(s->keeper, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (rc != SQLITE_OK || !take(s))
		return;
	(void)sqlite3_wal_checkpoint_v2(s->keeper, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	give(s);
}

static void sqlite_tick(struct store *st)
{
	struct store_sqlite *s = self(st);

	if (pthread_mutex_trylock(&s->tick_lock))
		return;
	for (int i = 0; i < LIMIT_STORE_BATCHES && remove_batch(s); i++)
		monotonic_sleep_ms(TICK_PAUSE_MS);
	move_log(s);
	pthread_mutex_unlock(&s->tick_lock);
}

/* --- life ------------------------------------------------------------------------------------ */

static void sqlite_close(struct store *st)
{
	struct store_sqlite *s = self(st);

	store_sqlite_file_close(s);
	pthread_mutex_destroy(&s->tick_lock);
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

static const struct store_ops sqlite_ops = {sqlite_get, sqlite_put, sqlite_add_once, sqlite_incr, sqlite_tick, sqlite_close};

static struct store_sqlite *new_store(const char *path)
{
	struct store_sqlite *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->path = strdup(path);
	if (!s->path)
		goto no_path;
	if (pthread_mutex_init(&s->lock, NULL))
		goto no_lock;
	if (pthread_mutex_init(&s->tick_lock, NULL))
		goto no_tick_lock;
	if (monotonic_cond_init(&s->freed) == 0)
		return s;
	pthread_mutex_destroy(&s->tick_lock);
no_tick_lock:
	pthread_mutex_destroy(&s->lock);
no_lock:
	free(s->path);
no_path:
	free(s);
	return NULL;
}

int store_sqlite_open(const char *path, unsigned timeout_ms, uint64_t max_bytes, store_clock now, struct store **out, struct err *e)
{
	struct store_sqlite *s = new_store(path);

	*out = NULL;
	if (!s)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	s->store.ops = &sqlite_ops;
	s->now = now;
	s->timeout_ms = timeout_ms;
	if (store_sqlite_file_open(s, max_bytes, e)) {
		sqlite_close(&s->store);
		return -1;
	}
	*out = &s->store;
	return 0;
}

void store_sqlite_stats(struct store *st, struct store_sqlite_stats *out)
{
	struct store_sqlite *s = self(st);

	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
}
