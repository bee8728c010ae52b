/*
 * "Name value" lines: one setting each, once, with a place in every error.
 *
 * What a value means is settings_value.c's business, what goes together
 * settings_check.c's.
 */
#include "config.h"

#include "engine/settings_parse.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/limits.h"
#include "engine/file.h"
#include "engine/settings_line.h"
#include "engine/settings_names.h"
#include "engine/settings_value.h"

enum { MAX_FILES = 64 }; /* a whole conf.d, and an end to what includes itself under many names */

/* One run over a file and its includes. */
struct reader {
	struct settings *s;
	bool may_include;
	struct {
		const char *file;
		unsigned line; /* 0: not yet */
	} first[SETTINGS_ID_COUNT];
	char *file[MAX_FILES]; /* owned; as they were named, resolved */
	size_t nfile;
	struct err *e;
};

struct line {
	struct reader *r;
	const char *file;
	const char *folder; /* NULL: there is none */
	unsigned depth;
	unsigned no;
	struct span text;
};

static int PRINTF_LIKE(3, 4) fault(const struct line *l, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(l->r->e, ERR_CONFIG, fmt, ap);
	va_end(ap);
	return err_prefix(l->r->e, "%s:%u:%zu", l->file, l->no, settings_line_column(l->text, at));
}

/* What stands between the quotes; nothing but a comment may follow. */
static int quoted(const struct line *l, struct span rest, struct span *out)
{
	struct span after = span_skip(rest, 1), inner = span_take(after, span_find(after, '"'));

	if (inner.n == after.n)
		return fault(l, rest.p, "the quote that begins here has no end on this line");
	after = span_skip(after, inner.n + 1);
	if (after.n && !span_is_blank(after.p[0]))
		return fault(l, after.p, "something follows the closing quote");
	after = settings_line_content(after);
	if (after.n)
		return fault(l, after.p, "something follows the closing quote");
	*out = inner;
	return 0;
}

/* Cuts the line into name and value; an empty name when there is nothing on it. */
static int cut(const struct line *l, struct span *name, struct span *value)
{
	struct span rest = span_trim(l->text), bare = settings_line_content(rest);
	size_t n = 0;

	*name = *value = span_make(l->text.p, 0);
	if (bare.n == 0)
		return 0;
	while (n < bare.n && !span_is_blank(bare.p[n]))
		n++;
	*name = span_take(bare, n);
	rest = span_trim(span_skip(rest, n));
	if (rest.n && rest.p[0] == '"')
		return quoted(l, rest, value);
	*value = span_trim(span_skip(bare, n));
	n = span_find(*value, '"');
	if (n < value->n)
		return fault(l, value->p + n, "quotes go around the whole value");
	return 0;
}

static int is_single(const struct line *l, struct span name, struct span value)
{
	if (value.p > l->text.p && value.p[-1] == '"')
		return 0;
	for (size_t i = 0; i < value.n; i++)
		if (span_is_blank(value.p[i]))
			return fault(l, value.p + i, "%.*s takes one value; put quotes around one with spaces in it",
				     SPAN_ARG(settings_line_short(name)));
	return 0;
}

static int one_setting(const struct line *l, enum settings_id id, struct span value)
{
	const struct settings_spec *spec = settings_spec_at(id);
	struct settings_value v = {.text = value, .folder = l->folder, .e = l->r->e};
	enum settings_type type = spec->type;

	if (l->r->first[id].line)
		return fault(l, span_trim(l->text).p, "%s is set for the second time; the first is at %s:%u", spec->row.name,
			     l->r->first[id].file, l->r->first[id].line);
	l->r->first[id].file = l->file;
	l->r->first[id].line = l->no;
	if (type != SETTINGS_TYPE_LIST && type != SETTINGS_TYPE_NETWORKS && is_single(l, span_cstr(spec->row.name), value))
		return -1;
	if (settings_value_put(l->r->s, id, &v) == 0)
		return 0;
	if (!v.at) /* a file of items that names its own place: keep ours, too */
		return err_prefix(l->r->e, "%s:%u: %s", l->file, l->no, spec->row.name);
	return err_prefix(l->r->e, "%s:%u:%zu: %s", l->file, l->no, settings_line_column(l->text, v.at), spec->row.name);
}

static int read_text(struct reader *r, const char *file, const char *folder, unsigned depth, struct span text);

static int include_file(const struct line *l, struct span value, const char *path)
{
	struct reader *r = l->r;
	struct buf text;
	char *folder;
	int rc;

	buf_init(&text, LIMIT_CONF_BYTES);
	rc = file_read(path, LIMIT_CONF_BYTES, &text, r->e);
	if (rc) {
		if (r->e && (r->e->code == ERR_NOINPUT || r->e->code == ERR_DATA))
			r->e->code = ERR_CONFIG;
		err_prefix(r->e, "%s:%u:%zu: Include", l->file, l->no, settings_line_column(l->text, value.p));
	} else {
		folder = settings_parse_folder(path);
		rc = folder ? read_text(r, path, folder, l->depth + 1, buf_span(&text))
		            : err_set(r->e, ERR_UNAVAILABLE, "no memory");
		free(folder);
	}
	buf_free(&text);
	return rc;
}

