/*
 * One connection: hiredis writes commands and reads replies, sockets and time are
 * ours, so that a deadline holds whatever the other end does.
 *
 * Knows no verbs.  One command is under way at a time, and anything that is not
 * its reply ends the connection.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log.h"
#include "core/monotonic.h"
#include "core/store/store_redis_internal.h"

enum {
	READ_BYTES = 16 * 1024,
	REPLY_MAX = STORE_VALUE_MAX + 64, /* the largest value, its length and line ends */
	QUOTE_MAX = 120                   /* octets of the server's that a person is shown */
};

void store_redis_command_add(struct store_redis_command *c, struct span arg)
{
	c->argv[c->argc] = arg.n ? arg.p : "";
	c->n[c->argc++] = arg.n;
}

/* --- time ------------------------------------------------------------------------- */

static int late(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "no answer in time");
}

/* Until the socket is ready or the time is over; 0 / -1. */
static int wait_ready(int fd, short events, int64_t deadline_ms, struct err *e)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline_ms - monotonic_ms();
		int n;

		if (left <= 0)
			return late(e);
		n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_set(e, ERR_OS, "poll: %s", strerror(errno));
	}
}

/* --- a command and its reply ---------------------------------------------------------- */

static int send_all(int fd, struct span s, int64_t deadline_ms, struct err *e)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			s = span_skip(s, (size_t)n);
		else if (n < 0 && errno == EAGAIN) {
			if (wait_ready(fd, POLLOUT, deadline_ms, e))
				return -1;
		} else if (n < 0 && errno != EINTR)
			return err_set(e, ERR_UNAVAILABLE, "sending: %s", strerror(errno));
	}
	return 0;
}

/* Somebody else's octets, for people. */
static int no_redis(struct span said, struct err *e)
{
	struct buf b;

	buf_init(&b, 4 * QUOTE_MAX + 16);
	log_quote(&b, said, 32);
	(void)err_set(e, ERR_UNAVAILABLE, "what answers is no Redis: it said %.*s", SPAN_ARG(buf_span(&b)));
	buf_free(&b);
	return -1;
}

/* Octets that came; 0 / -1. */
static int receive(struct store_redis_conn *c, int64_t deadline_ms, size_t *total, struct err *e)
{
	char octets[READ_BYTES];
	ssize_t n;

	if (wait_ready(c->fd, POLLIN, deadline_ms, e))
		return -1;
	n = recv(c->fd, octets, sizeof octets, MSG_DONTWAIT);
	if (n == 0)
		return err_set(e, ERR_UNAVAILABLE, "it closed the connection");
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : err_set(e, ERR_UNAVAILABLE, "receiving: %s", strerror(errno));
	/* Our commands are answered by a line, a number or one string: no arrays, so
	 * that nobody makes hiredis reserve room for two thousand million replies. */
	if (*total == 0 && !memchr("+-:$", octets[0], 4))
		return no_redis(span_make(octets, (size_t)n), e);
	*total += (size_t)n;
	if (*total > REPLY_MAX)
		return err_set(e, ERR_UNAVAILABLE, "it sent more than %d octets for one value", REPLY_MAX);
	if (redisReaderFeed(c->reader, octets, (size_t)n) != REDIS_OK)
		return err_set(e, ERR_UNAVAILABLE, "no memory for a reply");
	return 0;
}

static int read_reply(struct store_redis_conn *c, int64_t deadline_ms, redisReply **out, struct err *e)
{
	size_t total = 0;
	void *reply = NULL;

	while (!reply) {
		if (receive(c, deadline_ms, &total, e))
			return -1;
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
			return err_set(e, ERR_UNAVAILABLE, "what answers is no Redis: %s", c->reader->errstr);
	}
	*out = reply;
	/* Nobody asked for more, and it would be taken for the next reply. */
	if (c->reader->pos == c->reader->len)
		return 0;
	freeReplyObject(reply);
	*out = NULL;
	return err_set(e, ERR_UNAVAILABLE, "it said more than it was asked");
}

int store_redis_conn_call(struct store_redis_conn *c, const struct store_redis_command *cmd, int64_t deadline_ms, redisReply **out, struct err *e)
{
	/* hiredis 0.14 wants the argument vector without const inside. */
	const char *argv[8];
	char *text = NULL;
	long long n;
	int rc;

	*out = NULL;
	memcpy(argv, cmd->argv, sizeof argv);
	n = redisFormatCommandArgv(&text, cmd->argc, argv, cmd->n);
	if (n < 0)
		return err_set(e, ERR_UNAVAILABLE, "no memory for a command");
	rc = send_all(c->fd, span_make(text, (size_t)n), deadline_ms, e);
	redisFreeCommand(text);
	return rc ? -1 : read_reply(c, deadline_ms, out, e);
}

