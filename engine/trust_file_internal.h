/*
 * What engine/trust_file*.c share: the file as it was read; nobody else includes
 * this, but the fuzz target and ctl/pki_dates_conf.c, which looks at the files it names.
 */
#ifndef STIR_ENGINE_TRUST_FILE_INTERNAL_H
#define STIR_ENGINE_TRUST_FILE_INTERNAL_H

#include "core/limits.h"
#include "engine/trust_file.h"

enum trust_file_word {
	TRUST_FILE_ANCHORS,
	TRUST_FILE_LIST,
	TRUST_FILE_LIST_SIGNER,
	TRUST_FILE_LIST_MAX_AGE,
	TRUST_FILE_CRLS,
	TRUST_FILE_CRL_ISSUERS,
	TRUST_FILE_CRL_URLS,
	TRUST_FILE_REVOCATION,
	TRUST_FILE_AUTHORITY,
	TRUST_FILE_CEILING,
	TRUST_FILE_WORDS
};

/* A place in the text; a value that isn't there has line 0. */
struct trust_file_value {
	struct span text;
	unsigned line;
	size_t column;
};

struct trust_file_domain {
	struct trust_rules rules;
	unsigned max_age_s;
	struct trust_file_value name;
	struct trust_file_value value[TRUST_FILE_WORDS];
};

struct trust_file {
	const char *path; /* for error texts */
	struct trust_file_domain domain[LIMIT_TRUST_DOMAINS];
	size_t n;
};

/* Reads text, which out borrows, as it does path. Says nothing about what the files in it hold. 0, or -1 and *e. */
int trust_file_parse(const char *path, struct span text, struct trust_file *out, struct err *e) MUST_USE;
/* Puts "path:line:column" in front of the error; -1. */
int trust_file_at(const struct trust_file *f, const struct trust_file_value *v, struct err *e);
bool trust_file_is_address(struct span v);

struct trustlist;

/* The SHA-256 of a list's anchors. 0 / -1. */
int trust_file_digest(const struct trustlist *l, unsigned char out[TRUST_DIGEST_BYTES]) MUST_USE;

/* Under what a list from an address is kept. */
struct trust_file_key {
	char text[TRUST_NAME_MAX + 1 + LIMIT_X5U_BYTES + 1];
};
struct span trust_file_key(const struct trust_source *s, struct trust_file_key *out);
#define TRUST_FILE_KIND "trustlist"

#endif
