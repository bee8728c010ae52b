/*
 * What the files of store_redis share: where the server is, one connection.
 */
#ifndef STIR_CORE_STORE_STORE_REDIS_INTERNAL_H
#define STIR_CORE_STORE_STORE_REDIS_INTERNAL_H

#include <hiredis/hiredis.h>
#include <sys/socket.h>

#include "core/limits.h"
#include "core/store/store_redis.h"

struct store_redis_address {
	struct sockaddr_storage addr;
	socklen_t n;
};

/* --- store_redis_resolve.c ------------------------------------------------------ */

/*
 * A host's addresses by a deadline.  getaddrinfo() can't be ended, so it runs in a
 * thread of its own, at most one at a time, which may outlive the store.  What it
 * found is used until it finds something else.
 */
struct store_redis_resolver;

/* "/path", "host:port" or "[v6]:port"; nothing is asked yet. NULL and *e. */
struct store_redis_resolver *store_redis_resolve_open(const char *address, struct err *e) MUST_USE;
void store_redis_resolve_close(struct store_redis_resolver *r);
/* Fills out; how many (at least 1), or -1. */
int store_redis_resolve(struct store_redis_resolver *r, int64_t deadline_ms, struct store_redis_address out[LIMIT_STORE_ADDRESSES], struct err *e) MUST_USE;

/* --- store_redis_conn.c ----------------------------------------------------------- */

/* How a connection greets. */
struct store_redis_login {
	char *username, *password; /* or NULL */
	unsigned database;
};

struct store_redis_conn {
	int fd;
	redisReader *reader;
};

struct store_redis_command {
	int argc;
	const char *argv[8];
	size_t n[8];
};
void store_redis_command_add(struct store_redis_command *c, struct span arg);

/* Connects and greets; 0, or -1 and nothing is held. */
int store_redis_conn_open(struct store_redis_conn *c, struct store_redis_resolver *r, const struct store_redis_login *login, int64_t deadline_ms, struct err *e) MUST_USE;
/* Still usable as far as one can tell without asking: the server has not closed it, nor said anything. */
bool store_redis_conn_alive(const struct store_redis_conn *c);
void store_redis_conn_close(struct store_redis_conn *c);
/*
 * One command and its reply (freeReplyObject()), which may be an error of the
 * server's.  -1: the connection is of no use any more.
 */
int store_redis_conn_call(struct store_redis_conn *c, const struct store_redis_command *cmd, int64_t deadline_ms, redisReply **out, struct err *e) MUST_USE;

#endif
