/* Calls of our own while there is a crowd, and none while there is not. */
#include "config.h"

#include "milter/nudge.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/clock.h"
#include "milter/selfcall.h"
#include "milter/session.h"
#include "tests/lib/tap.h"

static atomic_uint connections;

struct session_count session_count(void)
{
	return (struct session_count){.connections = atomic_load(&connections)};
}

static int listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof sun) || listen(fd, 5))
		tap_bail("no socket");
	return fd;
}

/* Does somebody call within that time? What it says is left in said. */
static bool called(int fd, int ms, char *said, size_t room)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int c;

	memset(said, 0, room);
	if (poll(&p, 1, ms) != 1)
		return false;
	c = accept(fd, NULL, NULL);
	n = c < 0 ? -1 : recv(c, said, room, 0);
	/* As long as libmilter would take when its threads are all at work. */
	usleep(2 * NUDGE_EVERY_MS * 1000);
	close(c);
	return n > 0;
}

/* Each call that nobody answers stays with libmilter, where it has no thread for it. */
static void silence(int fd)
{
	enum { CALLS = 5 };
	int c[CALLS], n = 0;
	int64_t since;

	c[n++] = accept(fd, NULL, NULL);
	since = clock_monotonic_ms();
	while (n < CALLS)
		c[n++] = accept(fd, NULL, NULL);
	tap_ok(clock_monotonic_ms() - since >= (1 + 2 + 4 + 8) * NUDGE_EVERY_MS, "less and less often where nobody answers");
	while (n--)
		close(c[n]);
}

/* All that Socket may be. */
static void aims(void)
{
	static const struct {
		const char *spec;
		int family;
	} list[] = {
		{"local:/run/sock", AF_UNIX}, {"unix:/run/sock", AF_UNIX}, {"inet:8890@127.0.0.1", AF_INET}, {"inet:8890@[127.0.0.1]", AF_INET},
		{"inet6:8890@::1", AF_INET6}, {"inet6:8890@[::1]", AF_INET6},
	};
	struct selfcall c;

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		struct err e = {.code = ERR_NONE};

		tap_ok(selfcall_aim(&c, list[i].spec, &e) == 0 && c.addr.ss_family == list[i].family, "aims at %s %s", list[i].spec, e.text);
	}
}

int main(void)
{
	char spec[120], path[100], said[16];
	struct err e = {.code = ERR_NONE};
	int64_t since;
	int fd, n = 0;

	snprintf(path, sizeof path, "%s/sock", tap_tempdir());
	snprintf(spec, sizeof spec, "local:%s", path);
	fd = listen_at(path);
	(void)alarm(60);
	aims();
	nudge_wake();
	tap_int(nudge_start(spec, &e), 0, "it starts");
	atomic_store(&connections, 1);
	nudge_wake();
	tap_ok(!called(fd, 4 * NUDGE_EVERY_MS, said, sizeof said), "one connection needs no help");
	atomic_store(&connections, 2);
	nudge_wake();
	tap_ok(called(fd, 5000, said, sizeof said), "two do");
	tap_ok(memcmp(said, "\0\0\0\1Q", 5) == 0, "by one that says goodbye at once");
	since = clock_monotonic_ms();
	while (n < 5 && called(fd, 5000, said, sizeof said))
		n++;
	tap_ok(n == 5 && clock_monotonic_ms() - since < 5000, "again and again, answered or not");
	silence(fd);
	tap_ok(called(fd, 5000, said, sizeof said) && called(fd, 5000, said, sizeof said), "until somebody does");
	atomic_store(&connections, 0);
	while (called(fd, 10 * NUDGE_EVERY_MS, said, sizeof said))
		;
	tap_ok(!called(fd, 4 * NUDGE_EVERY_MS, said, sizeof said), "not when they have gone");
	close(fd);
	return tap_done();
}
