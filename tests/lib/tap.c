/* Test Anything Protocol; see tap.h. */
#include "config.h"

#include "tests/lib/tap.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int tests, failures;
static char tempdir[256];

static void point(bool ok, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void point(bool ok, const char *fmt, va_list ap)
{
	tests++;
	failures += !ok;
	printf("%sok %d - ", ok ? "" : "not ", tests);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

#define POINT(ok, fmt)                                                                             \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		point(ok, fmt, ap);                                                                \
		va_end(ap);                                                                        \
	} while (0)

bool tap_ok(bool ok, const char *fmt, ...)
{
	POINT(ok, fmt);
	return ok;
}

bool tap_int(long long got, long long want, const char *fmt, ...)
{
	POINT(got == want, fmt);
	if (got != want)
		printf("#   got %lld, want %lld\n", got, want);
	return got == want;
}

bool tap_str(const char *got, const char *want, const char *fmt, ...)
{
	bool ok = got && want ? strcmp(got, want) == 0 : got == want;

	POINT(ok, fmt);
	if (!ok)
		printf("#   got %s\n#  want %s\n", got ? got : "(null)", want ? want : "(null)");
	return ok;
}

bool tap_span(struct span got, struct span want, const char *fmt, ...)
{
	bool ok = span_eq(got, want);

	POINT(ok, fmt);
	if (!ok)
		printf("#   got (%zu) %.*s\n#  want (%zu) %.*s\n", got.n, SPAN_ARG(got), want.n, SPAN_ARG(want));
	return ok;
}

bool tap_span_is(struct span got, const char *want, const char *fmt, ...)
{
	bool ok = span_is(got, want);

	POINT(ok, fmt);
	if (!ok)
		printf("#   got (%zu) %.*s\n#  want %s\n", got.n, SPAN_ARG(got), want);
	return ok;
}

void tap_skip(const char *fmt, ...)
{
	va_list ap;

	tests++;
	printf("ok %d # SKIP ", tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	/* A process that a test starts must not have it to write, too. */
	fflush(stdout);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void tap_bail(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(99);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int tap_done(void)
{
	if (tempdir[0])
		nftw(tempdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

const char *tap_srcpath(char *out, size_t n, const char *rel)
{
	const char *dir = getenv("srcdir");

	snprintf(out, n, "%s/%s", dir ? dir : ".", rel);
	return out;
}

const char *tap_shared(void)
{
	static char path[512];
	const char *env = getenv("STIR_SHARED");
	struct stat st;

	if (env)
		snprintf(path, sizeof path, "%s", env);
	else
		tap_srcpath(path, sizeof path, "../shared");
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

const char *tap_tempdir(void)
{
	if (tempdir[0])
		return tempdir;
	snprintf(tempdir, sizeof tempdir, "tap-XXXXXX");
	if (!mkdtemp(tempdir))
		tap_bail("mkdtemp: no folder in the build tree");
	return tempdir;
}
