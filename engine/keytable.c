/*
 * Reads the table of keys.  Knows no key and no certificate.
 */
#include "config.h"

#include "engine/keytable.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/keys/key_pkcs11.h"
#include "core/limits.h"
#include "core/x5u.h"
#include "engine/csv.h"
#include "engine/settings_parse.h"
#include "engine/settings_value.h"

enum { NAME, KEY_FILE, CERTIFICATE, URL, PIN, FIELDS, NAME_MAX_BYTES = 64 };

static const char *const heading[FIELDS] = {"name", "key", "certificate", "url", "pin"};

struct reader {
	struct keytable *t;
	struct csv csv;
	char *folder;
	size_t cap;
	struct err *e;
};

static int no_memory(struct reader *r)
{
	return err_set(r->e, ERR_UNAVAILABLE, "%s: no memory", r->csv.name);
}

static int read_name(struct reader *r, struct span s, const char **out)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (span_lower(s.p[i]) >= 'a' && span_lower(s.p[i]) <= 'z') || (s.p[i] && strchr("._-", s.p[i]))))
			return csv_fault(&r->csv, NAME, r->e, "a name is of letters, digits, '.', '_' and '-'");
	if (!s.n || s.n > NAME_MAX_BYTES)
		return csv_fault(&r->csv, NAME, r->e, "a name has 1 to %d letters", NAME_MAX_BYTES);
	if (span_is(s, "none"))
		return csv_fault(&r->csv, NAME, r->e, "\"none\" means in SigningTable that nothing is signed; take another name");
	*out = arena_cstr(r->t->texts, s);
	return *out ? 0 : no_memory(r);
}

/* A path, beside the table unless it says otherwise. */
static int read_path(struct reader *r, size_t field, const char **out)
{
	struct span s = r->csv.field[field];
	char *whole;

	if (!s.n)
		return csv_fault(&r->csv, field, r->e, "%s is empty", heading[field]);
	if (memchr(s.p, '\0', s.n))
		return csv_fault(&r->csv, field, r->e, "%s has a NUL in it", heading[field]);
	whole = settings_value_path(r->folder, s);
	if (!whole)
		return no_memory(r);
	*out = arena_cstr(r->t->texts, span_cstr(whole));
	free(whole);
	return *out ? 0 : no_memory(r);
}

static int read_key(struct reader *r, const char **out)
{
	struct span s = r->csv.field[KEY_FILE];

	if (!key_pkcs11_is_uri(s))
		return read_path(r, KEY_FILE, out);
	*out = arena_cstr(r->t->texts, s);
	return *out ? 0 : no_memory(r);
}

/* Two certificates at one address: verifiers would keep the one and get the other. */
static int read_url(struct reader *r, const char **out)
{
	struct span s = r->csv.field[URL];
	const char *why = "";
	struct x5u parts;

	if (x5u_check(s, &parts, &why) != STIR_OK)
		return csv_fault(&r->csv, URL, r->e, "no address that verifiers may fetch: %s", why);
	for (size_t i = 0; i + 1 < r->t->n; i++)
		if (span_is(s, r->t->row[i].url))
			return csv_fault(&r->csv, URL, r->e, "the address of line %zu; each certificate has one of its own, since others keep what they fetched",
					 r->t->row[i].line);
	*out = arena_cstr(r->t->texts, s);
	return *out ? 0 : no_memory(r);
}

static int add_row(struct reader *r)
{
	struct keytable *t = r->t;

	if (t->n == LIMIT_KEYTABLE_ROWS)
		return csv_fault(&r->csv, 0, r->e, "more than %d keys", LIMIT_KEYTABLE_ROWS);
	if (t->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		struct keytable_row *grown = reallocarray(t->row, cap, sizeof *grown);

		if (!grown)
			return no_memory(r);
		t->row = grown;
		r->cap = cap;
	}
	memset(&t->row[t->n], 0, sizeof *t->row);
	t->row[t->n].line = r->csv.line;
	t->n++;
	return 0;
}

static int read_row(struct reader *r)
{
	struct keytable_row *row;

	if (r->csv.n != FIELDS && r->csv.n != PIN)
		return csv_fault(&r->csv, r->csv.n > FIELDS ? FIELDS : 0, r->e, "a line is \"name,key,certificate,url\" or has a pin behind them; this one has %zu fields",
				 r->csv.n);
	if (add_row(r))
		return -1;
	row = &r->t->row[r->t->n - 1];
	if (read_name(r, r->csv.field[NAME], &row->name) || read_key(r, &row->key) || read_path(r, CERTIFICATE, &row->certificate) || read_url(r, &row->url))
		return -1;
	return r->csv.n == FIELDS && r->csv.field[PIN].n ? read_path(r, PIN, &row->pin) : 0;
}

static int read_all(struct reader *r)
{
	int rc;

	while ((rc = csv_next_row(&r->csv, heading, FIELDS, r->e)) == 1)
		if (read_row(r))
			return -1;
	if (rc == 0 && r->t->n == 0)
		return err_set(r->e, ERR_CONFIG, "%s: there is no key in it; a line is \"name,key,certificate,url\"", r->csv.name);
	return rc;
}

int keytable_parse(const char *path, struct span csv, struct keytable *out, struct err *e)
{
	struct reader r = {.t = out, .e = e};
	int rc;

	memset(out, 0, sizeof *out);
	csv_init(&r.csv, path, csv);
	r.folder = settings_parse_folder(path);
	out->texts = arena_new(LIMIT_TABLE_BYTES);
	rc = r.folder && out->texts ? read_all(&r) : no_memory(&r);
	free(r.folder);
	if (rc)
		keytable_free(out);
	return rc;
}

void keytable_free(struct keytable *t)
{
	free(t->row);
	arena_free(t->texts);
	memset(t, 0, sizeof *t);
}
