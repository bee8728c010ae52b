/*
 * Redis that is not there, stalls, is full, restarts, is something else: each call
 * ends in time, the next ones fail at once, and it heals by itself.
 *
 * A server of the test's own stands between where Redis itself would not misbehave.
 */
#include "config.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/store/store_redis.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/tap.h"

enum { TIMEOUT_MS = 300, SLACK_MS = 50, AT_ONCE_MS = 20, HEAL_MS = 1100, ATTEMPTS = 3, THREADS = 8 };

static struct redis_server redis;
static struct err err;

static double ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct store *open_params(const struct store_redis_params *p)
{
	struct store *s;

	if (store_redis_open(p, &s, &err))
		tap_bail("%s", err.text);
	return s;
}

static struct store *open_at(const char *address)
{
	return open_params(&(struct store_redis_params){.address = address, .prefix = "t:", .timeout_ms = TIMEOUT_MS, .connections = 2});
}

static int put(struct store *s, const char *value)
{
	return store_put(s, span_cstr("key"), span_cstr(value), 100, &err);
}

static int get(struct store *s)
{
	struct buf b;
	int rc;

	buf_init(&b, STORE_VALUE_MAX);
	rc = store_get(s, span_cstr("key"), &b, &err);
	buf_free(&b);
	return rc;
}

/* A call that takes how long. */
static int timed_put(struct store *s, double *ms)
{
	double t0 = ms_now();
	int rc = put(s, "v");

	*ms = ms_now() - t0;
	return rc;
}

static bool is_down(struct store *s)
{
	struct store_redis_stats st;

	store_redis_stats(s, &st);
	return st.down;
}

/* The machine may be busy with something else for a moment, but not three times. */
static void fails_in_time(const char *address, const char *what)
{
	double first = 0, second = 0;
	int rc1 = 0, rc2 = 0;
	char why[ERR_TEXT_BYTES] = "";
	bool good = false, down = false;

	for (int i = 0; i < ATTEMPTS && !good; i++) {
		struct store *s = open_at(address);

		rc1 = timed_put(s, &first);
		memcpy(why, err.text, sizeof why);
		rc2 = timed_put(s, &second);
		down = is_down(s);
		good = first < TIMEOUT_MS + SLACK_MS && second < AT_ONCE_MS;
		store_close(s);
	}
	tap_ok(rc1 == -1 && first < TIMEOUT_MS + SLACK_MS, "%s: fails in %.0f ms: %s", what, first, why);
	tap_ok(rc2 == -1 && second < AT_ONCE_MS && down && strcmp(why, err.text) == 0, "%s: then at once (%.1f ms), for the same reason", what, second);
}

static bool heals(struct store *s)
{
	usleep(HEAL_MS * 1000);
	return put(s, "v") == 0 && get(s) == 1 && !is_down(s);
}

/* --- Redis itself ---------------------------------------------------------------------- */

static void start(void)
{
	redis_server_start(&redis, tap_tempdir(), 0, NULL);
}

static void test_not_there(void)
{
	char address[256];
	struct store *s;

	snprintf(address, sizeof address, "/proc/self/cwd/%s/redis.sock", tap_tempdir());
	fails_in_time(address, "a server that is not there");
	s = open_at(address);
	tap_int(put(s, "v"), -1, "it need not be there to open");
	start();
	tap_ok(heals(s), "and is used when it has come");
	store_close(s);
}

static void test_restart(void)
{
	struct store *s = open_at(redis.socket);
	struct store_redis_stats st;

	tap_int(put(s, "v"), 0, "it works");
	redis_server_kill(&redis);
	start();
	tap_int(put(s, "v"), 0, "a restart between two calls is not noticed");
	redis_server_kill(&redis);
	tap_ok(put(s, "v") == -1 && put(s, "v") == -1 && is_down(s), "killed: %s", err.text);
	store_redis_stats(s, &st);
	tap_ok(st.calls == 4 && st.failures == 2, "calls and failures are counted, the fast ones too");
	start();
	tap_ok(heals(s), "started again: heals");
	store_close(s);
}

struct caller {
	struct store *s;
	double ms;
	int rc;
};

static void *call_once(void *arg)
{
	struct caller *c = arg;
	double t0 = ms_now();
	struct err e;

	c->rc = store_put(c->s, span_cstr("key"), span_cstr("v"), 100, &e);
	c->ms = ms_now() - t0;
	return NULL;
}

