/*
 * Opens the ReplayStore.  A store in a file has its secret beside it, made when
 * it is not there; one in memory needs none that lasts; hosts that share a store
 * share the file of ReplayKey.
 */
#include "config.h"

#include "engine/replay_place.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/store/store_mem.h"
#include "core/store/store_sqlite.h"
#include "engine/clock.h"
#include "engine/secret_file.h"
#include "engine/settings_spec.h"

#define SQLITE "sqlite:"
#define REDIS "redis:"

enum {
	REDIS_CONNECTIONS = 16,
	SAY_MS = 60 * 1000,         /* trouble is said once in that time */
	SAY_FULL_MS = 3600 * 1000
};

struct replay_place {
	atomic_uint refs;
	struct buf made_of;
	struct replay replay;
	struct metrics *metrics; /* or NULL */
	enum { MEMORY, FILE_OF_OURS, REDIS_SERVER } kind;
	pthread_mutex_t lock;       /* guards what follows */
	unsigned long unknown, unsaid; /* all; since it was said last */
	unsigned long evicted_said;
	int64_t said_ms, said_full_ms; /* 0: never */
};

static bool is_kind(const struct settings *s, const char *kind)
{
	return span_starts(span_cstr(s->replay_store), kind);
}

static void describe(const struct settings *s, struct buf *out)
{
	static const enum settings_id id[] = {
		SETTINGS_ID_replay_store, SETTINGS_ID_replay_key, SETTINGS_ID_replay_size, SETTINGS_ID_replay_timeout_ms,
		SETTINGS_ID_redis_password_file, SETTINGS_ID_redis_database,
	};

	for (size_t i = 0; i < sizeof id / sizeof *id; i++) {
		const struct settings_spec *spec = settings_spec_at(id[i]);
		const char *given = *settings_spec_given((struct settings *)(uintptr_t)s, spec);

		(void)buf_printf(out, "%s=%s\n", spec->row.name, given ? given : "");
	}
	/* The same text is another file where an Include moved to another folder. */
	(void)buf_printf(out, "%s\n", s->replay_store);
}

/*
 * What stands in the operator's files, too: a password or a key that was changed is
 * taken over by a reload.  0, or -1 and *e.
 */
static int describe_secrets(const struct settings *s, struct key_reader reader, struct buf *out, struct err *e)
{
	unsigned char hash[SECRET_FILE_BYTES];
	struct buf text;
	int rc = 0;

	if (s->replay_key) {
		rc = secret_file_read("ReplayKey", s->replay_key, s->require_safe_keys, reader, hash, e);
		/* To compare, not to use: not what keys the store. */
		if (rc == 0 && EVP_Digest(hash, sizeof hash, hash, NULL, EVP_sha256(), NULL) == 1)
			(void)buf_put(out, hash, sizeof hash);
	}
	if (rc || !s->redis_password_file)
		return rc;
	buf_init(&text, LIMIT_KEY_FILE_BYTES);
	rc = secret_file_text("RedisPasswordFile", s->redis_password_file, s->require_safe_keys, reader, &text, e);
	if (rc == 0 && EVP_Digest(text.n ? text.p : "", text.n, hash, NULL, EVP_sha256(), NULL) == 1)
		(void)buf_put(out, hash, sizeof hash);
	secret_file_wipe(&text);
	OPENSSL_cleanse(hash, sizeof hash);
	return rc;
}

/* --- trouble is said --------------------------------------------------------------- */

static bool is_due(int64_t *said_ms, int64_t every_ms)
{
	int64_t now = clock_monotonic_ms();

	if (*said_ms && now - *said_ms < every_ms)
		return false;
	*said_ms = now;
	return true;
}

/* A Redis that is gone says so itself. */
static bool is_said_by_store(const struct replay_place *p)
{
	struct store_redis_stats s;

	if (p->kind != REDIS_SERVER)
		return false;
	store_redis_stats(p->replay.store, &s);
	return s.down;
}

static void say_unknown(void *arg, const struct err *why)
{
	struct replay_place *p = arg;
	bool silent = is_said_by_store(p);
	unsigned long n = 0;

	pthread_mutex_lock(&p->lock);
	p->unknown++;
	p->unsaid++;
	if (!silent && is_due(&p->said_ms, SAY_MS)) {
		n = p->unsaid;
		p->unsaid = 0;
	}
	pthread_mutex_unlock(&p->lock);
	if (n)
		log_warn("ReplayStore: %s; the mail goes on, %lu times now with replay unknown", why->text, n);
}

