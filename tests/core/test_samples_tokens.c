/*
 * Tokens of other people's tests and of RFCs: each is read, or refused at the
 * place where it is odd, and its signature is what the table of samples says.
 */
#include "config.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/identity.h"
#include "core/passport.h"
#include "core/x5u.h"
#include "tests/lib/tap.h"

enum { ARENA = 1 << 20 };

static FILE *open_sample(const char *rel, char *path, size_t n)
{
	const char *shared = tap_shared();

	snprintf(path, n, "%s/samples/stir/%s", shared ? shared : ".", rel);
	return shared ? fopen(path, "r") : NULL;
}

/* Cuts a line into its columns; how many there were. */
static size_t cut(char *line, char **column, size_t max)
{
	char *rest = line;
	size_t n = 0;

	while (n < max && rest)
		column[n++] = strsep(&rest, "\t\n");
	return n;
}

/* --- PASSporTs ------------------------------------------------------------------------ */

enum column { ID, FIELD, PPT, SIGNATURE, KEY, COLUMNS };
enum stage { SYNTAX, HEADER, ADDRESS, CLAIMS, DONE };
static const char *const stages[] = {"field", "header", "address", "claims", "none"};

static const struct {
	const char *name, *file;
} keys[] = {
	{"cgrates:data/stir/stir_pubkey.pem", "cgrates-stir_pubkey.pem"},
	{"yeti-switch+sems:unit_tests/test.pem", "sems__unit_tests__test.pem"},
	{"signalwire+freeswitch:src/mod/endpoints/mod_sofia/test/stir-shaken/pub.pem",
	 "freeswitch__src__mod__endpoints__mod_sofia__test__stir-shaken__pub.pem"},
	{"signalwire+libstirshaken:examples/cache/sp.pem", "libstirshaken__examples__cache__sp.pem"},
	{"RFC8225-appendix-A", "rfc8225-appendix-a.pem"},
};

static const struct {
	const char *id;
	enum stage stage;
	enum stir_reason want;
} outcomes[] = {
	{"S01", HEADER, STIR_TOKEN_SYNTAX},   /* typ is "passpord" */
	{"S02", ADDRESS, STIR_X5U_FORBIDDEN}, /* a file's path */
	{"S03", CLAIMS, STIR_CLAIMS_INVALID}, /* no iat */
	{"S04", CLAIMS, STIR_CLAIMS_INVALID}, /* a number is empty; so are those of S05 to S07 */
	{"S05", CLAIMS, STIR_CLAIMS_INVALID},
	{"S06", CLAIMS, STIR_CLAIMS_INVALID},
	{"S07", CLAIMS, STIR_CLAIMS_INVALID},
	{"S08", SYNTAX, STIR_IDENTITY_SYNTAX}, /* a token without info; as S10, S11, S15 and S19 */
	{"S09", ADDRESS, STIR_X5U_FORBIDDEN},  /* http */
	{"S10", SYNTAX, STIR_IDENTITY_SYNTAX},
	{"S11", SYNTAX, STIR_IDENTITY_SYNTAX},
	{"S12", DONE, STIR_OK},
	{"S13", CLAIMS, STIR_CLAIMS_INVALID}, /* tn is an object */
	{"S14", CLAIMS, STIR_CLAIMS_INVALID}, /* iat is a string */
	{"S15", SYNTAX, STIR_IDENTITY_SYNTAX},
	{"S16", CLAIMS, STIR_ALG_UNSUPPORTED}, /* "ES265" */
	{"S17", HEADER, STIR_TOKEN_SYNTAX},    /* typ is a list */
	{"S18", HEADER, STIR_TOKEN_SYNTAX},    /* the signature is a word */
	{"S19", SYNTAX, STIR_IDENTITY_SYNTAX},
};

static EVP_PKEY *read_key(const char *file)
{
	char rel[200], path[800];
	EVP_PKEY *key;
	X509 *x;
	FILE *f;

	snprintf(rel, sizeof rel, "test-certs/%s", file);
	f = open_sample(rel, path, sizeof path);
	if (!f)
		tap_bail("%s", path);
	key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	rewind(f);
	x = key ? NULL : PEM_read_X509(f, NULL, NULL, NULL);
	if (x)
		key = X509_get_pubkey(x);
	X509_free(x);
	fclose(f);
	if (!key)
		tap_bail("no key in %s", path);
	return key;
}