static double call_from_many(struct store *s, unsigned *failed)
{
	struct caller c[THREADS];
	pthread_t t[THREADS];
	double worst = 0;

	*failed = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		c[i] = (struct caller){.s = s};
		if (pthread_create(&t[i], NULL, call_once, &c[i]))
			tap_bail("no thread");
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		*failed += c[i].rc == -1;
		worst = c[i].ms > worst ? c[i].ms : worst;
	}
	return worst;
}

static void test_stalled(void)
{
	struct store *s = open_at(redis.socket);
	double worst = 1e9, one;
	unsigned failed = 0;
	int rc;

	tap_int(put(s, "v"), 0, "it works");
	kill(redis.pid, SIGSTOP);
	for (int i = 0; i < ATTEMPTS && worst >= TIMEOUT_MS + SLACK_MS; i++) {
		worst = call_from_many(s, &failed);
		if (i + 1 < ATTEMPTS && worst >= TIMEOUT_MS + SLACK_MS)
			usleep(HEAL_MS * 1000);
	}
	tap_ok(failed == THREADS && worst < TIMEOUT_MS + SLACK_MS, "stalled: eight threads over two connections all end in time (the last after %.0f ms)", worst);
	rc = timed_put(s, &one);
	tap_ok(rc == -1 && one < AT_ONCE_MS, "then at once (%.1f ms): %s", one, err.text);
	usleep(HEAL_MS * 1000);
	rc = timed_put(s, &one);
	tap_ok(rc == -1 && one >= TIMEOUT_MS - 1, "after a second one call tries again (%.0f ms)", one);
	rc = timed_put(s, &one);
	tap_ok(rc == -1 && one < AT_ONCE_MS, "the others do not (%.1f ms)", one);
	kill(redis.pid, SIGCONT);
	tap_ok(heals(s), "let go on: heals");
	worst = call_from_many(s, &failed);
	tap_ok(failed == 0, "and all threads get through (%.0f ms)", worst);
	store_close(s);
	fails_in_time("127.0.0.1:9", "a port where nobody listens");
}

static void command(const char *a, const char *b, const char *c, const char *d)
{
	redis_server_command(&redis, NULL, (const char *const[]){a, b, c, d, NULL});
}

static void test_full(void)
{
	struct store *s = open_at(redis.socket);
	double ms;
	int rc;

	tap_int(put(s, "v"), 0, "it works");
	command("CONFIG", "SET", "maxmemory-policy", "noeviction");
	command("CONFIG", "SET", "maxmemory", "1");
	rc = timed_put(s, &ms);
	tap_ok(rc == -1 && ms < TIMEOUT_MS, "full: writing fails (%.0f ms): %s", ms, err.text);
	tap_ok(strstr(err.text, "maxmemory") && !is_down(s), "with what to do; the server is not taken for dead");
	tap_int(get(s), 1, "reading goes on");
	tap_int(store_add_once(s, span_cstr("new"), span_cstr("v"), 9, NULL, &err), -1, "add_once fails as well");
	command("CONFIG", "SET", "maxmemory", "0");
	tap_int(put(s, "v"), 0, "with more memory all is well at once");
	store_close(s);
}

static void test_replica(void)
{
	struct store *s = open_at(redis.socket);

	command("REPLICAOF", "127.0.0.1", "1", NULL);
	tap_ok(put(s, "v") == -1 && strstr(err.text, "primary") && is_down(s), "a replica: %s", err.text);
	command("REPLICAOF", "NO", "ONE", NULL);
	tap_ok(heals(s), "made the primary: heals, over a new connection");
	store_close(s);
}

static void test_others_keys(void)
{
	struct store *s = open_at(redis.socket);
	struct buf b;
	int64_t n;

	command("LPUSH", "t:list", "x", NULL);
	buf_init(&b, 100);
	tap_ok(store_get(s, span_cstr("list"), &b, &err) == -1 && strstr(err.text, "prefix"), "somebody else's list under our key: %s", err.text);
	tap_ok(store_incr(s, span_cstr("list"), 1, 9, &n, &err) == -1 && !is_down(s), "also for a counter: %s", err.text);
	command("SETRANGE", "t:huge", "600000", "x");
	tap_ok(store_get(s, span_cstr("huge"), &b, &err) == -1 && b.n == 0, "a value larger than ours can be: %s", err.text);
	buf_free(&b);
	store_close(s);
}