static void time_answer(void *arg, int64_t us)
{
	const struct replay_place *p = arg;

	metrics_time(p->metrics, METRICS_STORE_SECONDS, 0, us);
}

void replay_place_count(struct replay_place *p, struct metrics *m)
{
	/* Shared with the engine before: the registry is the same one, and it is being used. */
	if (p->metrics)
		return;
	p->metrics = metrics_ref(m);
	p->replay.arg = p;
	p->replay.clock_us = clock_monotonic_us;
	p->replay.asked = time_answer;
}

static unsigned long evicted(const struct replay_place *p)
{
	struct store_sqlite_stats sqlite;
	struct store_mem_stats mem;

	switch (p->kind) {
	case FILE_OF_OURS:
		store_sqlite_stats(p->replay.store, &sqlite);
		return sqlite.evicted;
	case MEMORY:
		store_mem_stats(p->replay.store, &mem);
		return mem.evicted;
	default:
		return 0;
	}
}

/* What was forgotten before its time is accepted again, and nothing else tells. */
static void say_full(struct replay_place *p)
{
	unsigned long now = evicted(p), n = 0;

	pthread_mutex_lock(&p->lock);
	if (now > p->evicted_said && is_due(&p->said_full_ms, SAY_FULL_MS)) {
		n = now - p->evicted_said;
		p->evicted_said = now;
	}
	pthread_mutex_unlock(&p->lock);
	if (n)
		log_warn("ReplayStore is full: %lu used tokens were forgotten before their time, and would be accepted again; make ReplaySize larger, or MaxAge shorter", n);
}

/* --- the secret -------------------------------------------------------------------- */

static int open_secret_beside(struct replay_place *p, const struct settings *s, struct key_reader reader, struct err *e)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s.key", s->replay_store + strlen(SQLITE));

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(e, ERR_CONFIG, "ReplayStore: the path is too long");
	if (secret_file_make("ReplayStore's key", path, e))
		return -1;
	return secret_file_read("ReplayStore's key", path, s->require_safe_keys, reader, p->replay.secret, e);
}

static int open_secret(struct replay_place *p, const struct settings *s, struct key_reader reader, struct err *e)
{
	if (s->replay_key)
		return secret_file_read("ReplayKey", s->replay_key, s->require_safe_keys, reader, p->replay.secret, e);
	if (is_kind(s, SQLITE))
		return open_secret_beside(p, s, reader, e);
	return RAND_bytes(p->replay.secret, sizeof p->replay.secret) == 1 ? 0 : err_set(e, ERR_UNAVAILABLE, "no randomness for ReplayStore");
}

/* --- the store ----------------------------------------------------------------------- */

/* "PASSWORD" or "USER:PASSWORD" on the first line; text is wiped by the caller. */
static int split_password(const char *path, char *text, struct store_redis_params *p, struct err *e)
{
	char *end = strpbrk(text, "\r\n"), *colon;

	if (end)
		*end = '\0';
	colon = strchr(text, ':');
	if (colon)
		*colon = '\0';
	/* ":PASSWORD" is a password that has colons itself. */
	p->username = colon && *text ? text : NULL;
	p->password = colon ? colon + 1 : text;
	return *p->password ? 0 : err_set(e, ERR_CONFIG, "RedisPasswordFile %s: its first line is empty", path);
}

/* Half of what a message may wait: the call that is under way when the other half is over ends within it. */
static unsigned one_call_ms(const struct settings *s)
{
	return s->replay_timeout_ms / 2;
}

static int open_redis(struct replay_place *p, const struct settings *s, struct key_reader reader, struct err *e)
{
	struct store_redis_params rp = {
		.address = s->replay_store + strlen(REDIS),
		.database = (unsigned)s->redis_database,
		.prefix = "stir:",
		.timeout_ms = one_call_ms(s),
		.connections = REDIS_CONNECTIONS,
	};
	struct buf text;
	int rc = 0;

	buf_init(&text, LIMIT_KEY_FILE_BYTES);
	if (s->redis_password_file) {
		rc = secret_file_text("RedisPasswordFile", s->redis_password_file, s->require_safe_keys, reader, &text, e);
		if (rc == 0 && split_password(s->redis_password_file, text.p, &rp, e))
			rc = -1;
	}
	if (rc == 0)
		rc = store_redis_open(&rp, &p->replay.store, e);
	secret_file_wipe(&text);
	return rc;
}

