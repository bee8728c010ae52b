/*
 * Where the server is: its address in the settings' spelling, and names looked up
 * in a thread that nobody has to wait for.
 *
 * Connects to nothing.
 */
#include "config.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/un.h>

#include "core/store/store_redis_internal.h"

#include "core/monotonic.h"

enum {
	HOST_BYTES = 256,
	PORT_BYTES = 8,
	/* After that an address is looked up again, beside its use. */
	FRESH_MS = 5000
};

struct store_redis_resolver {
	bool is_path;
	struct store_redis_address path; /* with is_path */
	char host[HOST_BYTES], port[PORT_BYTES];

	pthread_mutex_t lock; /* holds all below */
	pthread_cond_t done;
	unsigned refs;       /* the store's, the thread's */
	bool running;
	unsigned long round; /* look-ups that ended */
	int rc;              /* getaddrinfo()'s of the last */
	int64_t ended_ms;    /* when that was */
	size_t n;            /* of the last one that found any */
	struct store_redis_address found[LIMIT_STORE_ADDRESSES];
};

/* --- the address ------------------------------------------------------------------- */

static int read_path(struct store_redis_resolver *r, const char *address, struct err *e)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&r->path.addr;
	size_t n = strlen(address);

	if (n >= sizeof un->sun_path)
		return err_set(e, ERR_CONFIG, "the path of a socket has at most %zu characters: %s", sizeof un->sun_path - 1, address);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, address, n + 1);
	r->path.n = sizeof *un;
	r->is_path = true;
	return 0;
}

static bool is_port(struct span s)
{
	unsigned v = 0;

	if (s.n < 1 || s.n >= PORT_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	return v >= 1 && v <= 65535;
}

static int read_host(struct store_redis_resolver *r, const char *address, struct err *e)
{
	const char *colon = strrchr(address, ':');
	struct span host = span_make(address, colon ? (size_t)(colon - address) : 0), port = span_cstr(colon ? colon + 1 : "");
	bool brackets = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

	if (brackets)
		host = span_make(host.p + 1, host.n - 2);
	if (!is_port(port) || host.n < 1 || host.n >= HOST_BYTES || (!brackets && span_find(host, ':') < host.n))
		return err_set(e, ERR_CONFIG, "no address of a Redis server: \"%s\"; write host:6379, [v6 address]:6379 or /path/of/its/socket", address);
	memcpy(r->host, host.p, host.n);
	memcpy(r->port, port.p, port.n);
	return 0;
}

struct store_redis_resolver *store_redis_resolve_open(const char *address, struct err *e)
{
	struct store_redis_resolver *r = calloc(1, sizeof *r);

	if (!r) {
		(void)err_set(e, ERR_UNAVAILABLE, "no memory");
		return NULL;
	}
	if (address[0] == '/' ? read_path(r, address, e) : read_host(r, address, e)) {
		free(r);
		return NULL;
	}
	if (pthread_mutex_init(&r->lock, NULL)) {
		(void)err_set(e, ERR_OS, "no lock could be made");
		free(r);
		return NULL;
	}
	if (monotonic_cond_init(&r->done)) {
		(void)err_set(e, ERR_OS, "no condition could be made");
		pthread_mutex_destroy(&r->lock);
		free(r);
		return NULL;
	}
	r->refs = 1;
	return r;
}

/* With the lock, which ends here. */
static void unref(struct store_redis_resolver *r)
{
	bool last = --r->refs == 0;

	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void store_redis_resolve_close(struct store_redis_resolver *r)
{
	pthread_mutex_lock(&r->lock);
	unref(r);
}

/* --- looking up --------------------------------------------------------------------- */

static int look_up(const char *host, const char *port, int flags, struct store_redis_address *out, size_t *n)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | flags, .ai_socktype = SOCK_STREAM}, *list;
	int rc = getaddrinfo(host, port, &hints, &list);

	*n = 0;
	if (rc)
		return rc;
	for (struct addrinfo *a = list; a && *n < LIMIT_STORE_ADDRESSES; a = a->ai_next) {
		if (a->ai_addrlen > sizeof out[0].addr)
			continue;
		memcpy(&out[*n].addr, a->ai_addr, a->ai_addrlen);
		out[(*n)++].n = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return *n ? 0 : EAI_NONAME;
}

static void *look_up_thread(void *arg)
{
	struct store_redis_resolver *r = arg;
	struct store_redis_address found[LIMIT_STORE_ADDRESSES];
	size_t n;
	int rc = look_up(r->host, r->port, 0, found, &n);

	pthread_mutex_lock(&r->lock);
	r->rc = rc;
	if (rc == 0) {
		r->n = n;
		memcpy(r->found, found, n * sizeof found[0]);
	}
	r->running = false;
	r->round++;
	r->ended_ms = monotonic_ms();
	pthread_cond_broadcast(&r->done);
	unref(r);
	return NULL;
}

/* With the lock. */
static int start(struct store_redis_resolver *r)
{
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	if (pthread_attr_init(&attr))
		return -1;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, look_up_thread, r);
	pthread_attr_destroy(&attr);
	if (rc)
		return -1;
	r->running = true;
	r->refs++;
	return 0;
}

/* With the lock. */
static int known(struct store_redis_resolver *r, struct store_redis_address *out)
{
	memcpy(out, r->found, r->n * sizeof out[0]);
	return (int)r->n;
}

/*
 * With the lock.  Only the first look-up is waited for: name servers may take longer
 * than a call may, and a Redis whose address was known once must not be lost for
 * that.  An old address that nobody answers at costs one attempt more.
 */
static int wait_for(struct store_redis_resolver *r, int64_t deadline_ms, struct store_redis_address *out, struct err *e)
{
	unsigned long round = r->round;
	bool old = monotonic_ms() - r->ended_ms > FRESH_MS, waits = true;

	if (!r->running && (r->n == 0 || old) && start(r) && r->n == 0)
		return err_set(e, ERR_OS, "no thread to look up %s", r->host);
	if (r->n)
		return known(r, out);
	while (r->round == round && waits)
		waits = monotonic_wait(&r->done, &r->lock, deadline_ms);
	if (r->n)
		return known(r, out);
	if (r->round == round)
		return err_set(e, ERR_UNAVAILABLE, "the address of %s could not be had in time", r->host);
	return err_set(e, ERR_UNAVAILABLE, "the address of %s: %s", r->host, gai_strerror(r->rc));
}

int store_redis_resolve(struct store_redis_resolver *r, int64_t deadline_ms, struct store_redis_address out[LIMIT_STORE_ADDRESSES], struct err *e)
{
	size_t n;
	int rc;

	if (r->is_path) {
		out[0] = r->path;
		return 1;
	}
	/* A number needs nobody. */
	if (look_up(r->host, r->port, AI_NUMERICHOST, out, &n) == 0)
		return (int)n;
	pthread_mutex_lock(&r->lock);
	rc = wait_for(r, deadline_ms, out, e);
	pthread_mutex_unlock(&r->lock);
	return rc;
}