static void test_ttl(void)
{
	struct store *s = open_at(redis.socket);
	static const char *const keys[] = {"t:p", "t:a", "t:i"};
	bool ok;
	int64_t n;

	ok = store_put(s, span_cstr("p"), span_cstr("v"), 1000, &err) == 0 && store_add_once(s, span_cstr("a"), span_cstr("v"), 1000, NULL, &err) == 1 && store_incr(s, span_cstr("i"), 1, 1000, &n, &err) == 0;
	for (unsigned i = 0; i < 3; i++) {
		struct buf b;

		buf_init(&b, 100);
		redis_server_command(&redis, &b, (const char *const[]){"TTL", keys[i], NULL});
		buf_putc(&b, '\0');
		ok = ok && !b.failed && strtol(b.p, NULL, 10) > 990 && strtol(b.p, NULL, 10) <= 1000;
		buf_free(&b);
	}
	tap_ok(ok, "each of the three verbs sets the lifetime in the server itself");
	store_close(s);
}

static void test_connections(void)
{
	struct store *s = open_at(redis.socket);
	unsigned failed;
	struct buf b;
	unsigned n = 0;

	(void)call_from_many(s, &failed);
	buf_init(&b, 100000);
	redis_server_command(&redis, &b, (const char *const[]){"CLIENT", "LIST", "TYPE", "normal", NULL});
	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == '\n';
	tap_ok(failed == 0 && n >= 2 && n <= 3, "eight threads share two connections (%u and the one that asks)", n - 1);
	buf_free(&b);
	store_close(s);
}

/* --- who we are -------------------------------------------------------------------------- */

static bool works(const struct store_redis_params *p)
{
	struct store *s = open_params(p);
	bool ok = put(s, "v") == 0 && get(s) == 1;

	store_close(s);
	return ok;
}

static void test_login(void)
{
	struct store_redis_params p = {.address = redis.socket, .prefix = "t:", .timeout_ms = TIMEOUT_MS, .connections = 2, .database = 5};

	tap_ok(works(&p), "another database");
	p.database = 99;
	tap_ok(!works(&p) && strstr(err.text, "database"), "one that is not there: %s", err.text);
	p.database = 0;
	command("ACL", "SETUSER", "milter", "on");
	redis_server_command(&redis, NULL, (const char *const[]){"ACL", "SETUSER", "milter", ">pass word", "~t:*", "+get", "+set", "+eval", "+incrby", "+pttl", "+expire", NULL});
	p.username = "milter";
	p.password = "pass word";
	tap_ok(works(&p), "a user with what the advice allows");
	p.password = "other";
	tap_ok(!works(&p) && err.code == ERR_RIGHTS, "a wrong password: %s", err.text);
	tap_ok(!strstr(err.text, "other"), "which is not told");
	p.password = "pass word";
	p.prefix = "u:";
	tap_ok(!works(&p) && err.code == ERR_RIGHTS, "keys that the user may not touch: %s", err.text);
	p = (struct store_redis_params){.address = redis.socket, .timeout_ms = TIMEOUT_MS, .connections = 2};
	tap_ok(works(&p), "no prefix");
	command("CONFIG", "SET", "requirepass", "secret");
	tap_ok(!works(&p) && err.code == ERR_RIGHTS && strstr(err.text, "password"), "a server that wants a password: %s", err.text);
	p.password = "secret";
	tap_ok(works(&p), "and gets it");
	redis_server_kill(&redis);
	start();
}

/* Each at its limit, and one more; a server need not be there. */
static void test_limits(void)
{
	char prefix[LIMIT_STORE_PREFIX + 2];
	struct store *s;

	for (unsigned more = 0; more <= 1; more++) {
		struct store_redis_params p = {.address = "[::1]:6379", .timeout_ms = 1, .connections = LIMIT_STORE_CONNECTIONS + more};

		tap_int(store_redis_open(&p, &s, &err), more ? -1 : 0, "%u connections", p.connections);
		store_close(s);
		memset(prefix, 'p', sizeof prefix);
		prefix[LIMIT_STORE_PREFIX + more] = '\0';
		p.connections = 1;
		p.prefix = prefix;
		tap_int(store_redis_open(&p, &s, &err), more ? -1 : 0, "a prefix of %zu octets", strlen(prefix));
		store_close(s);
	}
}

