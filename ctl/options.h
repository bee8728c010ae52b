/*
 * The command line of sign, verify, explain and the policy commands that take
 * messages through the engine, and the settings it means.
 */
#ifndef STIR_CTL_OPTIONS_H
#define STIR_CTL_OPTIONS_H

#include <getopt.h>

#include "engine/settings.h"

enum options_command { OPTIONS_SIGN, OPTIONS_VERIFY, OPTIONS_EXPLAIN, OPTIONS_OWN };

/* CertificateDir where certificates come from evidence only: a folder that is always there, and never looked into. */
#define OPTIONS_NO_CERTS "/"

enum options_now {
	OPTIONS_NOW_CLOCK,  /* the system's */
	OPTIONS_NOW_FIXED,  /* --now SECONDS */
	OPTIONS_NOW_RECEIPT /* --now receipt: of each message */
};

/* A command that describes itself (OPTIONS_OWN). */
struct options_own {
	const char *name;            /* "policy run" */
	const char *synopsis, *does, *flags, *example; /* of --help */
	const struct option *option; /* its own, values from OPTIONS_OWN_FIRST; ends with zeros */
	bool conf;                   /* takes -c */
	bool judges;                 /* takes messages through the engine: the options of verify as well */
	bool signs;                  /* makes messages and signs them: the options of sign as well */
	bool fileless;               /* no FILE is no mistake */
	/* 0, or -1 and *e */
	int (*take)(void *arg, int c, char *value, struct err *e);
};
enum { OPTIONS_OWN_FIRST = 1000, OPTIONS_OWN_MAX = 32 };

/* All strings are borrowed from argv. */
struct options {
	enum options_command command;
	const char *name; /* of the command, for texts */
	const char *conf; /* NULL: none */
	struct options_pair {
		const char *name, *value;
	} *set; /* settings from flags, in order; owned */
	size_t nset;
	const char **rcpt; /* owned */
	size_t nrcpt;
	char **env; /* --env, as given; owned */
	size_t nenv;
	enum options_now now_kind;
	int64_t now; /* OPTIONS_NOW_FIXED */
	bool json;
	bool sign;       /* explain how it would be signed, not verified */
	const char *policy; /* set by a command: wins over every other Policy; NULL: none */
	bool all;        /* explain absent facts, too */
	const char *out; /* NULL: standard output */
	const char *evidence; /* judge from what was recorded there, a file or a folder; NULL: don't */
	char **file;     /* at least one, unless fileless */
	size_t nfile;
};

/*
 * argv[0] is the command's name.  0; 1 when help was asked for and printed;
 * -1 and *e.  options_free() in every case.
 */
int options_parse(struct options *o, enum options_command c, int argc, char **argv, struct err *e) MUST_USE;
/* For a command that describes itself; --now is "receipt" unless given. */
int options_parse_own(struct options *o, const struct options_own *own, void *arg, int argc, char **argv, struct err *e) MUST_USE;
void options_free(struct options *o);

/*
 * The configuration file, if any, with the flags over it, reduced to what the
 * direction needs: verifying opens no key, signing no trust anchors.
 * 0 and *out (settings_free()), or -1 and *e.
 */
int options_settings(const struct options *o, bool sign, struct settings *out, struct err *e) MUST_USE;

#endif
