/*
 * The configuration as typed values: "Name value" lines, strict.
 */
#ifndef STIR_ENGINE_SETTINGS_H
#define STIR_ENGINE_SETTINGS_H

#include <stdint.h>

#include "core/buf.h"
#include "core/cidr.h"
#include "core/err.h"
#include "core/msgi.h"
#include "core/sign.h"
#include "core/verify.h"

struct settings_list {
	char **item; /* owned strings, in order */
	size_t n;
};

enum settings_sandbox { SETTINGS_SANDBOX_AUTO, SETTINGS_SANDBOX_REQUIRE, SETTINGS_SANDBOX_OFF };
enum settings_mode { SETTINGS_MODE_S, SETTINGS_MODE_V, SETTINGS_MODE_SV };
enum settings_log_format { SETTINGS_LOG_TEXT, SETTINGS_LOG_JSON };
enum settings_log_numbers { SETTINGS_NUMBERS_PSEUDONYM, SETTINGS_NUMBERS_MASKED, SETTINGS_NUMBERS_FULL };
enum settings_revocation { SETTINGS_REVOCATION_SOFT, SETTINGS_REVOCATION_HARD };
enum settings_fetch_ports { SETTINGS_FETCH_443 = 1, SETTINGS_FETCH_8443 = 2, SETTINGS_FETCH_BOTH = 3 };
enum settings_dest_cover { SETTINGS_DEST_FULL, SETTINGS_DEST_ANY };

/* The C type of each TYPE of settings.def. */
typedef char *settings_STRING;         /* owned; NULL when not set */
typedef char *settings_PATH;           /* owned; NULL when not set; the folder of the file that names it is in front */
typedef bool settings_BOOL;
typedef uint64_t settings_COUNT;
typedef uint32_t settings_SECONDS;
typedef uint32_t settings_MILLISECONDS;
typedef uint64_t settings_BYTES;
typedef unsigned settings_OCTAL;
typedef int settings_ENUM;             /* the enum that settings_spec.c names for the row */
typedef struct settings_list settings_LIST;
typedef struct cidr_set *settings_NETWORKS; /* owned; never NULL after settings_init() */

struct settings {
#define SETTING(name, field, type, dflt, min, max, sentence) settings_##type field;
#include "engine/settings.def"
#undef SETTING
	/* What somebody set, as it would be written in a file; NULL: nobody did. Owned. */
	struct {
#define SETTING(name, field, type, dflt, min, max, sentence) char *field;
#include "engine/settings.def"
#undef SETTING
	} given;
	struct settings_list included; /* files that Include named */
	char *origin; /* file it was read from, or NULL; owned */
};

/* Defaults of settings.def. 0, or -1 without memory. */
int settings_init(struct settings *s, struct err *e) MUST_USE;
void settings_free(struct settings *s);

/*
 * Read a file into initialised settings.  Unknown, doubled, misspelt or
 * out-of-range entries are errors: "file:line:column: ...; did you mean ...?".
 * "Include FILE" takes another file in, relative to the one it stands in.
 * 0, or -1 and *e (ERR_NOINPUT when the file can't be read, else ERR_CONFIG).
 */
int settings_read(struct settings *s, const char *path, struct err *e) MUST_USE;
/* The same from text, for tests and fuzzers; Include is refused. */
int settings_parse(struct settings *s, const char *name, struct span text, struct err *e) MUST_USE;
/*
 * One setting from the command line ("-o Name=value"); may override what a
 * file said.  An empty value takes a text, path, list or networks away.
 */
int settings_set(struct settings *s, const char *name, struct span value, struct err *e) MUST_USE;

/*
 * What goes together: KeyFile needs CertificateFile and CertificateURL, and so
 * on.  Settles a Mode that nobody said by what is configured.
 */
int settings_check(struct settings *s, struct err *e) MUST_USE;

/* Every setting in force as it would be written in a file. */
void settings_print(struct buf *out, const struct settings *s);
/* The sample file, from the table: each setting commented out with its sentence. */
void settings_sample(struct buf *out);

/* Row i of the table, for tools and manual checks; NULL past the end. */
struct settings_row {
	const char *name, *type, *dflt, *sentence;
};
const struct settings_row *settings_row(size_t i);

#endif
