/*
 * One value: text to the type of its row.  For engine/settings*.c only.
 */
#ifndef STIR_ENGINE_SETTINGS_VALUE_H
#define STIR_ENGINE_SETTINGS_VALUE_H

#include "engine/settings_spec.h"

/* Where a value comes from, and where it went wrong. */
struct settings_value {
	struct span text;   /* without quotes and comment, not empty */
	const char *folder; /* put in front of relative paths; NULL: leave them */
	/* after a failure */
	const char *at;     /* the octet of text to point at; NULL: the error text names a place already */
	struct err *e;      /* NULL is allowed */
};

/* Defaults, and nothing given. 0 / -1 and *e. */
int settings_value_default(struct settings *s, enum settings_id id, struct err *e) MUST_USE;
/* Sets field and given. 0; or -1, v->at and *v->e, and both are as before. */
int settings_value_put(struct settings *s, enum settings_id id, struct settings_value *v) MUST_USE;
/* Frees what the row owns; the field is then empty, not the default. */
void settings_value_drop(struct settings *s, enum settings_id id);
/* A path with the folder in front if it is relative; malloced, NULL without memory. */
char *settings_value_path(const char *folder, struct span path) MUST_USE;

#endif
