/*
 * One line out per call: a single write(2) to standard error, or syslog(3).
 *
 * The sink is chosen before threads and only read afterwards, so there is no
 * lock here.  Lines are cut at LIMIT_LOG_LINE, visibly, and hold no control
 * characters whatever the caller put in; an object is cut by who made it.
 */
#include "config.h"

#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <jansson.h>

#include "core/limits.h"

enum { IDENT_BYTES = 64, WRITE_WAIT_MS = 100, ABOUT_MAX = 64 /* octets of an id that are shown */ };

static struct {
	bool to_syslog;
	enum log_level level;
	int64_t (*clock)(void); /* JSON; NULL: text */
	char ident[IDENT_BYTES];
} sink = {.level = LOG_LEVEL_INFO};

/* What standard error is; found out when it is chosen, so that a line costs one call where it can. */
static enum { TAKER_UNKNOWN, TAKER_SOCKET, TAKER_FILE } taker;

static void know_taker(void)
{
	struct stat st;

	taker = TAKER_UNKNOWN;
	if (fstat(STDERR_FILENO, &st) == 0)
		taker = S_ISSOCK(st.st_mode) ? TAKER_SOCKET : S_ISREG(st.st_mode) ? TAKER_FILE : TAKER_UNKNOWN;
}

static void set_ident(const char *ident)
{
	/* A longer name is cut: it only names us. */
	size_t n = strnlen(ident, IDENT_BYTES - 1);

	memcpy(sink.ident, ident, n);
	sink.ident[n] = '\0';
}

void log_to_stderr(const char *ident)
{
	if (sink.to_syslog)
		closelog();
	set_ident(ident);
	know_taker();
	sink.to_syslog = false;
}

void log_to_syslog(const char *ident, int facility)
{
	set_ident(ident);
	/* openlog() keeps the pointer. */
	openlog(sink.ident, LOG_PID | LOG_NDELAY, facility);
	sink.to_syslog = true;
}

void log_set_level(enum log_level level)
{
	sink.level = level;
}

void log_use_json(int64_t (*clock)(void))
{
	sink.clock = clock;
}

bool log_is_json(void)
{
	return sink.clock != NULL;
}

static int priority(enum log_level level)
{
	static const int of_level[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

	return of_level[level];
}

/* Lines nobody took since the last one that was taken, and since the start. */
static atomic_ulong lost, ever_lost;

static void lose(void)
{
	atomic_fetch_add(&lost, 1);
	atomic_fetch_add(&ever_lost, 1);
}

unsigned long log_lost(void)
{
	return atomic_load(&ever_lost);
}

/*
 * A reader of the log that has stopped reading must not stop the mail: the line
 * is dropped then, and counted.
 */
static bool stderr_takes(void)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (taker == TAKER_FILE)
		return true;
	/* Waited for once, not for each line. */
	return poll(&fd, 1, atomic_load(&lost) ? 0 : WRITE_WAIT_MS) != 0;
}

/*
 * At most as much as goes without waiting: a pipe that takes something takes PIPE_BUF;
 * a socket (the journal) is asked not to wait, and another thread may have been faster.
 */
static ssize_t write_some(const char *p, size_t n)
{
	struct stat st;

	if (taker == TAKER_SOCKET)
		return send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (taker == TAKER_UNKNOWN && n > PIPE_BUF && fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		n = PIPE_BUF;
	return write(STDERR_FILENO, p, n);
}

static void tell_lost(void)
{
	static const char what[] = "log lines were lost: nobody read them";
	unsigned long n = atomic_exchange(&lost, 0);
	char text[160];
	int k = 0;

	if (n && sink.clock)
		k = snprintf(text, sizeof text, "{\"time\":%" PRId64 ",\"level\":\"warning\",\"message\":\"%lu %s\"}\n", sink.clock(), n, what);
	else if (n)
		k = snprintf(text, sizeof text, "(%lu %s)\n", n, what);
	if (k > 0 && write_some(text, (size_t)k) < 0)
		atomic_fetch_add(&lost, n);
}

static void write_stderr(const char *p, size_t n)
{
	while (n) {
		ssize_t k;

		if (!stderr_takes()) {
			lose();
			return;
		}
		tell_lost();
		k = write_some(p, n);

		if (k < 0 && errno == EINTR)
			continue;
		/* A full disk, too, may have room again; who has closed the pipe is told nothing any more. */
		if (k <= 0) {
			lose();
			return;
		}
		p += k;
		n -= (size_t)k;
	}
}

/* --- JSON ------------------------------------------------------------------------- */

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

	return names[level];
}

static void write_json(enum log_level level, const char *text)
{
	if (sink.to_syslog)
		syslog(priority(level), "%s", text);
	else
		write_stderr(text, strlen(text));
}

