/*
 * Error texts: formatted, freed of control characters, cut visibly.
 *
 * Prints nothing and ends nothing; that is for the programs.
 */
#include "config.h"

#include "core/err.h"

#include <stdio.h>
#include <sysexits.h>

static const char cut_mark[] = "...";

/* n is what vsnprintf() said it wanted to write into text. */
static void finish(char *text, size_t size, int n)
{
	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= size)
		memcpy(text + size - sizeof cut_mark, cut_mark, sizeof cut_mark);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7F)
			*p = ' ';
}

int err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	/* An argument may be the text that is being replaced. */
	char text[ERR_TEXT_BYTES];
	int n;

	if (!e)
		return -1;
	n = vsnprintf(text, sizeof text, fmt, ap);
	finish(text, sizeof text, n);
	e->code = code;
	memcpy(e->text, text, sizeof text);
	return -1;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char prefix[ERR_TEXT_BYTES], old[ERR_TEXT_BYTES];
	va_list ap;
	int n;

	if (!e)
		return -1;
	va_start(ap, fmt);
	n = vsnprintf(prefix, sizeof prefix, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	memcpy(old, e->text, sizeof old);
	old[sizeof old - 1] = '\0';
	n = snprintf(e->text, sizeof e->text, "%s: %s", prefix, old);
	finish(e->text, sizeof e->text, n);
	return -1;
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->code = ERR_NONE;
	e->text[0] = '\0';
}

int err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return EX_OK;
	case ERR_USAGE:
		return EX_USAGE;
	case ERR_DATA:
		return EX_DATAERR;
	case ERR_NOINPUT:
		return EX_NOINPUT;
	case ERR_UNAVAILABLE:
		return EX_UNAVAILABLE;
	case ERR_BUG:
		return EX_SOFTWARE;
	case ERR_OS:
		return EX_OSERR;
	case ERR_RIGHTS:
		return EX_NOPERM;
	case ERR_CONFIG:
		return EX_CONFIG;
	}
	return EX_SOFTWARE;
}
