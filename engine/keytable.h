/*
 * The keys of several tenants, each under a name: the operator's table, CSV
 * (engine/csv.h):
 *
 *     name,key,certificate,url,pin
 *     carrier-a,keys/a-2026.key,keys/a-2026.pem,https://certs.a.example/2026.pem
 *     carrier-a,keys/a-2027.key,keys/a-2027.pem,https://certs.a.example/2027.pem
 *     carrier-b,pkcs11:token=b;object=stir,keys/b.pem,https://certs.b.example/b.pem,keys/b.pin
 *
 * Several lines of one name are a roll-over: engine/signers.h says which signs.
 * Paths are relative to the table's folder.  Opens nothing.
 */
#ifndef STIR_ENGINE_KEYTABLE_H
#define STIR_ENGINE_KEYTABLE_H

#include "core/err.h"
#include "core/span.h"

struct keytable_row {
	const char *name, *key, *certificate, *url;
	const char *pin; /* or NULL */
	size_t line;     /* in the file */
};

struct keytable {
	struct keytable_row *row;
	size_t n;
	struct arena *texts;
};

/*
 * path: of the table, for places and for relative paths.  0 and *out
 * (keytable_free()), or -1 and *e.  Each name is [A-Za-z0-9._-]{1,64} and not "none";
 * each URL is one that x5u_check() accepts; no URL stands there twice.
 */
int keytable_parse(const char *path, struct span csv, struct keytable *out, struct err *e) MUST_USE;
void keytable_free(struct keytable *t); /* of a zeroed one too */

#endif
