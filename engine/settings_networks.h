/*
 * NETWORKS values: items, and files of items.  For engine/settings_value.c.
 */
#ifndef STIR_ENGINE_SETTINGS_NETWORKS_H
#define STIR_ENGINE_SETTINGS_NETWORKS_H

#include "engine/settings_value.h"

/* Cuts the next item of a list (blanks and commas between them) off *rest; false at the end. */
bool settings_networks_item(struct span *rest, struct span *item);

/*
 * The items of v->text: a network as cidr_add() reads it, or file:PATH with one
 * entry a line.  Puts into set, and into text how it would be written again.
 * 0; or -1, v->at and *v->e.
 */
int settings_networks_read(struct settings_value *v, struct cidr_set *set, struct buf *text) MUST_USE;

#endif
