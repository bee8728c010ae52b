/*
 * Typed values, strictly: every number has its unit, every word is one of a
 * list, and a value that fails leaves the former one in force.
 *
 * Knows no file and no line; it points at the octet where a value went wrong.
 */
#include "config.h"

#include "engine/settings_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/keys/key_pkcs11.h"
#include "core/limits.h"
#include "core/suggest.h"
#include "engine/settings_line.h"
#include "engine/settings_networks.h"
#include "engine/settings_syntax.h"

#define SQLITE "sqlite:"

static int no_memory(struct settings_value *v)
{
	return err_set(v->e, ERR_UNAVAILABLE, "no memory");
}

/* '"the value" ' and the text. */
static int PRINTF_LIKE(2, 3) wrong(struct settings_value *v, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return err_set(v->e, ERR_CONFIG, "\"%.*s\" %s", SPAN_ARG(settings_line_short(v->text)), text);
}

char *settings_value_path(const char *folder, struct span path)
{
	struct buf b;

	buf_init(&b, LIMIT_CONF_BYTES);
	if (folder && folder[0] && (path.n == 0 || path.p[0] != '/')) {
		buf_puts(&b, folder);
		if (folder[strlen(folder) - 1] != '/')
			buf_putc(&b, '/');
	}
	if (buf_put_span(&b, path)) {
		buf_free(&b);
		return NULL;
	}
	return b.p;
}

/* The one string with a path in it (ReplayStore), which is where all others are. */
static int put_sqlite(struct settings_value *v, char **out)
{
	char *path = settings_value_path(v->folder, span_skip(v->text, strlen(SQLITE)));
	struct buf b;

	buf_init(&b, LIMIT_CONF_BYTES);
	if (!path || buf_printf(&b, SQLITE "%s", path))
		buf_free(&b);
	free(path);
	*out = b.p;
	return *out ? 0 : no_memory(v);
}

static int put_string(const struct settings_spec *spec, struct settings_value *v, char **out)
{
	const char *fault = spec->syntax ? spec->syntax(v->text) : NULL;

	if (fault)
		return err_set(v->e, ERR_CONFIG, "\"%.*s\"%s %s", SPAN_ARG(settings_line_short(v->text)),
			       strncmp(fault, "is ", 3) ? ":" : "", fault);
	if (spec->syntax == settings_syntax_replay_store && span_starts(v->text, SQLITE))
		return put_sqlite(v, out);
	*out = strndup(v->text.p, v->text.n);
	return *out ? 0 : no_memory(v);
}

static int put_path(struct settings_value *v, char **out)
{
	if (span_is(v->text, "~") || span_starts(v->text, "~/"))
		return wrong(v, "is no path here: ~ has no meaning; write the whole path");
	if (v->text.p[v->text.n - 1] == '/' && v->text.n > 1)
		v->text.n--;
	/* A key in a token has no folder. */
	*out = key_pkcs11_is_uri(v->text) ? strndup(v->text.p, v->text.n) : settings_value_path(v->folder, v->text);
	return *out ? 0 : no_memory(v);
}

static int put_bool(struct settings_value *v, bool *out)
{
	if (span_caseis(v->text, "yes") || span_caseis(v->text, "true"))
		*out = true;
	else if (span_caseis(v->text, "no") || span_caseis(v->text, "false"))
		*out = false;
	else
		return wrong(v, "is neither yes nor no (nor true nor false)");
	return 0;
}