static void test_addresses(void)
{
	static const char *const bad[] = {"", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:6379x", ":6379", "::1:6379", "[::1]", "[]:6379", "localhost:+1", "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"};
	struct store *s;
	unsigned refused = 0;
	struct store_redis_params p = {.timeout_ms = 1, .connections = 1};
	char address[64];
	double t0;

	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		p.address = bad[i];
		if (store_redis_open(&p, &s, &err) == -1 && s == NULL && err.code == ERR_CONFIG)
			refused++;
		else
			tap_note("not refused: %s", bad[i]);
	}
	tap_int(refused, sizeof bad / sizeof bad[0], "what is no address is refused, e.g. %s", err.text);
	p.address = "[::1]:6379";
	p.connections = 0;
	tap_int(store_redis_open(&p, &s, &err), -1, "no connections: %s", err.text);
	p.connections = 1;
	p.username = "x";
	tap_int(store_redis_open(&p, &s, &err), -1, "a user alone: %s", err.text);
	redis_server_kill(&redis);
	redis_server_start(&redis, tap_tempdir(), redis_server_free_port(), NULL);
	snprintf(address, sizeof address, "127.0.0.1:%u", redis.port);
	tap_ok(works(&(struct store_redis_params){.address = address, .timeout_ms = TIMEOUT_MS, .connections = 1}), "by number and port");
	snprintf(address, sizeof address, "localhost:%u", redis.port);
	tap_ok(works(&(struct store_redis_params){.address = address, .timeout_ms = 2000, .connections = 1}), "by name and port");
	t0 = ms_now();
	s = open_at("no-such-host.invalid:6379");
	tap_int(put(s, "v"), -1, "a name that is not there: %s", err.text);
	t0 = ms_now() - t0;
	tap_ok(t0 < TIMEOUT_MS + 2 * SLACK_MS, "is told in time (%.0f ms)", t0);
	store_close(s);
}

/* --- something else that answers ------------------------------------------------------------ */

enum play { SILENT, CLOSING, SAYING, TRICKLING, FLOODING, OLD };

static atomic_int play;
static _Atomic(const char *) saying;
static atomic_uint refusals;
static int listener;
static unsigned port;

/* What a server before 7.0 says. */
static bool old_server_says(int fd, const char *p, size_t n)
{
	static const char no[] = "-ERR syntax error\r\n";

	if (!memmem(p, n, "\r\nNX\r\n", 6) || !memmem(p, n, "\r\nGET\r\n", 7))
		return false;
	atomic_fetch_add(&refusals, 1);
	return send(fd, no, sizeof no - 1, MSG_NOSIGNAL) > 0;
}

static void pass_on(int fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int up = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char octets[65536];

	snprintf(un.sun_path, sizeof un.sun_path, "%s", redis.socket);
	if (connect(up, (struct sockaddr *)&un, sizeof un))
		return;
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = up, .events = POLLIN}};
		int from;
		ssize_t n;

		if (poll(p, 2, 5000) <= 0)
			break;
		from = p[0].revents ? fd : up;
		n = recv(from, octets, sizeof octets, 0);
		if (n <= 0)
			break;
		if (from == fd && old_server_says(fd, octets, (size_t)n))
			continue;
		if (send(from == fd ? up : fd, octets, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	}
	close(up);
}

static void trickle(int fd)
{
	static const char head[] = "$1000\r\n";

	for (unsigned i = 0; i < 1000; i++) {
		if (send(fd, i < sizeof head - 1 ? head + i : "x", 1, MSG_NOSIGNAL) != 1)
			return;
		usleep(20 * 1000);
	}
}

static void flood(int fd)
{
	static const char head[] = "$400000000\r\n", octets[65536];

	if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) < 0)
		return;
	while (send(fd, octets, sizeof octets, MSG_NOSIGNAL) > 0)
		;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char octets[4096];
	const char *say = atomic_load(&saying);

	switch (atomic_load(&play)) {
	case SILENT:
		while (recv(fd, octets, sizeof octets, 0) > 0)
			;
		break;
	case SAYING:
		if (recv(fd, octets, sizeof octets, 0) > 0 && send(fd, say, strlen(say), MSG_NOSIGNAL) > 0)
			while (recv(fd, octets, sizeof octets, 0) > 0)
				;
		break;
	case TRICKLING:
		trickle(fd);
		break;
	case FLOODING:
		if (recv(fd, octets, sizeof octets, 0) > 0)
			flood(fd);
		break;
	case OLD:
		pass_on(fd);
		break;
	default:
		break;
	}
	close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t t;

		if (fd < 0)
			return NULL;
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd))
			tap_bail("no thread");
		pthread_detach(t);
	}
}

