/*
 * The command line of stir-milter.
 *
 * Flags that stand for a setting (-l -p -P -u -o) are kept as settings to be
 * laid over the file: they win over it, at the start and at every reload.
 */
#ifndef STIR_MILTER_OPTIONS_H
#define STIR_MILTER_OPTIONS_H

#include "core/err.h"
#include "engine/settings.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#define OPTIONS_DEFAULT_FILE SYSCONFDIR "/stir-milter/stir-milter.conf"

struct options_override {
	char *name;        /* owned */
	const char *value; /* of argv */
};

struct options {
	const char *file; /* of argv, or the default */
	bool check;       /* -n */
	bool print_config;
	bool verbose;
	bool version;
	bool help;
	struct options_override *override; /* owned; in order, the last of a name wins */
	size_t noverride;
};

/* 0, or -1 and *e (ERR_USAGE). options_free() in both cases. */
int options_parse(struct options *o, int argc, char **argv, struct err *e) MUST_USE;
void options_free(struct options *o);

/* Lays the flags over settings that were read. 0 / -1. */
int options_apply(const struct options *o, struct settings *s, struct err *e) MUST_USE;

/* What -h prints. */
const char *options_usage(void);

#endif
