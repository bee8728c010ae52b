/*
 * Why an operation could not be done: a code for the caller, a sentence for
 * the person.  Not for messages that fail a check; those get a stir_reason.
 */
#ifndef STIR_CORE_ERR_H
#define STIR_CORE_ERR_H

#include <stdarg.h>

#include "core/span.h"

enum {
	ERR_TEXT_BYTES = 600 /* a path, a place, a sentence and a suggestion */
};

/* Exit statuses of the programs follow from these (sysexits.h). */
enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,       /* 64: command line */
	ERR_DATA,        /* 65: input is not what it should be */
	ERR_NOINPUT,     /* 66: file missing or unreadable */
	ERR_UNAVAILABLE, /* 69: a socket, a service, memory */
	ERR_BUG,         /* 70: our own mistake */
	ERR_OS,          /* 71: a system call failed */
	ERR_RIGHTS,      /* 77: permissions */
	ERR_CONFIG       /* 78: configuration */
};

struct err {
	enum err_code code;
	char text[ERR_TEXT_BYTES]; /* printable as is, no line end */
};

/* Fills *e (NULL allowed) and returns -1, so that "return err_set(...)" reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for who has a formatter of his own, which puts its place in front with err_prefix(). */
int err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
/* Puts "prefix: " in front of the text already there; returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *e);
/* The sysexits status for a code (0 for ERR_NONE). */
int err_exit_status(enum err_code code);

#endif