/* --- connecting ------------------------------------------------------------------------ */

static int connect_one(const struct store_redis_address *a, int64_t deadline_ms, struct err *e)
{
	int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, no = 0;
	socklen_t n = sizeof no;

	if (fd < 0)
		return err_set(e, ERR_OS, "socket: %s", strerror(errno));
	if (a->addr.ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&a->addr, a->n) == 0)
		return fd;
	if (errno != EINPROGRESS) {
		/* EAGAIN of a Unix socket: the server's queue is full. */
		(void)err_set(e, ERR_UNAVAILABLE, "connecting: %s", strerror(errno));
	} else if (wait_ready(fd, POLLOUT, deadline_ms, e) == 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &no, &n) == 0 && no == 0)
			return fd;
		(void)err_set(e, ERR_UNAVAILABLE, "connecting: %s", strerror(no));
	}
	close(fd);
	return -1;
}

/* Each address gets its share of the time that is left. */
static int connect_any(struct store_redis_resolver *r, int64_t deadline_ms, struct err *e)
{
	struct store_redis_address at[LIMIT_STORE_ADDRESSES];
	int n = store_redis_resolve(r, deadline_ms, at, e);

	for (int i = 0; i < n; i++) {
		int64_t now = monotonic_ms();
		int fd = connect_one(&at[i], now + (deadline_ms - now) / (n - i), e);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* A greeting that must be answered by OK. */
static int greet(struct store_redis_conn *c, const struct store_redis_command *cmd, const char *what, int64_t deadline_ms, struct err *e)
{
	redisReply *reply;
	struct buf b;
	bool ok;

	if (store_redis_conn_call(c, cmd, deadline_ms, &reply, e))
		return -1;
	ok = reply->type == REDIS_REPLY_STATUS;
	if (!ok) {
		buf_init(&b, 4 * QUOTE_MAX + 16);
		log_quote(&b, span_make(reply->str, reply->str ? reply->len : 0), QUOTE_MAX);
		(void)err_set(e, ERR_RIGHTS, "it refuses %s: %.*s", what, SPAN_ARG(buf_span(&b)));
		buf_free(&b);
	}
	freeReplyObject(reply);
	return ok ? 0 : -1;
}

static int log_in(struct store_redis_conn *c, const struct store_redis_login *login, int64_t deadline_ms, struct err *e)
{
	struct store_redis_command cmd = {0};
	char number[16];

	if (login->password) {
		store_redis_command_add(&cmd, span_cstr("AUTH"));
		if (login->username)
			store_redis_command_add(&cmd, span_cstr(login->username));
		store_redis_command_add(&cmd, span_cstr(login->password));
		if (greet(c, &cmd, login->username ? "user and password" : "the password", deadline_ms, e))
			return -1;
	}
	if (login->database == 0)
		return 0;
	cmd.argc = 0;
	snprintf(number, sizeof number, "%u", login->database);
	store_redis_command_add(&cmd, span_cstr("SELECT"));
	store_redis_command_add(&cmd, span_cstr(number));
	return greet(c, &cmd, "the database's number", deadline_ms, e);
}

int store_redis_conn_open(struct store_redis_conn *c, struct store_redis_resolver *r, const struct store_redis_login *login, int64_t deadline_ms, struct err *e)
{
	c->reader = NULL;
	c->fd = connect_any(r, deadline_ms, e);
	if (c->fd < 0)
		return -1;
	c->reader = redisReaderCreate();
	if (c->reader && log_in(c, login, deadline_ms, e) == 0)
		return 0;
	if (!c->reader)
		(void)err_set(e, ERR_UNAVAILABLE, "no memory for a connection");
	store_redis_conn_close(c);
	return -1;
}

bool store_redis_conn_alive(const struct store_redis_conn *c)
{
	char one;

	return recv(c->fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void store_redis_conn_close(struct store_redis_conn *c)
{
	if (c->reader)
		redisReaderFree(c->reader);
	if (c->fd >= 0)
		close(c->fd);
	c->reader = NULL;
	c->fd = -1;
}
