/*
 * Keeps the order that the engine wants, whatever order the MTA has.
 *
 * Knows nothing of libmilter and decides nothing about messages.
 */
#include "config.h"

#include "milter/session.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/clock.h"
#include "milter/reload.h"

/* Longer names than any host, listener or account has. */
enum { FACT_MAX = 1024 };

static struct {
	atomic_uint connections, in_hand;
	atomic_ulong begun, ever;
	_Atomic int64_t start; /* of the first connection, seconds since 1970 */
} count;

/* That of the first connection is near enough: it tells the connections of one start from those of another. */
static int64_t start_time(void)
{
	int64_t none = 0, now = clock_wall_s();

	return atomic_compare_exchange_strong(&count.start, &none, now) ? now : none;
}

struct session *session_new(void)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	atomic_fetch_add(&count.connections, 1);
	if (snprintf(s->id, sizeof s->id, "%llx-%lx", (unsigned long long)start_time(), atomic_fetch_add(&count.ever, 1) + 1) < 0)
		s->id[0] = '\0';
	return s;
}

struct span session_id(const struct session *s)
{
	return span_cstr(s->id);
}

static void forget(char **fact)
{
	free(*fact);
	*fact = NULL;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_end(s);
	forget(&s->name);
	forget(&s->helo);
	forget(&s->listener);
	forget(&s->mta);
	forget(&s->auth_user);
	forget(&s->tls_version);
	forget(&s->tls_cipher);
	forget(&s->tls_bits);
	forget(&s->tls_subject);
	forget(&s->tls_issuer);
	free(s);
	atomic_fetch_sub(&count.connections, 1);
}

/*
 * A copy of our own, since libmilter's strings end with the callback.  A name
 * too long is taken for none at all: half of it could be somebody else's.
 */
static struct span keep(struct session *s, char **fact, const char *value)
{
	forget(fact);
	if (!value || strnlen(value, FACT_MAX + 1) > FACT_MAX)
		return span_make(NULL, 0);
	*fact = strdup(value);
	if (!*fact)
		s->lacking = true;
	return span_cstr(*fact);
}

static void keep_addr(struct sockaddr_storage *out, const struct sockaddr *addr)
{
	memset(out, 0, sizeof *out);
	out->ss_family = AF_UNSPEC;
	if (addr && addr->sa_family == AF_INET)
		memcpy(out, addr, sizeof(struct sockaddr_in));
	else if (addr && addr->sa_family == AF_INET6)
		memcpy(out, addr, sizeof(struct sockaddr_in6));
}

void session_connect(struct session *s, const char *name, const struct sockaddr *addr, const char *listener, const char *mta)
{
	session_end(s);
	s->lacking = false;
	keep_addr(&s->client.addr, addr);
	s->client.name = keep(s, &s->name, name);
	s->client.helo = keep(s, &s->helo, NULL);
	s->client.listener = keep(s, &s->listener, listener);
	(void)keep(s, &s->mta, mta);
}

void session_helo(struct session *s, const char *helo)
{
	/* A message in hand borrows the name, and ends with a new greeting. */
	session_end(s);
	s->client.helo = keep(s, &s->helo, helo);
}

static void keep_login(struct session *s, const struct session_login *l)
{
	s->client.auth_user = keep(s, &s->auth_user, l->auth_user);
	s->client.tls_version = keep(s, &s->tls_version, l->tls_version);
	s->client.tls_cipher = keep(s, &s->tls_cipher, l->tls_cipher);
	s->client.tls_bits = keep(s, &s->tls_bits, l->tls_bits);
	s->client.tls_subject = keep(s, &s->tls_subject, l->tls_subject);
	s->client.tls_issuer = keep(s, &s->tls_issuer, l->tls_issuer);
}

/* Are we at more messages than Overload says? */
static bool too_many(const struct engine *g)
{
	uint64_t most = engine_settings(g)->overload;

	return most && atomic_load(&count.in_hand) > most;
}

int session_mail(struct session *s, const char *from, const struct session_login *login)
{
	struct engine *g;

	session_end(s);
	g = reload_engine();
	if (!g)
		return -1;
	if (transaction_init(&s->t)) {
		engine_unref(g);
		return -1;
	}
	s->engine = g;
	s->in_body = false;
	atomic_fetch_add(&count.in_hand, 1);
	atomic_fetch_add(&count.begun, 1);
	keep_login(s, login);
	transaction_begin(&s->t, g, &s->client);
	s->t.mta_name = span_cstr(s->mta);
	s->t.session_id = session_id(s);
	s->t.overloaded = too_many(g);
	s->t.cannot = s->cannot;
	s->t.message.over_limit = s->lacking;
	message_sender(&s->t.message, span_cstr(from));
	return 0;
}

void session_rcpt(struct session *s, const char *addr)
{
	if (s->engine && !s->in_body)
		message_rcpt(&s->t.message, span_cstr(addr));
}

void session_header(struct session *s, const char *name, const char *value)
{
	if (s->engine && !s->in_body)
		message_header(&s->t.message, span_cstr(name), span_cstr(value));
}

void session_eoh(struct session *s)
{
	if (!s->engine || s->in_body)
		return;
	s->in_body = true;
	engine_headers(s->engine, &s->t, clock_wall_s());
}

void session_body(struct session *s, const void *p, size_t n)
{
	session_eoh(s);
	if (s->engine && n)
		message_body(&s->t.message, p, n);
}

void session_eom(struct session *s, const char *queue_id, int64_t now)
{
	session_eoh(s);
	if (!s->engine)
		return;
	s->t.queue_id = span_cstr(queue_id);
	engine_finish(s->engine, &s->t, now);
}

void session_end(struct session *s)
{
	if (!s->engine)
		return;
	transaction_free(&s->t);
	engine_unref(s->engine);
	s->engine = NULL;
	atomic_fetch_sub(&count.in_hand, 1);
}

bool session_in_message(const struct session *s)
{
	return s->engine != NULL;
}

struct session_count session_count(void)
{
	return (struct session_count){
		.connections = atomic_load(&count.connections),
		.in_hand = atomic_load(&count.in_hand),
		.begun = atomic_load(&count.begun),
	};
}
