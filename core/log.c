/*
 * One line out per call: a single write(2) to standard error, or syslog(3).
 *
 * The sink is chosen before threads and only read afterwards, so there is no
 * lock here.  Lines are cut at LIMIT_LOG_LINE, visibly, and hold no control
 * characters whatever the caller put in.
 */
#include "config.h"

#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "core/limits.h"

enum { IDENT_BYTES = 64, WRITE_WAIT_MS = 100 };

static struct {
	bool to_syslog;
	enum log_level level;
	char ident[IDENT_BYTES];
} sink = {.level = LOG_LEVEL_INFO};

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

static int priority(enum log_level level)
{
	static const int of_level[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

	return of_level[level];
}

/* Lines nobody took since the last one that was taken. */
static atomic_ulong lost;

/*
 * A reader of the log that has stopped reading must not stop the mail: the line
 * is dropped then, and counted.
 */
static bool stderr_takes(void)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	/* Waited for once, not for each line. */
	return poll(&fd, 1, atomic_load(&lost) ? 0 : WRITE_WAIT_MS) != 0;
}

static void tell_lost(void)
{
	unsigned long n = atomic_exchange(&lost, 0);
	char text[80];
	int k = n ? snprintf(text, sizeof text, "(%lu log lines were lost: nobody read them)\n", n) : 0;

	if (k > 0 && write(STDERR_FILENO, text, (size_t)k) < 0)
		atomic_fetch_add(&lost, n);
}

static void write_stderr(const char *p, size_t n)
{
	while (n) {
		ssize_t k;

		if (!stderr_takes()) {
			atomic_fetch_add(&lost, 1);
			return;
		}
		tell_lost();
		k = write(STDERR_FILENO, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		/* There is no one left to tell. */
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

static void line(enum log_level level, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void line(enum log_level level, const char *fmt, va_list ap)
{
	static const char cut_mark[] = "...";
	char out[IDENT_BYTES + 2 + LIMIT_LOG_LINE + 1];
	int saved = errno, k;
	size_t head = 0, n;
	char *text;

	if (level > sink.level)
		return;
	if (!sink.to_syslog && sink.ident[0]) {
		k = snprintf(out, sizeof out, "%s: ", sink.ident);
		head = k > 0 ? (size_t)k : 0;
	}
	text = out + head;
	errno = saved; /* for %m */
	k = vsnprintf(text, LIMIT_LOG_LINE + 1, fmt, ap);
	n = k > 0 ? (size_t)k : 0;
	if (n > LIMIT_LOG_LINE) {
		n = LIMIT_LOG_LINE;
		memcpy(text + n - (sizeof cut_mark - 1), cut_mark, sizeof cut_mark - 1);
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			text[i] = ' ';
	if (sink.to_syslog) {
		syslog(priority(level), "%.*s", (int)n, text);
	} else {
		text[n] = '\n';
		write_stderr(out, head + n + 1);
	}
	errno = saved;
}

#define LOG_FUNCTION(name, level)                \
	void log_##name(const char *fmt, ...)    \
	{                                        \
		va_list ap;                      \
                                                 \
		va_start(ap, fmt);               \
		line(level, fmt, ap);            \
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
