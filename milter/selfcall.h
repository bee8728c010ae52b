/*
 * Does our own socket still answer?  A call as an MTA would make it: connect,
 * say goodbye, and wait until the other side, a thread of libmilter, hangs up.
 *
 * A process that can't accept any more (out of descriptors, stuck, its socket
 * file removed) looks alive from everywhere but there.
 */
#ifndef STIR_MILTER_SELFCALL_H
#define STIR_MILTER_SELFCALL_H

#include <sys/socket.h>

#include "core/err.h"

struct selfcall {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Where "Socket spec" is reached, looked up once. 0, or -1 and *e. */
int selfcall_aim(struct selfcall *c, const char *spec, struct err *e) MUST_USE;

/* 0 when it answered within that time, else -1 and *e. Waits; any thread. */
int selfcall_ask(const struct selfcall *c, int timeout_ms, struct err *e) MUST_USE;

#endif
