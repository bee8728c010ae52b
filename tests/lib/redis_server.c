/* Starting, asking and killing a redis-server. */
#include "config.h"

#include "tests/lib/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

enum { WORDS = 32, START_MS = 10000, STEP_MS = 20 };

static bool in_path(const char *name)
{
	const char *env = getenv("PATH");
	struct span path = span_cstr(env ? env : "");

	while (path.n) {
		struct span dir = span_cut(&path, ':');
		char file[512];

		snprintf(file, sizeof file, "%.*s/%s", SPAN_ARG(dir), name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

bool redis_server_have(void)
{
	if (in_path("redis-server"))
		return true;
	if (getenv("STIR_NEED_REDIS"))
		tap_bail("redis-server is not installed");
	return false;
}

static void run(const struct redis_server *s, const char *const *extra)
{
	const char *argv[WORDS];
	char port[16], log[160];
	int n = 0, fd;

	snprintf(port, sizeof port, "%u", s->port);
	snprintf(log, sizeof log, "%s/redis.log", s->dir);
	for (const char *const *w = (const char *const[]){"redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket", "redis.sock", "--dir", s->dir, "--save", "", "--appendonly", "no", NULL}; *w; w++)
		argv[n++] = *w;
	for (; extra && *extra && n < WORDS - 1; extra++)
		argv[n++] = *extra;
	argv[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_CREAT | O_WRONLY | O_APPEND, 0600);
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static redisReply *ask(const struct redis_server *s, const char *const *word)
{
	redisContext *c = redisConnectUnixWithTimeout(s->socket, (struct timeval){.tv_sec = 5});
	redisReply *r = NULL;
	const char *argv[WORDS];
	int n = 0;

	while (word[n] && n < WORDS) {
		argv[n] = word[n];
		n++;
	}
	if (c && !c->err)
		r = redisCommandArgv(c, n, argv, NULL);
	if (c)
		redisFree(c);
	return r;
}

static bool answers(const struct redis_server *s)
{
	redisReply *r = ask(s, (const char *const[]){"PING", NULL});
	/* One that wants a password answers as well; one that is loading does not yet. */
	bool ok = r && (r->type == REDIS_REPLY_STATUS || !span_starts(span_cstr(r->str), "LOADING"));

	freeReplyObject(r);
	return ok;
}

void redis_server_start(struct redis_server *s, const char *dir, unsigned port, const char *const *extra)
{
	memset(s, 0, sizeof *s);
	snprintf(s->dir, sizeof s->dir, "%s", dir);
	snprintf(s->socket, sizeof s->socket, "/proc/self/cwd/%s/redis.sock", dir);
	s->port = port;
	fflush(NULL);
	s->pid = fork();
	if (s->pid == 0)
		run(s, extra);
	if (s->pid < 0)
		tap_bail("fork");
	for (int ms = 0; !answers(s); ms += STEP_MS) {
		if (ms > START_MS || waitpid(s->pid, NULL, WNOHANG))
			tap_bail("redis-server does not start; see %s/redis.log", dir);
		usleep(STEP_MS * 1000);
	}
}

void redis_server_kill(struct redis_server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	unlink(s->socket);
}

void redis_server_command(const struct redis_server *s, struct buf *out, const char *const *word)
{
	redisReply *r = ask(s, word);

	if (!r || r->type == REDIS_REPLY_ERROR)
		tap_bail("redis: %s: %s", word[0], r ? r->str : "no reply");
	if (out && r->type == REDIS_REPLY_INTEGER)
		buf_printf(out, "%lld", r->integer);
	else if (out && r->type == REDIS_REPLY_NIL)
		buf_puts(out, "(nil)");
	else if (out && r->str)
		buf_put(out, r->str, r->len);
	freeReplyObject(r);
}

unsigned redis_server_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof a;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &n))
		tap_bail("no port on loopback");
	close(fd);
	return ntohs(a.sin_port);
}
