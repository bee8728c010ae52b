/*
 * The verbs over Redis: one atomic command each, over a few connections that
 * threads take in turn; and what happens while the server is not there.
 *
 * Leaves sockets to store_redis_conn.c and names to store_redis_resolve.c.
 */
#include "config.h"

#include "core/store/store_redis.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/monotonic.h"
#include "core/store/store_counter.h"
#include "core/store/store_redis_internal.h"

enum {
	DOWN_MS = 1000, /* after a failure, before the next attempt */
	KEY_BYTES = LIMIT_STORE_PREFIX + STORE_KEY_MAX,
	QUOTE_MAX = 120
};

/* For servers before 7.0, where SET knows not NX and GET together. */
static const char add_script[] =
	"local v = redis.call('GET', KEYS[1]) "
	"if v then return v end "
	"redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) "
	"return false";
/* The sum is read as text: a number of Lua's has 53 bits. */
static const char incr_script[] =
	"redis.call('INCRBY', KEYS[1], ARGV[1]) "
	"if redis.call('PTTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end "
	"return redis.call('GET', KEYS[1])";

struct store_redis {
	struct store store;
	char *address;
	struct store_redis_resolver *resolver;
	struct store_redis_login login;
	char prefix[LIMIT_STORE_PREFIX];
	size_t prefix_n;
	unsigned timeout_ms, max;

	pthread_mutex_t lock; /* holds all below */
	pthread_cond_t freed;
	unsigned in_use, n_idle;
	struct store_redis_conn *idle; /* max of them; the last one used is the last */
	struct store_redis_stats stats;
	bool probing;        /* one call is trying whether it is back */
	int64_t retry_ms;    /* when the next one may, while down */
	struct err why;      /* while down */
	bool no_set_get;     /* the server is older than 7.0 */
};

/* One call: what it holds. */
struct turn {
	struct store_redis *s;
	struct store_redis_conn conn; /* fd -1: none yet */
	int64_t deadline_ms;
	bool probe;
};

/* How it ended, for the pool. */
enum outcome {
	ANSWERED,
	LET_DOWN /* the server, or what is between: the others need not try */
};

static struct store_redis *self(struct store *s)
{
	return (struct store_redis *)s;
}

/* --- the pool -------------------------------------------------------------------------- */

/* With the lock. 1: a place was had; 0: wait; -1: fail at once. */
static int try_place(struct store_redis *s, struct turn *t, struct err *e)
{
	if (s->stats.down && (s->probing || monotonic_ms() < s->retry_ms)) {
		if (e)
			*e = s->why;
		return -1;
	}
	if (s->in_use == s->max)
		return 0;
	t->probe = s->stats.down;
	s->probing = s->probing || t->probe;
	s->in_use++;
	if (s->n_idle)
		t->conn = s->idle[--s->n_idle];
	return 1;
}

static int take_place(struct store_redis *s, struct turn *t, int64_t deadline_ms, struct err *e)
{
	bool waits = true;
	int rc;

	*t = (struct turn){.s = s, .conn = {.fd = -1}, .deadline_ms = deadline_ms};
	pthread_mutex_lock(&s->lock);
	s->stats.calls++;
	while ((rc = try_place(s, t, e)) == 0 && waits)
		waits = monotonic_wait(&s->freed, &s->lock, t->deadline_ms);
	s->stats.failures += rc <= 0;
	pthread_mutex_unlock(&s->lock);
	if (rc == 0)
		return err_set(e, ERR_UNAVAILABLE, "Redis at %s: all %u connections were in use for %u ms; allow more, or look at the server", s->address, s->max, s->timeout_ms);
	return rc < 0 ? -1 : 0;
}

/* With the lock: nobody needs to find out again, nor to use what stood open. Those go to dead. */
static unsigned go_down(struct store_redis *s, const struct err *why, struct store_redis_conn *dead)
{
	unsigned n = s->n_idle;

	memcpy(dead, s->idle, n * sizeof dead[0]);
	s->n_idle = 0;
	s->stats.down = true;
	s->retry_ms = monotonic_ms() + DOWN_MS;
	s->why = *why;
	pthread_cond_broadcast(&s->freed);
	return n;
}

static void say_change(const struct store_redis *s, bool was_down, bool is_down, const struct err *why)
{
	if (!was_down && is_down)
		log_warn("store: %s; not asked but once a second until it answers", why->text);
	if (was_down && !is_down)
		log_notice("store: Redis at %s answers again", s->address);
}

