/*
 * The socket the MTA connects to.
 */
#ifndef STIR_MILTER_LISTEN_H
#define STIR_MILTER_LISTEN_H

#include <sys/types.h>

#include "core/err.h"

struct listen {
	char *path; /* owned; NULL unless local: */
	dev_t dev;
	ino_t ino;  /* what we made, so that we remove nobody else's */
};

/* Could that be opened? Looks only. spec may be NULL. 0, or -1 and *e. */
int listen_check(const char *spec, struct err *e) MUST_USE;

/*
 * Opens it through libmilter (smfi_register() was called).  A local socket that
 * nobody answers on is taken away first; one that somebody answers on is an
 * error (ERR_UNAVAILABLE).  Its mode follows from the umask. 0, or -1 and *e.
 */
int listen_open(struct listen *l, const char *spec, struct err *e) MUST_USE;

/*
 * The same without libmilter, for a server of our own: *fd is a socket that
 * listens, on this host only (else an error). name is the setting's.
 */
int listen_socket(struct listen *l, const char *name, const char *spec, int *fd, struct err *e) MUST_USE;
/* listen_check() for it; spec may be NULL: fine. */
int listen_check_socket(const char *name, const char *spec, struct err *e) MUST_USE;

/* Removes the socket's name, if it is still ours. */
void listen_close(struct listen *l);

#endif