static int put_enum(const struct settings_spec *spec, struct settings_value *v, int *out)
{
	const char *words[32], *near;
	struct buf list;
	size_t n = 0;

	for (const struct settings_word *w = spec->words; w->word; w++) {
		if (span_caseis(v->text, w->word)) {
			*out = w->value;
			return 0;
		}
		if (n < sizeof words / sizeof *words)
			words[n++] = w->word;
	}
	near = suggest_name(v->text, words, n);
	buf_init(&list, ERR_TEXT_BYTES);
	settings_spec_write_words(&list, spec);
	wrong(v, "is not one of %s%s%s%s", list.p ? list.p : "", near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	buf_free(&list);
	return -1;
}

struct unit {
	const char *word;
	uint64_t size; /* in the row's own unit */
};

static const struct unit units_seconds[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit units_milliseconds[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit units_bytes[] = {{"", 1}, {"k", 1024}, {"K", 1024}, {"M", 1048576}, {NULL, 0}};
static const struct unit units_none[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum settings_type type)
{
	switch (type) {
	case SETTINGS_TYPE_SECONDS:
		return units_seconds;
	case SETTINGS_TYPE_MILLISECONDS:
		return units_milliseconds;
	case SETTINGS_TYPE_BYTES:
		return units_bytes;
	default:
		return units_none;
	}
}

static int wrong_unit(enum settings_type type, struct settings_value *v, struct span unit)
{
	bool duration = type == SETTINGS_TYPE_SECONDS || type == SETTINGS_TYPE_MILLISECONDS;

	if (type == SETTINGS_TYPE_SECONDS && span_is(unit, "ms"))
		return wrong(v, "is finer than a second; the units here are s, m, h and d");
	if (duration && unit.n == 0)
		return wrong(v, "has no unit; write %.*ss, or another of %ss, m, h and d", SPAN_ARG(settings_line_short(v->text)),
			     type == SETTINGS_TYPE_MILLISECONDS ? "ms, " : "");
	v->at = unit.p;
	if (duration)
		return wrong(v, "is no duration; write a number and one of %ss, m, h and d",
			     type == SETTINGS_TYPE_MILLISECONDS ? "ms, " : "");
	if (type == SETTINGS_TYPE_BYTES)
		return wrong(v, "is no size; write a number of octets, or one with k (1024) or M (1048576) after it");
	return wrong(v, "is no plain number");
}

static int wrong_bound(const struct settings_spec *spec, struct settings_value *v, bool large)
{
	struct buf b;

	buf_init(&b, ERR_TEXT_BYTES);
	settings_spec_write_number(&b, spec->type, large ? spec->max : spec->min);
	wrong(v, "is too %s; at %s %s", large ? "large" : "small", large ? "most" : "least", b.p ? b.p : "?");
	buf_free(&b);
	return -1;
}

/* Digits in front of *rest; false when they make no plain number. *large: too many of them. */
static bool cut_digits(struct span *rest, unsigned base, uint64_t *out, bool *large)
{
	size_t n = 0;
	uint64_t value = 0;

	*large = false;
	for (; n < rest->n && rest->p[n] >= '0' && (unsigned)(rest->p[n] - '0') < base; n++) {
		unsigned digit = (unsigned)(rest->p[n] - '0');

		if (value > (UINT64_MAX - digit) / base)
			*large = true;
		value = value * base + digit;
	}
	*out = value;
	*rest = span_skip(*rest, n);
	return n > 0;
}

static int put_number(const struct settings_spec *spec, struct settings_value *v, uint64_t *out)
{
	const struct unit *u = units_of(spec->type);
	struct span rest = v->text;
	uint64_t n;
	bool large;

	if (!cut_digits(&rest, 10, &n, &large))
		return wrong_unit(spec->type, v, v->text);
	if (v->text.p[0] == '0' && v->text.n - rest.n > 1)
		return wrong(v, "has a zero in front; leave it out");
	while (u->word && !span_is(rest, u->word))
		u++;
	if (!u->word)
		return wrong_unit(spec->type, v, rest);
	if (large || n > spec->max / u->size)
		return wrong_bound(spec, v, true);
	n *= u->size;
	if (n < spec->min)
		return wrong_bound(spec, v, false);
	*out = n;
	return 0;
}

static int put_octal(const struct settings_spec *spec, struct settings_value *v, unsigned *out)
{
	struct span rest = v->text;
	uint64_t n;
	bool large;

	if (rest.p[0] != '0' || !cut_digits(&rest, 8, &n, &large) || rest.n)
		return wrong(v, "is no octal number; write it with a zero in front, as in 007");
	if (large || n > spec->max)
		return wrong_bound(spec, v, true);
	*out = (unsigned)n;
	return 0;
}

static void free_list(struct settings_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	l->item = NULL;
	l->n = 0;
}

static int put_list(struct settings_value *v, struct settings_list *out, struct buf *text)
{
	struct span rest = v->text, item;
	struct settings_list l = {NULL, 0};

	while (settings_networks_item(&rest, &item)) {
		char **grown = realloc(l.item, (l.n + 1) * sizeof *grown);

		if (grown)
			l.item = grown;
		if (!grown || !(l.item[l.n] = strndup(item.p, item.n))) {
			free_list(&l);
			return no_memory(v);
		}
		buf_printf(text, "%s%s", l.n ? ", " : "", l.item[l.n]);
		l.n++;
	}
	if (l.n == 0)
		return err_set(v->e, ERR_CONFIG, "no item in it");
	*out = l;
	return 0;
}

static int put_networks(struct settings_value *v, struct cidr_set **out, struct buf *text)
{
	struct cidr_set *set = cidr_new();

	if (!set)
		return no_memory(v);
	if (settings_networks_read(v, set, text)) {
		cidr_free(set);
		return -1;
	}
	*out = set;
	return 0;
}

/* Room for a value of any type before it takes the former one's place. */
union any {
	char *string;
	bool boolean;
	uint64_t number;
	unsigned octal;
	int word;
	struct settings_list list;
	struct cidr_set *networks;
};

static int read_any(const struct settings_spec *spec, struct settings_value *v, union any *out, struct buf *text)
{
	switch (spec->type) {
	case SETTINGS_TYPE_STRING:
		return put_string(spec, v, &out->string);
	case SETTINGS_TYPE_PATH:
		if (put_path(v, &out->string))
			return -1;
		buf_puts(text, out->string);
		return 0;
	case SETTINGS_TYPE_BOOL:
		return put_bool(v, &out->boolean);
	case SETTINGS_TYPE_COUNT:
	case SETTINGS_TYPE_SECONDS:
	case SETTINGS_TYPE_MILLISECONDS:
	case SETTINGS_TYPE_BYTES:
		return put_number(spec, v, &out->number);
	case SETTINGS_TYPE_OCTAL:
		return put_octal(spec, v, &out->octal);
	case SETTINGS_TYPE_ENUM:
		return put_enum(spec, v, &out->word);
	case SETTINGS_TYPE_LIST:
		return put_list(v, &out->list, text);
	case SETTINGS_TYPE_NETWORKS:
		return put_networks(v, &out->networks, text);
	}
	return err_set(v->e, ERR_BUG, "a setting of a type that nobody reads");
}

static void move_any(struct settings *s, const struct settings_spec *spec, const union any *from)
{
	void *to = settings_spec_value(s, spec);

	switch (spec->type) {
	case SETTINGS_TYPE_STRING:
	case SETTINGS_TYPE_PATH:
		*(char **)to = from->string;
		break;
	case SETTINGS_TYPE_BOOL:
		*(bool *)to = from->boolean;
		break;
	case SETTINGS_TYPE_COUNT:
	case SETTINGS_TYPE_BYTES:
		*(uint64_t *)to = from->number;
		break;
	case SETTINGS_TYPE_SECONDS:
	case SETTINGS_TYPE_MILLISECONDS:
		*(uint32_t *)to = (uint32_t)from->number;
		break;
	case SETTINGS_TYPE_OCTAL:
		*(unsigned *)to = from->octal;
		break;
	case SETTINGS_TYPE_ENUM:
		*(int *)to = from->word;
		break;
	case SETTINGS_TYPE_LIST:
		*(struct settings_list *)to = from->list;
		break;
	case SETTINGS_TYPE_NETWORKS:
		*(struct cidr_set **)to = from->networks;
		break;
	}
}

/* at holds a value of the row's type, in a struct settings or in a union any. */
static void free_at(const struct settings_spec *spec, void *at)
{
	if (spec->type == SETTINGS_TYPE_STRING || spec->type == SETTINGS_TYPE_PATH) {
		free(*(char **)at);
		*(char **)at = NULL;
	} else if (spec->type == SETTINGS_TYPE_LIST) {
		free_list(at);
	} else if (spec->type == SETTINGS_TYPE_NETWORKS) {
		cidr_free(*(struct cidr_set **)at);
		*(struct cidr_set **)at = NULL;
	}
}

void settings_value_drop(struct settings *s, enum settings_id id)
{
	const struct settings_spec *spec = settings_spec_at(id);
	char **given = settings_spec_given(s, spec);

	free(*given);
	*given = NULL;
	free_at(spec, settings_spec_value(s, spec));
}

int settings_value_put(struct settings *s, enum settings_id id, struct settings_value *v)
{
	const struct settings_spec *spec = settings_spec_at(id);
	struct span whole = v->text;
	union any any = {0};
	struct buf text;
	char *given = NULL;

	v->at = v->text.p;
	buf_init(&text, LIMIT_TABLE_BYTES);
	if (read_any(spec, v, &any, &text)) {
		buf_free(&text);
		return -1;
	}
	if (!text.failed)
		given = text.n ? strndup(text.p, text.n) : strndup(whole.p, whole.n);
	buf_free(&text);
	if (!given) {
		free_at(spec, &any);
		return no_memory(v);
	}
	settings_value_drop(s, id);
	move_any(s, spec, &any);
	*settings_spec_given(s, spec) = given;
	return 0;
}

int settings_value_default(struct settings *s, enum settings_id id, struct err *e)
{
	const struct settings_spec *spec = settings_spec_at(id);
	struct settings_value v = {.text = span_cstr(spec->row.dflt), .e = e};
	char **given = settings_spec_given(s, spec);

	settings_value_drop(s, id);
	if (spec->type == SETTINGS_TYPE_NETWORKS) {
		struct cidr_set *empty = cidr_new();

		*(struct cidr_set **)settings_spec_value(s, spec) = empty;
		return empty ? 0 : no_memory(&v);
	}
	if (v.text.n == 0)
		return 0;
	if (settings_value_put(s, id, &v))
		return err_prefix(e, "default of %s", spec->row.name);
	free(*given);
	*given = NULL;
	return 0;
}
