/*
 * The lines of a configuration.  For engine/settings.c only; settings_parse()
 * itself is in engine/settings.h.
 */
#ifndef STIR_ENGINE_SETTINGS_PARSE_H
#define STIR_ENGINE_SETTINGS_PARSE_H

#include "engine/settings.h"

/* A file and what it includes; the text is the file's. 0, or -1 and *e. */
int settings_parse_file(struct settings *s, const char *path, struct span text, struct err *e) MUST_USE;

/* The folder a file stands in, from the root on; malloced, NULL without memory. */
char *settings_parse_folder(const char *path) MUST_USE;

#endif
