/*
 * The command line of sign, verify and explain, and the settings it means.
 */
#ifndef STIR_CTL_OPTIONS_H
#define STIR_CTL_OPTIONS_H

#include "engine/settings.h"

enum options_command { OPTIONS_SIGN, OPTIONS_VERIFY, OPTIONS_EXPLAIN };

enum options_now {
	OPTIONS_NOW_CLOCK,  /* the system's */
	OPTIONS_NOW_FIXED,  /* --now SECONDS */
	OPTIONS_NOW_RECEIPT /* --now receipt: of each message */
};

/* All strings are borrowed from argv. */
struct options {
	enum options_command command;
	const char *conf; /* NULL: none */
	struct options_pair {
		const char *name, *value;
	} *set; /* settings from flags, in order; owned */
	size_t nset;
	const char **rcpt; /* owned */
	size_t nrcpt;
	enum options_now now_kind;
	int64_t now; /* OPTIONS_NOW_FIXED */
	bool json;
	bool sign;       /* explain how it would be signed, not verified */
	const char *out; /* NULL: standard output */
	char **file;     /* at least one */
	size_t nfile;
};

/*
 * argv[0] is the command's name.  0; 1 when help was asked for and printed;
 * -1 and *e.  options_free() in every case.
 */
int options_parse(struct options *o, enum options_command c, int argc, char **argv, struct err *e) MUST_USE;
void options_free(struct options *o);

/*
 * The configuration file, if any, with the flags over it, reduced to what the
 * direction needs: verifying opens no key, signing no trust anchors.
 * 0 and *out (settings_free()), or -1 and *e.
 */
int options_settings(const struct options *o, bool sign, struct settings *out, struct err *e) MUST_USE;

#endif
