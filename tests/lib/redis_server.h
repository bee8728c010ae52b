/*
 * A redis-server of the test's own, on a Unix socket in the test's folder.
 */
#ifndef STIR_TESTS_LIB_REDIS_SERVER_H
#define STIR_TESTS_LIB_REDIS_SERVER_H

#include <sys/types.h>

#include "core/buf.h"

struct redis_server {
	pid_t pid;
	char dir[64];   
	char socket[108]; /* absolute, and short wherever the build is */
	unsigned port;    /* on 127.0.0.1 as well; 0: not */
};

/* False when none is installed. $STIR_NEED_REDIS makes that an end of the test. */
bool redis_server_have(void);
/* In dir, which is there; extra: up to eight words more, NULL-terminated, or NULL. Waits until it answers; bails out. */
void redis_server_start(struct redis_server *s, const char *dir, unsigned port, const char *const *extra);
/* By kill -9; NULL-safe on a stopped one. */
void redis_server_kill(struct redis_server *s);
/* A command of words; its reply as text (an integer in digits, nil as "(nil)") appended to out, which may be NULL. Bails out. */
void redis_server_command(const struct redis_server *s, struct buf *out, const char *const *word);
/* A port nobody has now. */
unsigned redis_server_free_port(void);

#endif