static int note_included(struct settings *s, const char *path)
{
	struct settings_list *l = &s->included;
	char **grown = reallocarray(l->item, l->n + 1, sizeof *grown);

	if (!grown)
		return -1;
	l->item = grown;
	l->item[l->n] = strdup(path);
	return l->item[l->n] ? (l->n++, 0) : -1;
}

static int include(const struct line *l, struct span value)
{
	struct reader *r = l->r;
	char *path;

	if (!r->may_include)
		return fault(l, value.p, "Include works in files only");
	if (is_single(l, span_cstr("Include"), value))
		return -1;
	if (l->depth + 1 >= LIMIT_CONF_INCLUDE_DEPTH)
		return fault(l, value.p, "more than %d files deep; do they include each other?", LIMIT_CONF_INCLUDE_DEPTH);
	if (r->nfile == MAX_FILES)
		return fault(l, value.p, "more than %d files", MAX_FILES);
	path = settings_value_path(l->folder, value);
	if (!path)
		return err_set(r->e, ERR_UNAVAILABLE, "no memory");
	/* The reader keeps it: errors point at it until the end. */
	if (note_included(r->s, path)) {
		free(path);
		return err_set(r->e, ERR_UNAVAILABLE, "no memory");
	}
	r->file[r->nfile++] = path;
	for (size_t i = 0; i + 1 < r->nfile; i++)
		if (strcmp(r->file[i], path) == 0)
			return fault(l, value.p, "%s was read already; a file is included once", path);
	return include_file(l, value, path);
}

static int unknown(const struct line *l, struct span name)
{
	struct buf hint;

	buf_init(&hint, ERR_TEXT_BYTES);
	settings_names_hint(&hint, name);
	fault(l, name.p, "unknown setting \"%.*s\"%s", SPAN_ARG(settings_line_short(name)), hint.p ? hint.p : "");
	buf_free(&hint);
	return -1;
}

static int read_line(const struct line *l)
{
	const char *at = l->text.p, *what = settings_line_fault(l->text, &at);
	struct span name, value;
	enum settings_id id;
	bool is_include;

	if (what)
		return fault(l, at, "%s", what);
	if (cut(l, &name, &value))
		return -1;
	if (name.n == 0)
		return 0;
	is_include = span_caseis(name, "Include");
	if (!is_include && settings_spec_find(name, &id))
		return unknown(l, name);
	if (value.n == 0)
		return fault(l, name.p + name.n, "%.*s has no value; leave the line out if it shall not be set", SPAN_ARG(name));
	return is_include ? include(l, value) : one_setting(l, id, value);
}

static int read_text(struct reader *r, const char *file, const char *folder, unsigned depth, struct span text)
{
	struct line l = {r, file, folder, depth, 0, {NULL, 0}};

	while (settings_line_next(&text, &l.text)) {
		l.no++;
		if (read_line(&l))
			return -1;
	}
	return 0;
}

char *settings_parse_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct span folder = span_make(path, slash ? (size_t)(slash - path) + (slash == path) : 0);
	char *here, *whole;

	if (path[0] == '/')
		return strndup(folder.p, folder.n);
	/* The programs may change their folder later: paths must hold all the same. */
	here = getcwd(NULL, 0);
	if (!here)
		return NULL;
	whole = folder.n ? settings_value_path(here, folder) : strdup(here);
	free(here);
	return whole;
}

int settings_parse_file(struct settings *s, const char *path, struct span text, struct err *e)
{
	struct reader r = {.s = s, .may_include = true, .e = e};
	bool standard_input = strcmp(path, "-") == 0;
	char *folder = settings_parse_folder(path);
	const char *base = strrchr(path, '/');
	int rc;

	r.file[0] = folder ? settings_value_path(folder, span_cstr(base ? base + 1 : path)) : NULL;
	r.nfile = 1;
	if (!r.file[0])
		rc = err_set(e, ERR_UNAVAILABLE, "%s: no memory, or no current folder", path);
	else
		rc = read_text(&r, standard_input ? "standard input" : path, folder, 0, text);
	while (r.nfile)
		free(r.file[--r.nfile]);
	free(folder);
	return rc;
}

int settings_parse(struct settings *s, const char *name, struct span text, struct err *e)
{
	struct reader r = {.s = s, .may_include = false, .e = e};

	return read_text(&r, name, NULL, 0, text);
}
