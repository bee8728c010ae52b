/*
 * Opens the ReplayStore.  A store in a file has its secret beside it, made when
 * it is not there; one in memory needs none that lasts; hosts that share a store
 * share the file of ReplayKey.
 */
#include "config.h"

#include "engine/replay_place.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "core/limits.h"
#include "core/store/store_mem.h"
#include "core/store/store_sqlite.h"
#include "engine/clock.h"
#include "engine/file.h"
#include "engine/secret_file.h"
#include "engine/settings_spec.h"

#define SQLITE "sqlite:"
#define REDIS "redis:"

enum { REDIS_CONNECTIONS = 16 };

struct replay_place {
	atomic_uint refs;
	struct buf made_of;
	struct replay replay;
	bool redis;
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
}

/* --- the secret -------------------------------------------------------------------- */

static int open_secret_beside(struct replay_place *p, const struct settings *s, gid_t group, struct err *e)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s.key", s->replay_store + strlen(SQLITE));

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(e, ERR_CONFIG, "ReplayStore: the path is too long");
	if (secret_file_make("ReplayStore's key", path, e))
		return -1;
	return secret_file_read("ReplayStore's key", path, s->require_safe_keys, group, p->replay.secret, e);
}

static int open_secret(struct replay_place *p, const struct settings *s, gid_t group, struct err *e)
{
	if (s->replay_key)
		return secret_file_read("ReplayKey", s->replay_key, s->require_safe_keys, group, p->replay.secret, e);
	if (is_kind(s, SQLITE))
		return open_secret_beside(p, s, group, e);
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
	p->username = colon ? text : NULL;
	p->password = colon ? colon + 1 : text;
	return *p->password ? 0 : err_set(e, ERR_CONFIG, "RedisPasswordFile %s: its first line is empty", path);
}

static int open_redis(struct replay_place *p, const struct settings *s, struct err *e)
{
	struct store_redis_params rp = {
		.address = s->replay_store + strlen(REDIS),
		.database = (unsigned)s->redis_database,
		.prefix = "stir:",
		.timeout_ms = s->replay_timeout_ms,
		.connections = REDIS_CONNECTIONS,
	};
	struct buf text;
	int rc = 0;

	buf_init(&text, LIMIT_KEY_FILE_BYTES);
	if (s->redis_password_file) {
		rc = file_read(s->redis_password_file, LIMIT_KEY_FILE_BYTES, &text, e);
		if (rc == 0 && (buf_putc(&text, '\0') || split_password(s->redis_password_file, text.p, &rp, e)))
			rc = -1;
	}
	if (rc == 0)
		rc = store_redis_open(&rp, &p->replay.store, e);
	if (text.p)
		OPENSSL_cleanse(text.p, text.cap);
	buf_free(&text);
	return rc;
}

static int open_store(struct replay_place *p, const struct settings *s, struct err *e)
{
	p->redis = is_kind(s, REDIS);
	if (p->redis)
		return open_redis(p, s, e);
	if (is_kind(s, SQLITE))
		return store_sqlite_open(s->replay_store + strlen(SQLITE), s->replay_timeout_ms, s->replay_size, clock_wall_s, &p->replay.store, e);
	p->replay.store = store_mem_open((size_t)s->replay_size, clock_wall_s);
	return p->replay.store ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for ReplayStore");
}

/* --- life ------------------------------------------------------------------------------ */

static struct replay_place *make(void)
{
	struct replay_place *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	buf_init(&p->made_of, LIMIT_CONF_BYTES);
	return p;
}

int replay_place_open(const struct settings *s, struct replay_place *old, gid_t group, struct replay_place **out, struct err *e)
{
	struct replay_place *p = make();

	*out = NULL;
	if (!p)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	describe(s, &p->made_of);
	if (old && !p->made_of.failed && !old->made_of.failed && span_eq(buf_span(&p->made_of), buf_span(&old->made_of))) {
		replay_place_unref(p);
		atomic_fetch_add_explicit(&old->refs, 1, memory_order_relaxed);
		*out = old;
		return 0;
	}
	if (open_secret(p, s, group, e) || open_store(p, s, e)) {
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

int replay_place_check(const struct settings *s, gid_t group, struct err *e)
{
	unsigned char secret[SECRET_FILE_BYTES];
	struct buf text;
	int rc = 0;

	if (s->replay_key)
		rc = secret_file_read("ReplayKey", s->replay_key, s->require_safe_keys, group, secret, e);
	OPENSSL_cleanse(secret, sizeof secret);
	if (rc || !s->redis_password_file)
		return rc;
	buf_init(&text, LIMIT_KEY_FILE_BYTES);
	rc = file_read(s->redis_password_file, LIMIT_KEY_FILE_BYTES, &text, e);
	if (text.p)
		OPENSSL_cleanse(text.p, text.cap);
	buf_free(&text);
	return rc;
}

void replay_place_unref(struct replay_place *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	store_close(p->replay.store);
	OPENSSL_cleanse(p->replay.secret, sizeof p->replay.secret);
	buf_free(&p->made_of);
	free(p);
}

const struct replay *replay_place_replay(const struct replay_place *p)
{
	return &p->replay;
}

bool replay_place_redis(const struct replay_place *p, struct store_redis_stats *out)
{
	if (p->redis)
		store_redis_stats(p->replay.store, out);
	return p->redis;
}

void replay_place_tick(struct replay_place *p)
{
	store_tick(p->replay.store);
}