void log_object(enum log_level level, struct span object)
{
	struct buf out;

	if (level > sink.level || object.n < 2)
		return;
	buf_init(&out, LIMIT_LOG_JSON + 128);
	buf_printf(&out, "{\"time\":%" PRId64 ",\"level\":\"%s\"%s%.*s", sink.clock(), level_name(level), object.n > 2 ? "," : "",
		   SPAN_ARG(span_skip(object, 1)));
	if (!sink.to_syslog)
		buf_putc(&out, '\n');
	if (!out.failed)
		write_json(level, out.p);
	buf_free(&out);
}

/* What is no UTF-8 must not cost the line. */
static json_t *text_value(struct span s)
{
	json_t *j = json_stringn(s.n ? s.p : "", s.n);
	struct buf plain;

	if (j)
		return j;
	buf_init(&plain, LIMIT_LOG_LINE);
	for (size_t i = 0; i < s.n; i++)
		buf_putc(&plain, (unsigned char)s.p[i] < 0x80 ? s.p[i] : '?');
	j = json_stringn(plain.n ? plain.p : "", plain.n);
	buf_free(&plain);
	return j;
}

/* --- one line ----------------------------------------------------------------------- */

struct about {
	struct span queue_id, session_id;
};

static void json_line(enum log_level level, const struct about *a, struct span text)
{
	json_t *o = json_object();
	char *octets;

	if (a->queue_id.n)
		(void)json_object_set_new(o, "queue_id", text_value(a->queue_id));
	if (a->session_id.n)
		(void)json_object_set_new(o, "sid", text_value(a->session_id));
	(void)json_object_set_new(o, "message", text_value(text));
	octets = json_dumps(o, JSON_COMPACT);
	if (octets)
		log_object(level, span_cstr(octets));
	free(octets);
	json_decref(o);
}

static void put_about(struct buf *out, const struct about *a)
{
	if (a->queue_id.n) {
		log_quote(out, a->queue_id, ABOUT_MAX);
		buf_puts(out, ": ");
	}
	if (a->session_id.n)
		buf_printf(out, "sid=%.*s ", SPAN_ARG(span_take(a->session_id, ABOUT_MAX)));
}

static void line(enum log_level level, const struct about *about, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static void line(enum log_level level, const struct about *about, const char *fmt, va_list ap)
{
	static const char cut_mark[] = "...";
	char out[IDENT_BYTES + 2 + LIMIT_LOG_LINE + 1];
	int saved = errno, k;
	size_t head = 0, n;
	struct buf front;
	char *text;

	if (level > sink.level)
		return;
	buf_init(&front, IDENT_BYTES + 2 + 10 * ABOUT_MAX);
	if (!sink.to_syslog && sink.ident[0] && !log_is_json())
		buf_printf(&front, "%s: ", sink.ident);
	head = front.n;
	if (!log_is_json())
		put_about(&front, about);
	if (front.n)
		memcpy(out, front.p, front.n < sizeof out - 1 ? front.n : sizeof out - 1);
	text = out + head;
	n = front.n - head;
	buf_free(&front);
	errno = saved; /* for %m */
	k = vsnprintf(text + n, LIMIT_LOG_LINE + 1 - n, fmt, ap);
	n += k > 0 ? (size_t)k : 0;
	if (n > LIMIT_LOG_LINE) {
		n = LIMIT_LOG_LINE;
		memcpy(text + n - (sizeof cut_mark - 1), cut_mark, sizeof cut_mark - 1);
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			text[i] = ' ';
	if (log_is_json()) {
		json_line(level, about, span_make(text, n));
	} else if (sink.to_syslog) {
		syslog(priority(level), "%.*s", (int)n, text);
	} else {
		text[n] = '\n';
		write_stderr(out, head + n + 1);
	}
	errno = saved;
}

void log_about(enum log_level level, struct span queue_id, struct span session_id, const char *fmt, ...)
{
	const struct about about = {queue_id, session_id};
	va_list ap;

	va_start(ap, fmt);
	line(level, &about, fmt, ap);
	va_end(ap);
}

static const struct about nobody;

#define LOG_FUNCTION(name, level)                \
	void log_##name(const char *fmt, ...)    \
	{                                        \
		va_list ap;                      \
                                                 \
		va_start(ap, fmt);               \
		line(level, &nobody, fmt, ap);   \
		va_end(ap);                      \
	}

LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(warn, LOG_LEVEL_WARN)
LOG_FUNCTION(notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(debug, LOG_LEVEL_DEBUG)

void log_quote(struct buf *out, struct span s, size_t max)
{
	static const char hex[] = "0123456789abcdef";
	struct span shown = span_take(s, max);
	bool quoted = shown.n == 0 || span_find(shown, ' ') < shown.n;

	if (quoted)
		buf_putc(out, '"');
	for (size_t i = 0; i < shown.n; i++) {
		unsigned char c = (unsigned char)shown.p[i];
		char esc[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

		if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '=')
			buf_putc(out, (char)c);
		else
			buf_put(out, esc, sizeof esc);
	}
	if (shown.n < s.n)
		buf_puts(out, "...");
	if (quoted)
		buf_putc(out, '"');
}