static const struct row {
	const char *what;
	enum play play;
	const char *says;
} rows[] = {
	{"one that never answers", SILENT, ""},
	{"one that closes at once", CLOSING, ""},
	{"one that sends an octet now and then", TRICKLING, ""},
	{"one that floods", FLOODING, ""},
	{"a web server", SAYING, "HTTP/1.1 400 Bad Request\r\n\r\n"},
	{"a mail server", SAYING, "220 mail.example ESMTP\r\n"},
	{"binary rubbish", SAYING, "\x01\xff\x1b[31m\r\n"},
	{"an array of thousands of millions", SAYING, "*2147483647\r\n"},
	{"arrays in arrays", SAYING, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"},
	{"a string of a length that can't be", SAYING, "$99999999999999999999\r\n"},
	{"a string of negative length", SAYING, "$-7\r\n"},
	{"a string without end", SAYING, "$5\r\nhelloXX+OK\r\n"},
	{"a number that is none", SAYING, ":12a\r\n"},
	{"two answers to one question", SAYING, "+OK\r\n+OK\r\n"},
	{"half an answer", SAYING, "+O"},
	{"an error of control characters", SAYING, "-LOADING \x1b[2J\x07\xff\xfe\r\n"},
};

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static void test_impostors(void)
{
	char address[64];

	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		atomic_store(&saying, rows[i].says);
		atomic_store(&play, rows[i].play);
		fails_in_time(address, rows[i].what);
		if (!printable(err.text))
			tap_ok(false, "%s: told in printable characters", rows[i].what);
	}
}

static void test_wrong_answer(void)
{
	char address[64];
	struct store *s;
	int64_t n;

	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	atomic_store(&play, SAYING);
	atomic_store(&saying, ":7\r\n");
	s = open_at(address);
	tap_ok(get(s) == -1 && strstr(err.text, "unexpected"), "an answer of another kind: %s", err.text);
	store_close(s);
	atomic_store(&saying, "$3\r\n1x2\r\n");
	s = open_at(address);
	tap_ok(store_incr(s, span_cstr("k"), 1, 9, &n, &err) == -1, "a counter that is none: %s", err.text);
	store_close(s);
}

static void test_old_server(void)
{
	char address[64];
	struct store *s;
	struct buf b;
	int rc;

	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	atomic_store(&play, OLD);
	s = open_at(address);
	tap_int(store_add_once(s, span_cstr("old"), span_make("\0a", 2), 100, NULL, &err), 1, "a server before 7.0: add_once is a script");
	buf_init(&b, 100);
	rc = store_add_once(s, span_cstr("old"), span_cstr("b"), 100, &b, &err);
	tap_ok(rc == 0 && b.n == 2 && memcmp(b.p, "\0a", 2) == 0, "with the same answers");
	tap_int(atomic_load(&refusals), 1, "which is learnt once");
	tap_ok(!is_down(s), "and is no failure");
	buf_free(&b);
	store_close(s);
}

/* --- name servers ----------------------------------------------------------------------------- */

static atomic_uint name_ms, names;

/* In place of the C library's: one name is ours, and takes its time. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(host, "redis.test") != 0)
		return real(host, service, hints, out);
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	atomic_fetch_add(&names, 1);
	usleep(atomic_load(&name_ms) * 1000);
	return real("127.0.0.1", service, hints, out);
}

static void test_slow_names(void)
{
	char address[64];
	struct store *s;
	double ms;
	int rc;

	snprintf(address, sizeof address, "redis.test:%u", port);
	atomic_store(&saying, "+OK\r\n");
	atomic_store(&play, SAYING);
	atomic_store(&name_ms, TIMEOUT_MS + 200);
	s = open_at(address);
	rc = timed_put(s, &ms);
	tap_ok(rc == -1 && ms < TIMEOUT_MS + SLACK_MS, "name servers that are slower than a call may be: %.0f ms: %s", ms, err.text);
	usleep(HEAL_MS * 1000);
	(void)timed_put(s, &ms);
	tap_ok(!is_down(s) && ms < AT_ONCE_MS, "what they say in the end is used (%.1f ms)", ms);
	tap_int(atomic_load(&names), 1, "they were asked once");
	store_close(s);
	atomic_store(&name_ms, 0);
}

static void open_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	pthread_t t;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 64) || getsockname(listener, (struct sockaddr *)&a, &n))
		tap_bail("no port on loopback");
	port = ntohs(a.sin_port);
	if (pthread_create(&t, NULL, accept_all, NULL))
		tap_bail("no thread");
	pthread_detach(t);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	/* What it logs is not for this test's output. */
	log_set_level(LOG_LEVEL_ERROR);
	open_port();
	test_impostors();
	test_wrong_answer();
	test_slow_names();
	test_limits();
	if (redis_server_have()) {
		test_not_there();
		test_restart();
		test_stalled();
		test_full();
		test_replica();
		test_others_keys();
		test_ttl();
		test_connections();
		test_login();
		test_addresses();
		test_old_server();
		redis_server_kill(&redis);
	} else {
		tap_skip("redis-server is not installed");
	}
	return tap_done();
}