/* Gives the place back; why is read for LET_DOWN only. */
static void give_place(struct turn *t, enum outcome outcome, bool failed, const struct err *why)
{
	struct store_redis *s = t->s;
	struct store_redis_conn dead[LIMIT_STORE_CONNECTIONS];
	unsigned ndead = 0;
	bool was_down;

	pthread_mutex_lock(&s->lock);
	was_down = s->stats.down;
	s->in_use--;
	s->stats.failures += failed;
	s->probing = s->probing && !t->probe;
	if (outcome == ANSWERED) {
		s->stats.down = false;
		s->idle[s->n_idle++] = t->conn;
		/* All who waited for a place may find that the server is back. */
		if (was_down)
			pthread_cond_broadcast(&s->freed);
		else
			pthread_cond_signal(&s->freed);
	} else {
		ndead = go_down(s, why, dead);
	}
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < ndead; i++)
		store_redis_conn_close(&dead[i]);
	if (outcome != ANSWERED)
		store_redis_conn_close(&t->conn);
	say_change(s, was_down, outcome != ANSWERED, why);
}

/* --- a command and what the server says to it ---------------------------------------------- */

static const struct {
	const char *word; /* the reply begins with it */
	enum err_code code;
	bool down;        /* it will say so to every command, or another connection is needed */
	const char *advice;
} refusals[] = {
	{"OOM", ERR_UNAVAILABLE, false, "it is full; give it more memory (maxmemory), or let what ends first go (maxmemory-policy volatile-ttl)"},
	{"MISCONF", ERR_UNAVAILABLE, false, "it takes no writes, since it can't save; look at its disk"},
	{"NOAUTH", ERR_RIGHTS, true, "it wants a password; set one"},
	{"WRONGPASS", ERR_RIGHTS, true, "the user or the password is wrong"},
	{"NOPERM", ERR_RIGHTS, false, "its user may not run this command; allow get, set, eval, incrby, pttl and expire on our keys"},
	{"READONLY", ERR_UNAVAILABLE, true, "it is a replica; name the primary"},
	{"LOADING", ERR_UNAVAILABLE, true, "it is starting"},
	{"MASTERDOWN", ERR_UNAVAILABLE, true, "it is a replica without its primary"},
	{"BUSY", ERR_UNAVAILABLE, true, "a script keeps it busy"},
	{"CLUSTERDOWN", ERR_UNAVAILABLE, true, "its cluster is down"},
	{"MOVED", ERR_CONFIG, true, "it is part of a cluster; name one that is not"},
	{"WRONGTYPE", ERR_DATA, false, "another program uses this key; set a prefix of our own"},
};

static struct span said(const redisReply *r)
{
	return span_make(r->str, r->str ? r->len : 0);
}

/* Why a reply is no success, in *e; whether the server is of no use. */
static bool refused(const struct store_redis *s, const redisReply *r, struct err *e)
{
	struct buf b;
	bool down = false;
	size_t i = 0, n = sizeof refusals / sizeof refusals[0];

	buf_init(&b, 4 * QUOTE_MAX + 16);
	log_quote(&b, said(r), QUOTE_MAX);
	while (i < n && !span_starts(said(r), refusals[i].word))
		i++;
	if (i < n) {
		(void)err_set(e, refusals[i].code, "Redis at %s: %s: %.*s", s->address, refusals[i].advice, SPAN_ARG(buf_span(&b)));
		down = refusals[i].down;
	} else {
		(void)err_set(e, ERR_UNAVAILABLE, "Redis at %s refuses: %.*s", s->address, SPAN_ARG(buf_span(&b)));
	}
	buf_free(&b);
	return down;
}

/* On the turn's connection, or a new one. */
static int converse(struct turn *t, const struct store_redis_command *cmd, redisReply **out, struct err *e)
{
	if (t->conn.fd >= 0 && !store_redis_conn_alive(&t->conn))
		store_redis_conn_close(&t->conn);
	if (t->conn.fd < 0 && store_redis_conn_open(&t->conn, t->s->resolver, &t->s->login, t->deadline_ms, e))
		return -1;
	return store_redis_conn_call(&t->conn, cmd, t->deadline_ms, out, e);
}

/* The server's reply, no error; or NULL and *e. *unknown, if wanted: it said "syntax error" instead (and the reply is that). */
static redisReply *ask_until(struct store_redis *s, const struct store_redis_command *cmd, int64_t deadline_ms, bool *unknown, struct err *e)
{
	struct err own = {0};
	struct turn t;
	redisReply *r;

	if (take_place(s, &t, deadline_ms, e))
		return NULL;
	if (converse(&t, cmd, &r, &own)) {
		(void)err_prefix(&own, "Redis at %s", s->address);
		if (e)
			*e = own;
		give_place(&t, LET_DOWN, true, &own);
		return NULL;
	}
	if (unknown)
		*unknown = r->type == REDIS_REPLY_ERROR && span_starts(said(r), "ERR syntax error");
	if (r->type != REDIS_REPLY_ERROR || (unknown && *unknown)) {
		give_place(&t, ANSWERED, false, NULL);
		return r;
	}
	if (refused(s, r, &own))
		give_place(&t, LET_DOWN, true, &own);
	else
		give_place(&t, ANSWERED, true, NULL);
	if (e)
		*e = own;
	freeReplyObject(r);
	return NULL;
}

