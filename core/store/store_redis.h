/*
 * A store in Redis (6.2 and later; best 7.0) or Valkey, for several hosts.
 *
 * The server is not needed to open: it may come later.  After a failure, calls
 * fail at once for a second, then one of them tries again; it heals by itself,
 * and both changes are logged.  An answer that the server is full is not one of
 * those: reading goes on.
 */
#ifndef STIR_CORE_STORE_STORE_REDIS_H
#define STIR_CORE_STORE_STORE_REDIS_H

#include "core/store.h"

struct store_redis_params {
	const char *address;   /* "/path" of a socket, "host:port" or "[v6]:port" */
	const char *username;  /* or NULL */
	const char *password;  /* or NULL */
	unsigned database;
	const char *prefix;    /* put before each key, e.g. "stir:"; at most LIMIT_STORE_PREFIX; NULL: none */
	unsigned timeout_ms;   /* of each call; name look-up, connecting and waiting for a connection included */
	unsigned connections;  /* at most so many; 1..LIMIT_STORE_CONNECTIONS */
};

struct store_redis_stats {
	unsigned long calls, failures; /* failures: all -1, the fast ones included */
	bool down;
};

/* Copies the parameters. Gives *out, or -1 and *e. */
int store_redis_open(const struct store_redis_params *p, struct store **out, struct err *e) MUST_USE;
void store_redis_stats(struct store *s, struct store_redis_stats *out);

#endif
