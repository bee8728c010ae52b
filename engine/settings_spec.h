/*
 * settings.def as the parser, the printer and the checker see it: one row, one
 * struct.  For engine/settings*.c only.
 */
#ifndef STIR_ENGINE_SETTINGS_SPEC_H
#define STIR_ENGINE_SETTINGS_SPEC_H

#include "engine/settings.h"

enum settings_type {
	SETTINGS_TYPE_STRING,
	SETTINGS_TYPE_PATH,
	SETTINGS_TYPE_BOOL,
	SETTINGS_TYPE_COUNT,
	SETTINGS_TYPE_SECONDS,
	SETTINGS_TYPE_MILLISECONDS,
	SETTINGS_TYPE_BYTES,
	SETTINGS_TYPE_OCTAL,
	SETTINGS_TYPE_ENUM,
	SETTINGS_TYPE_LIST,
	SETTINGS_TYPE_NETWORKS
};

/* SETTINGS_ID_max_age_s and so on: indices of the rows. */
enum settings_id {
#define SETTING(name, field, type, dflt, min, max, sentence) SETTINGS_ID_##field,
#include "engine/settings.def"
#undef SETTING
	SETTINGS_ID_COUNT
};

/* One word of an ENUM row; the list ends with a NULL word. */
struct settings_word {
	const char *word;
	int value;
};

struct settings_spec {
	struct settings_row row;
	enum settings_type type;
	size_t at;       /* offset of the value in struct settings */
	size_t given_at; /* offset of its text */
	uint64_t min, max;
	const struct settings_word *words; /* ENUM only */
	/* Further syntax of a STRING: NULL when fine, else a static sentence. */
	const char *(*syntax)(struct span value);
	const char *example; /* for the sample file where there is no default */
};

const struct settings_spec *settings_spec_at(enum settings_id id);
/* The row of a name, ASCII case ignored; -1 for an unknown one. */
int settings_spec_find(struct span name, enum settings_id *out) MUST_USE;

static inline void *settings_spec_value(struct settings *s, const struct settings_spec *spec)
{
	return (char *)s + spec->at;
}

static inline char **settings_spec_given(struct settings *s, const struct settings_spec *spec)
{
	return (char **)(void *)((char *)s + spec->given_at);
}

/* "s, v, sv" */
void settings_spec_write_words(struct buf *out, const struct settings_spec *spec);
/* A number of the row's unit as a person would write it: "5d", "256k", "007". */
void settings_spec_write_number(struct buf *out, enum settings_type type, uint64_t v);

#endif