static redisReply *ask(struct store_redis *s, const struct store_redis_command *cmd, struct err *e)
{
	return ask_until(s, cmd, monotonic_ms() + s->timeout_ms, NULL, e);
}

/* A verb that failed although the server answered. */
static int fail(struct store_redis *s, redisReply *r)
{
	pthread_mutex_lock(&s->lock);
	s->stats.failures++;
	pthread_mutex_unlock(&s->lock);
	freeReplyObject(r);
	return -1;
}

static int surprised(struct store_redis *s, redisReply *r, struct err *e)
{
	(void)err_set(e, ERR_UNAVAILABLE, "Redis at %s gave an answer of an unexpected kind (%d)", s->address, r->type);
	return fail(s, r);
}

/* A string's octets appended; out may be NULL. Frees the reply; rc / -1. */
static int take_string(struct store_redis *s, redisReply *r, struct buf *out, int rc, struct err *e)
{
	if (r->type != REDIS_REPLY_STRING)
		return surprised(s, r, e);
	if (r->len > STORE_VALUE_MAX || (out && buf_put(out, r->str, r->len))) {
		(void)err_set(e, ERR_DATA, "the store's value is larger than its reader takes");
		return fail(s, r);
	}
	freeReplyObject(r);
	return rc;
}

/* --- verbs --------------------------------------------------------------------------------- */

struct key {
	char octets[KEY_BYTES];
	size_t n;
};

static struct span full_key(const struct store_redis *s, struct span key, struct key *k)
{
	memcpy(k->octets, s->prefix, s->prefix_n);
	memcpy(k->octets + s->prefix_n, key.p, key.n);
	k->n = s->prefix_n + key.n;
	return span_make(k->octets, k->n);
}

enum { NUMBER_BYTES = 24 };

static struct span number(char *out, int64_t v)
{
	snprintf(out, NUMBER_BYTES, "%" PRId64, v);
	return span_cstr(out);
}

static void add_args(struct store_redis_command *cmd, const struct span *arg, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_redis_command_add(cmd, arg[i]);
}

static int redis_get(struct store *st, struct span key, struct buf *value, struct err *e)
{
	struct store_redis *s = self(st);
	struct store_redis_command cmd = {0};
	redisReply *r;
	struct key k;

	add_args(&cmd, (const struct span[]){span_cstr("GET"), full_key(s, key, &k)}, 2);
	r = ask(s, &cmd, e);
	if (!r)
		return -1;
	if (r->type != REDIS_REPLY_NIL)
		return take_string(s, r, value, 1, e);
	freeReplyObject(r);
	return 0;
}

static int redis_put(struct store *st, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	struct store_redis *s = self(st);
	struct store_redis_command cmd = {0};
	char ttl[NUMBER_BYTES];
	redisReply *r;
	struct key k;

	add_args(&cmd, (const struct span[]){span_cstr("SET"), full_key(s, key, &k), value, span_cstr("EX"), number(ttl, ttl_s)}, 5);
	r = ask(s, &cmd, e);
	if (!r)
		return -1;
	if (r->type != REDIS_REPLY_STATUS)
		return surprised(s, r, e);
	freeReplyObject(r);
	return 0;
}

static bool is_old(struct store_redis *s, bool learnt)
{
	bool old;

	pthread_mutex_lock(&s->lock);
	old = s->no_set_get = s->no_set_get || learnt;
	pthread_mutex_unlock(&s->lock);
	return old;
}

/* The value that was there, or nil: it was not, and is now. */
static redisReply *add(struct store_redis *s, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	int64_t deadline_ms = monotonic_ms() + s->timeout_ms;
	struct store_redis_command cmd = {0};
	char ttl[NUMBER_BYTES];
	bool unknown = false;
	redisReply *r;

	if (!is_old(s, false)) {
		add_args(&cmd, (const struct span[]){span_cstr("SET"), key, value, span_cstr("NX"), span_cstr("GET"), span_cstr("EX"), number(ttl, ttl_s)}, 7);
		r = ask_until(s, &cmd, deadline_ms, &unknown, e);
		if (!r || !unknown)
			return r;
		freeReplyObject(r);
		is_old(s, true);
		cmd.argc = 0;
	}
	add_args(&cmd, (const struct span[]){span_cstr("EVAL"), span_cstr(add_script), span_cstr("1"), key, value, number(ttl, ttl_s)}, 6);
	return ask_until(s, &cmd, deadline_ms, NULL, e);
}