/* All the checks that cost nothing, in the order of a verifier. */
static enum stir_reason read_token(struct span value, struct arena *a, struct passport *t, enum stage *stage)
{
	struct identity id;
	enum stir_reason r = identity_parse(value, a, &id);
	struct x5u u;

	*stage = SYNTAX;
	if (r != STIR_OK)
		return r;
	*stage = HEADER;
	r = passport_header(id.token, a, t);
	if (r != STIR_OK)
		return r;
	*stage = CLAIMS;
	r = passport_claims(t, a);
	if (r != STIR_OK)
		return r;
	*stage = ADDRESS;
	r = x5u_check(t->x5u, &u, NULL);
	if (r == STIR_OK)
		*stage = DONE;
	return r;
}

/* With the key the table names, and with none of the others. */
static void check_signature(const struct jws *j, char *const *row)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		EVP_PKEY *key = read_key(keys[i].file);

		tap_int(jws_verify_es256(j->signing_input, j->sig, key), strcmp(row[KEY], keys[i].name) == 0, "%s: the signature and %s", row[ID],
			keys[i].name);
		EVP_PKEY_free(key);
	}
}

static void check_row(char *const *row)
{
	struct arena *a = arena_new(ARENA);
	struct passport t = {.ndest = 0};
	struct span value = span_cstr(row[FIELD]);
	enum stage stage;
	enum stir_reason r = read_token(value, a, &t, &stage);
	bool known = false;

	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
		if (strcmp(outcomes[i].id, row[ID]) != 0)
			continue;
		known = true;
		tap_str(stages[stage], stages[outcomes[i].stage], "%s: where it is refused", row[ID]);
		tap_str(stir_reason_name(r), stir_reason_name(outcomes[i].want), "%s: why", row[ID]);
	}
	tap_ok(known, "%s is a row we know", row[ID]);
	/* Tables also hold bare tokens; those have a signature too. */
	r = jws_split(span_cut(&value, ';'), a, &t.jws);
	tap_int(r, strncmp(row[SIGNATURE], "signature", 9) == 0 ? STIR_TOKEN_SYNTAX : STIR_OK, "%s: a signature of 64 octets", row[ID]);
	if (r == STIR_OK)
		check_signature(&t.jws, row);
	arena_free(a);
}

static void passports(void)
{
	char path[600], *line = NULL, *row[COLUMNS];
	size_t cap = 0, n = 0;
	FILE *f = open_sample("passports.tsv", path, sizeof path);

	if (!f || getline(&line, &cap, f) < 0) {
		tap_skip("no PASSporTs here");
		return;
	}
	for (; getline(&line, &cap, f) > 0; n++) {
		if (cut(line, row, COLUMNS) < COLUMNS)
			tap_bail("%s has other columns", path);
		check_row(row);
	}
	tap_int((long long)n, 19, "every row was read");
	free(line);
	fclose(f);
}

/* --- negative cases ------------------------------------------------------------------------ */

/* A macro of that suite, which makes a token; only the address it would get is known. */
static void check_macro(struct span line, const char *scenario)
{
	static const char name[] = "x5u=\"";
	const char *at = strstr(line.p, name);
	struct span url = span_cstr(at ? at + sizeof name - 1 : "");
	struct x5u u;

	tap_int(x5u_check(span_cut(&url, '"'), &u, NULL), STIR_X5U_FORBIDDEN, "%s: its address is forbidden", scenario);
}

static void negative_cases(void)
{
	char path[600], *line = NULL, *row[3];
	size_t cap = 0, n = 0, fields = 0;
	FILE *f = open_sample("negative-identity-cases.tsv", path, sizeof path);

	if (!f || getline(&line, &cap, f) < 0) {
		tap_skip("no negative cases here");
		return;
	}
	for (; getline(&line, &cap, f) > 0; n++) {
		struct arena *a = arena_new(ARENA);
		struct identity id;
		struct span value;

		if (cut(line, row, 3) < 3)
			tap_bail("%s has other columns", path);
		value = span_cstr(row[1]);
		if (span_starts(value, "[identity "))
			check_macro(value, row[0]);
		if (span_starts(value, "Identity: ")) {
			tap_int(identity_parse(span_skip(value, 10), a, &id), STIR_IDENTITY_SYNTAX, "%s: no info", row[0]);
			fields++;
		}
		arena_free(a);
	}
	tap_int((long long)n, 20, "every row was read");
	tap_int((long long)fields, 1, "one of them holds a field");
	free(line);
	fclose(f);
}

int main(void)
{
	passports();
	negative_cases();
	return tap_done();
}
