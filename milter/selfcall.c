/*
 * Knows of the milter protocol one packet, SMFIC_QUIT: it is legal at any time,
 * is answered by the end of the connection, and reaches no callback but that of
 * the end, so that nothing an MTA negotiated is touched.
 */
#include "config.h"

#include "milter/selfcall.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/clock.h"

static const char quit[] = {0, 0, 0, 1, 'Q'};

static int aim_local(struct selfcall *c, const char *path, struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof sun.sun_path)
		return err_set(e, ERR_CONFIG, "Socket %s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	memcpy(&c->addr, &sun, sizeof sun);
	c->len = sizeof sun;
	return 0;
}

static int aim_fd(struct selfcall *c, const char *number, struct err *e)
{
	c->len = sizeof c->addr;
	if (getsockname((int)strtol(number, NULL, 10), (struct sockaddr *)&c->addr, &c->len))
		return err_set(e, ERR_OS, "Socket fd:%s: %s", number, strerror(errno));
	return 0;
}

/* A copy; addresses may stand in brackets, as libmilter takes them. */
static char *host_of(const char *at)
{
	size_t n = strlen(at);

	return n > 2 && at[0] == '[' && at[n - 1] == ']' ? strndup(at + 1, n - 2) : strndup(at, n);
}

/* spec: PORT@HOST */
static int aim_inet(struct selfcall *c, const char *spec, int family, struct err *e)
{
	const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	const char *at = strchr(spec, '@');
	struct addrinfo *found = NULL;
	char *port, *host;
	int rc;

	if (!at)
		return err_set(e, ERR_CONFIG, "Socket %s: no address", spec);
	port = strndup(spec, (size_t)(at - spec));
	host = host_of(at + 1);
	rc = port && host ? getaddrinfo(host, port, &hints, &found) : EAI_MEMORY;
	free(port);
	free(host);
	if (rc || !found || found->ai_addrlen > sizeof c->addr)
		return err_set(e, ERR_UNAVAILABLE, "Socket %s: %s", spec, rc ? gai_strerror(rc) : "no address");
	memcpy(&c->addr, found->ai_addr, found->ai_addrlen);
	c->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int selfcall_aim(struct selfcall *c, const char *spec, struct err *e)
{
	const char *rest = strchr(spec, ':');

	*c = (struct selfcall){0};
	if (!rest++)
		return err_set(e, ERR_CONFIG, "Socket %s: of no kind", spec);
	if (strncmp(spec, "fd:", 3) == 0)
		return aim_fd(c, rest, e);
	if (strncmp(spec, "inet:", 5) == 0)
		return aim_inet(c, rest, AF_INET, e);
	if (strncmp(spec, "inet6:", 6) == 0)
		return aim_inet(c, rest, AF_INET6, e);
	return aim_local(c, rest, e);
}

/* 0 when something has come up until then. */
static int await(int fd, short events, int64_t until, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int n;

	do {
		left = until - clock_monotonic_ms();
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, ERR_OS, "poll: %s", strerror(errno));
	return n ? 0 : err_set(e, ERR_UNAVAILABLE, "our own socket does not answer");
}

static int call(int fd, const struct selfcall *c, int64_t until, struct err *e)
{
	ssize_t n;
	char rest[64];

	/* EINPROGRESS: what came of it shows when we write. */
	if (connect(fd, (const struct sockaddr *)&c->addr, c->len) && errno != EINPROGRESS)
		return err_set(e, ERR_UNAVAILABLE, "can't connect to our own socket: %s", strerror(errno));
	if (await(fd, POLLOUT, until, e))
		return -1;
	if (send(fd, quit, sizeof quit, MSG_NOSIGNAL) != (ssize_t)sizeof quit)
		return err_set(e, ERR_UNAVAILABLE, "can't write to our own socket: %s", strerror(errno));
	do {
		if (await(fd, POLLIN, until, e))
			return -1;
		n = recv(fd, rest, sizeof rest, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 ? 0 : err_set(e, ERR_UNAVAILABLE, "our own socket: %s", strerror(errno));
}

int selfcall_ask(const struct selfcall *c, int timeout_ms, struct err *e)
{
	int fd = socket(c->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return err_set(e, ERR_OS, "can't make a socket: %s", strerror(errno));
	rc = call(fd, c, clock_monotonic_ms() + timeout_ms, e);
	(void)close(fd);
	return rc;
}
