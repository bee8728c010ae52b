/*
 * Lines of an operator's file: cut, looked at octet by octet, and freed of
 * comments.  For the configuration and for lists with one entry a line.
 */
#ifndef STIR_ENGINE_SETTINGS_LINE_H
#define STIR_ENGINE_SETTINGS_LINE_H

#include "core/span.h"

/* Cuts the next line (without its LF) off *rest; false at the end. */
bool settings_line_next(struct span *rest, struct span *line);

/*
 * The first thing in a text that no file of ours may hold: NUL, carriage
 * return, another control character, octets that are no UTF-8.  NULL when
 * there is none; else a static sentence, and *at is where.
 */
const char *settings_line_fault(struct span text, const char **at);

/* The line up to a '#' at its start or after a blank, without blanks around it. */
struct span settings_line_content(struct span line);

/* The column of a place in the line, counted from 1 in characters. */
size_t settings_line_column(struct span line, const char *at);

/* The text, or as much of it as fits an error text, cut between characters. */
struct span settings_line_short(struct span text);

#endif
