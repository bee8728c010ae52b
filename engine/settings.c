/*
 * The life of a struct settings: defaults, a file, the command line, the end.
 *
 * Delegates: lines to settings_parse.c, values to settings_value.c, the table
 * to settings_spec.c.
 */
#include "config.h"

#include "engine/settings.h"

#include <stdlib.h>

#include "core/limits.h"
#include "engine/file.h"
#include "engine/settings_line.h"
#include "engine/settings_names.h"
#include "engine/settings_parse.h"
#include "engine/settings_value.h"

int settings_init(struct settings *s, struct err *e)
{
	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++)
		if (settings_value_default(s, (enum settings_id)i, e)) {
			settings_free(s);
			return -1;
		}
	return 0;
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++)
		settings_value_drop(s, (enum settings_id)i);
	for (size_t i = 0; i < s->included.n; i++)
		free(s->included.item[i]);
	free(s->included.item);
	s->included = (struct settings_list){NULL, 0};
	free(s->origin);
	s->origin = NULL;
}

int settings_read(struct settings *s, const char *path, struct err *e)
{
	struct buf text;
	char *origin = strdup(path);
	int rc;

	if (!origin)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	free(s->origin);
	s->origin = origin;
	buf_init(&text, LIMIT_CONF_BYTES);
	rc = file_read(path, LIMIT_CONF_BYTES, &text, e);
	if (rc && e && e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	if (!rc)
		rc = settings_parse_file(s, path, buf_span(&text), e);
	buf_free(&text);
	return rc;
}

static int unknown(struct span name, struct err *e)
{
	struct buf hint;

	buf_init(&hint, ERR_TEXT_BYTES);
	settings_names_hint(&hint, name);
	err_set(e, ERR_CONFIG, "unknown setting \"%.*s\"%s", SPAN_ARG(settings_line_short(name)), hint.p ? hint.p : "");
	buf_free(&hint);
	return -1;
}

/* Takes the setting away where that means something. */
static int set_empty(struct settings *s, enum settings_id id, struct err *e)
{
	const struct settings_spec *spec = settings_spec_at(id);

	switch (spec->type) {
	case SETTINGS_TYPE_STRING:
	case SETTINGS_TYPE_PATH:
	case SETTINGS_TYPE_LIST:
	case SETTINGS_TYPE_NETWORKS:
		return settings_value_default(s, id, e);
	default:
		return err_set(e, ERR_CONFIG, "%s has no value", spec->row.name);
	}
}

static int put_from_here(struct settings *s, enum settings_id id, struct span value, struct err *e)
{
	const char *name = settings_spec_at(id)->row.name;
	char *here = settings_parse_folder("");
	struct settings_value v = {.text = value, .folder = here, .e = e};
	int rc;

	if (!here)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory, or no current folder", name);
	rc = settings_value_put(s, id, &v);
	free(here);
	return rc ? err_prefix(e, "%s", name) : 0;
}

int settings_set(struct settings *s, const char *name, struct span value, struct err *e)
{
	enum settings_id id;
	const char *at, *fault;

	fault = settings_line_fault(span_cstr(name), &at);
	if (fault)
		return err_set(e, ERR_CONFIG, "name of a setting: %s", fault);
	if (settings_spec_find(span_cstr(name), &id))
		return unknown(span_cstr(name), e);
	name = settings_spec_at(id)->row.name;
	fault = settings_line_fault(value, &at);
	if (fault)
		return err_set(e, ERR_CONFIG, "%s: %s", name, fault);
	/* No file could say it again. */
	if (span_find(value, '"') < value.n)
		return err_set(e, ERR_CONFIG, "%s: a value holds no quotes", name);
	if (value.n == 0)
		return set_empty(s, id, e);
	return put_from_here(s, id, value, e);
}

const struct settings_row *settings_row(size_t i)
{
	return i < SETTINGS_ID_COUNT ? &settings_spec_at((enum settings_id)i)->row : NULL;
}
