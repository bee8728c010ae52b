/*
 * Keeps the order that the engine wants, whatever order the MTA has.
 *
 * Knows nothing of libmilter and decides nothing about messages.
 */
#include "config.h"

#include "milter/session.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "milter/reload.h"

/* Longer names than any host, listener or account has. */
enum { FACT_MAX = 1024 };

static struct {
	atomic_uint connections, in_hand;
	atomic_ulong begun;
} count;

struct session *session_new(void)
{
	struct session *s = calloc(1, sizeof *s);

	if (s)
		atomic_fetch_add(&count.connections, 1);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_end(s);
	free(s->name);
	free(s->listener);
	free(s->mta);
	free(s->auth_user);
	free(s);
	atomic_fetch_sub(&count.connections, 1);
}

/*
 * A copy of our own, since libmilter's strings end with the callback.  A name
 * too long is taken for none at all: half of it could be somebody else's.
 */
static void keep(struct session *s, char **fact, const char *value)
{
	free(*fact);
	*fact = NULL;
	if (!value || strnlen(value, FACT_MAX + 1) > FACT_MAX)
		return;
	*fact = strdup(value);
	if (!*fact)
		s->lacking = true;
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
	keep(s, &s->name, name);
	keep(s, &s->listener, listener);
	keep(s, &s->mta, mta);
	s->client.name = span_cstr(s->name);
	s->client.listener = span_cstr(s->listener);
}

int session_mail(struct session *s, const char *from, const char *auth_user)
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
	keep(s, &s->auth_user, auth_user);
	s->client.auth_user = span_cstr(s->auth_user);
	transaction_begin(&s->t, g, &s->client);
	s->t.mta_name = span_cstr(s->mta);
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
	engine_headers(s->engine, &s->t);
}

void session_body(struct session *s, const void *p, size_t n)
{
	session_eoh(s);
	if (s->engine && n)
		message_body(&s->t.message, p, n);
}

void session_eom(struct session *s, int64_t now)
{
	session_eoh(s);
	if (s->engine)
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
