/*
 * libmicrohttpd on a socket that listen.c has opened.
 *
 * Every answer ends its connection, and a connection that is older than
 * MAX_AGE_MS is cut by a thread that does nothing else: its own timeout counts from
 * the last octet, so that some clients who send one now and then could keep all
 * others out.
 */
#include "config.h"

#include "milter/metrics_server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/monotonic.h"
#include "engine/clock.h"
#include "milter/listen.h"
#include "milter/reload.h"
#include "milter/selfcall.h"

enum {
	CONNECTIONS = 32,
	IDLE_S = 3,
	MAX_AGE_MS = 5 * 1000, /* of a connection; Prometheus gives up after 10 s */
	LOOK_MS = 500,
	HEADER_BYTES = 16 * 1024, /* of a request, and as much as one connection takes */
	SELFCALL_MS = 1000
};

struct connection {
	int fd; /* -1: a free place */
	int64_t since;
};

struct metrics_server {
	struct MHD_Daemon *daemon;
	struct listen listen;
	struct selfcall self;

	pthread_t reaper;
	bool reaping;
	pthread_mutex_t lock; /* guards what follows; a descriptor in it is open while it is held */
	pthread_cond_t stop;
	bool stopping;
	struct connection at[CONNECTIONS];
};

static atomic_bool serving;

void metrics_server_set_serving(bool now)
{
	atomic_store(&serving, now);
}

/* --- answers -------------------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, struct buf *body)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(body->n, body->p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc = MHD_NO;

	buf_free(body);
	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES && MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES &&
	    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED || MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result answer_line(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct buf body;

	buf_init(&body, ERR_TEXT_BYTES + 64);
	buf_printf(&body, "%s\n", text);
	return answer(c, status, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result answer_metrics(struct MHD_Connection *c)
{
	struct engine *g = reload_engine();
	struct buf body;

	if (!g)
		return answer_line(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no configuration in force");
	buf_init(&body, LIMIT_METRICS_BYTES);
	engine_metrics_text(g, clock_wall_s(), &body);
	engine_unref(g);
	if (body.failed) {
		buf_free(&body);
		return answer_line(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory");
	}
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static int check_engine(struct err *e)
{
	struct engine *g = reload_engine();
	int rc = g ? engine_ready(g, clock_wall_s(), e) : err_set(e, ERR_UNAVAILABLE, "no configuration in force");

	engine_unref(g);
	return rc;
}

static int is_ready(const struct metrics_server *s, struct err *e)
{
	if (!atomic_load(&serving))
		return err_set(e, ERR_UNAVAILABLE, "starting or stopping");
	return check_engine(e) || selfcall_ask(&s->self, SELFCALL_MS, e) ? -1 : 0;
}

static enum MHD_Result answer_ready(const struct metrics_server *s, struct MHD_Connection *c)
{
	char text[ERR_TEXT_BYTES + 16];
	struct err e;

	err_clear(&e);
	if (is_ready(s, &e) == 0)
		return answer_line(c, MHD_HTTP_OK, "ready");
	if (snprintf(text, sizeof text, "not ready: %s", e.text) < 0)
		return MHD_NO;
	return answer_line(c, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
				  size_t *n, void **state)
{
	bool known = strcmp(url, "/metrics") == 0 || strcmp(url, "/healthz") == 0 || strcmp(url, "/readyz") == 0;

	(void)version;
	(void)data;
	(void)n;
	(void)state;
	/* What comes behind the header is nobody's business: the answer ends the connection. */
	if (!known)
		return answer_line(c, MHD_HTTP_NOT_FOUND, "there is /metrics, /healthz and /readyz");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_line(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only");
	if (url[1] == 'm')
		return answer_metrics(c);
	return url[1] == 'h' ? answer_line(c, MHD_HTTP_OK, "alive") : answer_ready(arg, c);
}

/* Clients' mistakes are theirs; the log is for ours. */
static void say_nothing(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}

/* A path is taken as it came: "%00" and the like are no part of any of ours. */
static size_t leave(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg;
	(void)c;
	return strlen(s);
}

/* --- connections and their age ------------------------------------------------------------ */

static int descriptor_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Called before the descriptor is closed, so that the reaper never holds one that is another's by now. */
static void on_connection(void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
	bool begins = what == MHD_CONNECTION_NOTIFY_STARTED;
	struct metrics_server *s = arg;
	int fd = descriptor_of(c);

	(void)state;
	if (fd < 0)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (s->at[i].fd != (begins ? -1 : fd))
			continue;
		s->at[i] = (struct connection){begins ? fd : -1, clock_monotonic_ms()};
		break;
	}
	pthread_mutex_unlock(&s->lock);
}

static void cut_old(struct metrics_server *s)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < CONNECTIONS; i++)
		if (s->at[i].fd >= 0 && now - s->at[i].since > MAX_AGE_MS)
			(void)shutdown(s->at[i].fd, SHUT_RDWR);
}

static void *reap(void *arg)
{
	struct metrics_server *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		(void)monotonic_wait(&s->stop, &s->lock, monotonic_ms() + LOOK_MS);
		cut_old(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- life ---------------------------------------------------------------------------------- */

static void collect(void *part, struct metrics_values *v)
{
	struct err e;

	(void)part;
	err_clear(&e);
	/* Without the call of our own socket: a scrape changes nothing. */
	metrics_put(v, METRICS_READY, 0, 0, atomic_load(&serving) && check_engine(&e) == 0);
}

static int init_locks(struct metrics_server *s)
{
	if (monotonic_cond_init(&s->stop))
		return -1;
	if (pthread_mutex_init(&s->lock, NULL) == 0)
		return 0;
	pthread_cond_destroy(&s->stop);
	return -1;
}

static struct metrics_server *make(void)
{
	struct metrics_server *s = calloc(1, sizeof *s);

	if (!s || init_locks(s)) {
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		s->at[i].fd = -1;
	return s;
}

static int start(struct metrics_server *s, int fd, struct err *e)
{
	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
				     MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)HEADER_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, leave, NULL, MHD_OPTION_END);
	if (!s->daemon) {
		(void)close(fd);
		return err_set(e, ERR_UNAVAILABLE, "MetricsSocket: the HTTP server does not start");
	}
	if (pthread_create(&s->reaper, NULL, reap, s))
		return err_set(e, ERR_OS, "can't start a thread");
	s->reaping = true;
	metrics_attach(reload_metrics(), s, collect);
	return 0;
}

int metrics_server_open(const char *spec, const char *socket, struct metrics_server **out, struct err *e)
{
	struct metrics_server *s = make();
	int fd;

	*out = NULL;
	if (!s)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if (selfcall_aim(&s->self, socket, e) || listen_socket(&s->listen, "MetricsSocket", spec, &fd, e) || start(s, fd, e)) {
		metrics_server_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void metrics_server_close(struct metrics_server *s)
{
	if (!s)
		return;
	metrics_detach(reload_metrics(), s);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (s->reaping) {
		pthread_mutex_lock(&s->lock);
		s->stopping = true;
		pthread_cond_signal(&s->stop);
		pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->reaper, NULL);
	}
	listen_close(&s->listen);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->stop);
	free(s);
}