static int open_store(struct replay_place *p, const struct settings *s, struct key_reader reader, struct err *e)
{
	p->kind = is_kind(s, REDIS) ? REDIS_SERVER : is_kind(s, SQLITE) ? FILE_OF_OURS : MEMORY;
	p->replay.patience_ms = s->replay_timeout_ms - one_call_ms(s);
	p->replay.clock_ms = clock_monotonic_ms;
	p->replay.unknown = say_unknown;
	p->replay.arg = p;
	if (p->kind == REDIS_SERVER)
		return open_redis(p, s, reader, e);
	if (p->kind == FILE_OF_OURS)
		return store_sqlite_open(s->replay_store + strlen(SQLITE), one_call_ms(s), s->replay_size, clock_wall_s, &p->replay.store, e);
	p->replay.store = store_mem_open((size_t)s->replay_size, clock_wall_s);
	return p->replay.store ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for ReplayStore");
}

/* --- life ------------------------------------------------------------------------------ */

static struct replay_place *make(void)
{
	struct replay_place *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (pthread_mutex_init(&p->lock, NULL)) {
		free(p);
		return NULL;
	}
	atomic_init(&p->refs, 1);
	buf_init(&p->made_of, LIMIT_CONF_BYTES);
	return p;
}

int replay_place_open(const struct settings *s, struct replay_place *old, struct key_reader reader, struct replay_place **out, struct err *e)
{
	struct replay_place *p = make();

	*out = NULL;
	if (!p)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	describe(s, &p->made_of);
	if (describe_secrets(s, reader, &p->made_of, e)) {
		replay_place_unref(p);
		return -1;
	}
	if (old && !p->made_of.failed && !old->made_of.failed && span_eq(buf_span(&p->made_of), buf_span(&old->made_of))) {
		replay_place_unref(p);
		atomic_fetch_add_explicit(&old->refs, 1, memory_order_relaxed);
		*out = old;
		return 0;
	}
	if (open_secret(p, s, reader, e) || open_store(p, s, reader, e)) {
		replay_place_unref(p);
		return -1;
	}
	*out = p;
	return 0;
}

int replay_place_private(struct replay_place **out, struct err *e)
{
	struct replay_place *p = make();

	*out = NULL;
	if (!p)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	p->replay.store = store_mem_open(LIMIT_CACHE_MEMORY_BYTES, clock_wall_s);
	if (!p->replay.store || RAND_bytes(p->replay.secret, sizeof p->replay.secret) != 1) {
		replay_place_unref(p);
		return err_set(e, ERR_UNAVAILABLE, "no memory, or no randomness, for used tokens");
	}
	*out = p;
	return 0;
}

int replay_place_check(const struct settings *s, struct key_reader reader, struct err *e)
{
	struct buf unused;
	int rc;

	buf_init(&unused, 2 * SECRET_FILE_BYTES);
	rc = describe_secrets(s, reader, &unused, e);
	secret_file_wipe(&unused);
	return rc;
}

void replay_place_unref(struct replay_place *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	store_close(p->replay.store);
	metrics_unref(p->metrics);
	OPENSSL_cleanse(p->replay.secret, sizeof p->replay.secret);
	secret_file_wipe(&p->made_of);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

const struct replay *replay_place_replay(const struct replay_place *p)
{
	return &p->replay;
}

bool replay_place_redis(const struct replay_place *p, struct store_redis_stats *out)
{
	if (p->kind == REDIS_SERVER)
		store_redis_stats(p->replay.store, out);
	return p->kind == REDIS_SERVER;
}

void replay_place_stats(struct replay_place *p, struct replay_place_stats *out)
{
	out->evicted = evicted(p);
	pthread_mutex_lock(&p->lock);
	out->unknown = p->unknown;
	pthread_mutex_unlock(&p->lock);
}

void replay_place_tick(struct replay_place *p)
{
	store_tick(p->replay.store);
	say_full(p);
}
