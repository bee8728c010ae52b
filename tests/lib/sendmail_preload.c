/*
 * What Sendmail asks of the machine it runs on, answered for one instance in a
 * folder: preloaded into the Sendmail of tests/lib/sendmail.py.
 *
 * syslog(3) goes to the file $STIR_SYSLOG_FILE, since a test machine has no
 * /dev/log; gethostname(2) answers $STIR_HOSTNAME, since Sendmail sleeps a minute
 * at each start on a machine whose name has no dot.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* What a program calls that was built with _FORTIFY_SOURCE; no header declares them. */
int __gethostname_chk(char *name, size_t n, size_t room);
void __syslog_chk(int priority, int flag, const char *format, ...);
void __vsyslog_chk(int priority, int flag, const char *format, va_list ap);

static char hostname[256] = "localhost.localdomain", log_path[1024];

static void keep(char *out, size_t room, const char *name)
{
	const char *value = getenv(name);

	if (value)
		snprintf(out, room, "%s", value);
}

/* Before main(), since Sendmail empties its environment. */
__attribute__((constructor)) static void begin(void)
{
	keep(hostname, sizeof hostname, "STIR_HOSTNAME");
	keep(log_path, sizeof log_path, "STIR_SYSLOG_FILE");
}

int gethostname(char *name, size_t n)
{
	snprintf(name, n, "%s", hostname);
	return 0;
}

int __gethostname_chk(char *name, size_t n, size_t room)
{
	return gethostname(name, n < room ? n : room);
}

/* A line is one write(2), so that those of several processes don't mix. */
static void put(const char *format, va_list ap)
{
	char line[8192];
	int begun = snprintf(line, sizeof line, "sendmail[%d]: ", (int)getpid());
	int more = vsnprintf(line + begun, sizeof line - (size_t)begun - 1, format, ap);
	int fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	size_t n;

	if (fd < 0)
		return;
	n = more < 0 ? (size_t)begun : strlen(line);
	if (line[n - 1] != '\n')
		line[n++] = '\n';
	/* A log that is full is no reason to stop mail. */
	if (write(fd, line, n) < 0)
		n = 0;
	close(fd);
}

void openlog(const char *ident, int option, int facility)
{
	(void)ident;
	(void)option;
	(void)facility;
}

void closelog(void)
{
}

void vsyslog(int priority, const char *format, va_list ap)
{
	(void)priority;
	put(format, ap);
}

void syslog(int priority, const char *format, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, format);
	put(format, ap);
	va_end(ap);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list ap)
{
	(void)flag;
	vsyslog(priority, format, ap);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list ap;

	(void)priority;
	(void)flag;
	va_start(ap, format);
	put(format, ap);
	va_end(ap);
}