static int redis_add_once(struct store *st, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	struct store_redis *s = self(st);
	struct key k;
	redisReply *r = add(s, full_key(s, key, &k), value, ttl_s, e);

	if (!r)
		return -1;
	if (r->type != REDIS_REPLY_NIL)
		return take_string(s, r, there, 0, e);
	freeReplyObject(r);
	return 1;
}

static int redis_incr(struct store *st, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e)
{
	struct store_redis *s = self(st);
	struct store_redis_command cmd = {0};
	char more[NUMBER_BYTES], ttl[NUMBER_BYTES];
	redisReply *r;
	struct key k;

	add_args(&cmd, (const struct span[]){span_cstr("EVAL"), span_cstr(incr_script), span_cstr("1"), full_key(s, key, &k), number(more, by), number(ttl, ttl_s)}, 6);
	r = ask(s, &cmd, e);
	if (!r)
		return -1;
	if (r->type != REDIS_REPLY_STRING)
		return surprised(s, r, e);
	if (store_counter_read(said(r), now_value, e))
		return fail(s, r);
	freeReplyObject(r);
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static void free_secret(char *s)
{
	if (s)
		OPENSSL_cleanse(s, strlen(s));
	free(s);
}

static void redis_free(struct store_redis *s)
{
	if (s->resolver)
		store_redis_resolve_close(s->resolver);
	free_secret(s->login.password);
	free(s->login.username);
	free(s->address);
	free(s->idle);
	free(s);
}

static void redis_close(struct store *st)
{
	struct store_redis *s = self(st);

	for (unsigned i = 0; i < s->n_idle; i++)
		store_redis_conn_close(&s->idle[i]);
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
	redis_free(s);
}

static const struct store_ops redis_ops = {redis_get, redis_put, redis_add_once, redis_incr, NULL, redis_close};

static int check(const struct store_redis_params *p, struct err *e)
{
	if (p->prefix && strlen(p->prefix) > LIMIT_STORE_PREFIX)
		return err_set(e, ERR_CONFIG, "the prefix of keys has at most %d characters", LIMIT_STORE_PREFIX);
	if (p->connections < 1 || p->connections > LIMIT_STORE_CONNECTIONS)
		return err_set(e, ERR_CONFIG, "a Redis server is used over 1 to %d connections, not %u", LIMIT_STORE_CONNECTIONS, p->connections);
	if (p->timeout_ms < 1)
		return err_set(e, ERR_CONFIG, "a call to a Redis server has to be given some time");
	if (p->username && !p->password)
		return err_set(e, ERR_CONFIG, "a user of a Redis server needs a password as well");
	return 0;
}

/* NULL stays NULL; false without memory. */
static bool copy(char **out, const char *s)
{
	*out = s ? strdup(s) : NULL;
	return *out || !s;
}

static int fill(struct store_redis *s, const struct store_redis_params *p, struct err *e)
{
	if (!copy(&s->address, p->address) || !copy(&s->login.username, p->username) || !copy(&s->login.password, p->password))
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	s->idle = calloc(p->connections, sizeof s->idle[0]);
	if (!s->idle)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	s->resolver = store_redis_resolve_open(p->address, e);
	if (!s->resolver)
		return -1;
	s->store.ops = &redis_ops;
	s->login.database = p->database;
	s->prefix_n = p->prefix ? strlen(p->prefix) : 0;
	memcpy(s->prefix, p->prefix ? p->prefix : "", s->prefix_n);
	s->timeout_ms = p->timeout_ms;
	s->max = p->connections;
	if (pthread_mutex_init(&s->lock, NULL))
		return err_set(e, ERR_OS, "no lock could be made");
	if (monotonic_cond_init(&s->freed) == 0)
		return 0;
	pthread_mutex_destroy(&s->lock);
	return err_set(e, ERR_OS, "no condition could be made");
}

int store_redis_open(const struct store_redis_params *p, struct store **out, struct err *e)
{
	struct store_redis *s;

	*out = NULL;
	if (check(p, e))
		return -1;
	s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if (fill(s, p, e)) {
		redis_free(s);
		return -1;
	}
	*out = &s->store;
	return 0;
}

void store_redis_stats(struct store *st, struct store_redis_stats *out)
{
	struct store_redis *s = self(st);

	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
}
